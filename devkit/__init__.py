"""For developers only, never deployed: local servers for Cosmos DB and Event Hubs, `tidemark up`, `tidemark import`."""
