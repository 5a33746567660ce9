"""The style sheet and the script of the pages."""
