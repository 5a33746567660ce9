"""The ledger's commands over HTTP."""
