"""Verification: whether the log is what was written, by its hash chains."""
