"""The past: a view as of a moment."""
