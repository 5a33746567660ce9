"""Local servers that speak the wire protocols of Azure: Cosmos DB and Event Hubs. Knows nothing of Tidemark."""
