"""What is for developers of the ledger alone."""
