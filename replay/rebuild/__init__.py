"""A rebuild: a new generation of a view, made from the beginning of the log beside the one that serves."""
