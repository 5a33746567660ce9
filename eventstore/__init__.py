"""The event store of Tidemark: Cosmos DB as a persistence module of the eventsourcing library, and more.

PERSISTENCE_MODULE=eventstore      any application of the eventsourcing library (eventstore.factory)
eventstore.commands                commands that take effect exactly once
eventstore.history                 the log, to read and to verify
"""

from eventstore.factory import Factory

__all__ = ["Factory"]
