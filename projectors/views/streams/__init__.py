"""Views of one stream, kept exactly once by the stream's version."""
