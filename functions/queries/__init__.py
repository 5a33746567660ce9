"""The query side of the HTTP API, whatever the views are."""
