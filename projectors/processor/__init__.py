"""The change feed processor: reads, handles and writes the ranges that a worker holds."""
