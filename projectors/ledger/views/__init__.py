"""The ledger's views."""
