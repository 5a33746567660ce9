"""Generations of a view: which of them serves, and where its documents lie."""
