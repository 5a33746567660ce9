"""HTTP, for commands and queries alike: bodies, problems, callers, documents."""
