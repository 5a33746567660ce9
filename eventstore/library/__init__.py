"""The eventsourcing library's persistence module on Cosmos DB."""
