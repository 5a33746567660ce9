"""Cosmos DB's SDK: opened, observed and asked."""
