"""`tidemark audit`: a command a function."""
