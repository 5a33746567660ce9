"""Views: what is made of events, how it is read, and what could not be applied to it."""
