"""Hosts of the apps: Azure Functions, and a server of one's own."""
