"""Request units: bounded, foreseen and counted."""
