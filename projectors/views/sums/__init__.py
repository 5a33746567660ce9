"""Views over many streams, kept exactly once by the position in the feed."""
