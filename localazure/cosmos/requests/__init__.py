"""Requests that Cosmos DB answers, one kind a file."""
