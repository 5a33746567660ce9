"""Leases: which worker reads which range of the feed, and how far it has come."""
