"""The ledger's queries over HTTP."""
