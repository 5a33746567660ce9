"""Storage of containers, items and their indexes in SQLite."""
