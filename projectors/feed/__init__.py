"""The change feed: pages of events by position, of one range at a time."""
