"""Fence of a stream: what is written before it, the session token of the answer sees."""

from eventstore.log.chain import genesis
from eventstore.log.event_log import EventLog
from eventstore.log.outcomes import outcome_document


def fence(log: EventLog, stream: str, command_id: str, place: str | None = None) -> str:
    """A session token of this moment, by way of a document that never lands; it holds nothing that could be too large.
    `place` is the id of one that is there already."""
    probe = outcome_document(
        stream=stream, version=0, head=genesis(stream), command_id=command_id, refusal=None, meta={}
    )
    return log.fence(stream, probe | {"id": place} if place else probe)
