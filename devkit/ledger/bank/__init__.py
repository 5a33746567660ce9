"""A bank file, imported through the API and checked against its own balances."""
