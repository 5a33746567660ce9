"""Digests: sealed summaries of the whole log, kept elsewhere."""
