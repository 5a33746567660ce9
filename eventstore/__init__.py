"""The event store of Tidemark: Cosmos DB as a persistence module of the eventsourcing library, and more.

    PERSISTENCE_MODULE=eventstore          any application of the eventsourcing library (`Factory`)
    MAPPER_TOPIC=eventstore:Mapper         events as plain JSON, with TRANSCODER_TOPIC=eventstore:PlainTranscoder
    save(aggregate, command=Command(…))    a save that happens once
    eventstore.commands                    commands that take effect exactly once
    eventstore.log.history                 the log, to read and to verify

These names stay where they are, whatever moves inside.
"""

from eventstore.library.factory import Factory
from eventstore.log.mapper import Mapper, PlainTranscoder
from eventstore.log.outcomes import Command

__all__ = ["Command", "Factory", "Mapper", "PlainTranscoder"]
