"""Cosmos DB's REST protocol: messages, addresses, signatures, errors."""
