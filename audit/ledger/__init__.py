"""What the audit says of a ledger: sentences, stories and amounts."""
