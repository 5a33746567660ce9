"""The command side of the HTTP API, whatever the commands are."""
