"""Capacity: what an installation costs and carries."""
