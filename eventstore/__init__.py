"""The event store of Tidemark: Cosmos DB as a persistence module of the eventsourcing library, and more.

PERSISTENCE_MODULE=eventstore      any application of the eventsourcing library (eventstore.library.factory)
eventstore.commands.store                commands that take effect exactly once
eventstore.log.history                 the log, to read and to verify
"""

from eventstore.library.factory import Factory

__all__ = ["Factory"]
