"""Contents of a generation: what is stored, and what the log says that should be."""
