"""Hubs, their partitions, and what is stored of them."""
