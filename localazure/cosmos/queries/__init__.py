"""Queries as requests: planned, run and paged."""
