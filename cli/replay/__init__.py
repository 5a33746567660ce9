"""`tidemark replay`: a command a function."""
