"""The log: what is stored of an event and of an outcome, and how it is read and verified."""
