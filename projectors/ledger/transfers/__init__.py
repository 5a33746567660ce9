"""The process that drives a transfer from account to account."""
