"""Events as plain JSON, and back as what they were."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

import orjson
import pytest
from eventsourcing.cipher import AESCipher
from eventsourcing.compressor import ZlibCompressor
from eventsourcing.persistence import DatetimeAsISO, JSONTranscoder, MapperDeserialisationError
from eventsourcing.utils import Environment

from eventstore.commands.store import CommandStore
from eventstore.errors import EventNotStorable, UnknownEventType, UnknownSchema
from eventstore.log.history import History
from eventstore.log.mapper import Mapper
from tests.eventstore.conftest import STREAM, NewStore, open_purse, pay_in
from tests.eventstore.purse import AT, Purse


def paid_in(**fields: Any) -> Purse.PaidIn:
    given = {"amount": 500, "day": date(2026, 2, 28), "timestamp": AT} | fields
    return Purse.PaidIn(originator_id=STREAM, originator_version=7, **given)  # type: ignore[call-arg]


def test_an_event_is_stored_under_its_registered_name_as_json_that_anyone_can_read() -> None:
    stored = Mapper[str]().to_stored_event(paid_in())
    assert (stored.topic, stored.originator_id, stored.originator_version) == ("test.purse.paid-in", STREAM, 7)
    assert orjson.loads(stored.state) == {"amount": 500, "day": "2026-02-28", "timestamp": "2026-03-01T12:30:00+00:00"}


@pytest.mark.parametrize("day", [None, date(2026, 2, 28)])
@pytest.mark.parametrize("at", [AT, AT.replace(microsecond=1), datetime.max.replace(tzinfo=UTC)])
def test_an_event_comes_back_as_it_was(day: date | None, at: datetime) -> None:
    mapper = Mapper[str]()
    event = paid_in(day=day, timestamp=at)
    assert mapper.to_domain_event(mapper.to_stored_event(event)) == event


@pytest.mark.parametrize("value", [1.5, Decimal("1.5"), uuid4(), b"1", {1}], ids=lambda value: type(value).__name__)
def test_a_value_that_is_not_json_is_refused_with_the_name_of_its_field(value: object) -> None:
    with pytest.raises(EventNotStorable, match=rf"PaidIn\.amount is a {type(value).__name__}"):
        Mapper[str]().to_stored_event(paid_in(amount=value))


def test_a_number_that_json_readers_would_round_is_refused() -> None:
    with pytest.raises(EventNotStorable, match="64-bit"):
        Mapper[str]().to_stored_event(paid_in(amount=2**64))


def test_an_unregistered_type_is_named_with_stream_and_version() -> None:
    stored = replace(Mapper[str]().to_stored_event(paid_in()), topic="test.never-registered")
    with pytest.raises(UnknownEventType, match=re.escape(f"event 7 of stream {STREAM} has type 'test.never-")):
        Mapper[str]().to_domain_event(stored)


def test_a_newer_schema_is_named_with_stream_and_version() -> None:
    stored = replace(Mapper[str]().to_stored_event(paid_in()), state=b'{"class_version":2}')
    with pytest.raises(UnknownSchema, match=f"event 7 of stream {STREAM} .* has schema 2, this program knows up to 1"):
        Mapper[str]().to_domain_event(stored)


def test_bytes_that_cannot_be_read_are_named_with_stream_and_version() -> None:
    stored = replace(Mapper[str]().to_stored_event(paid_in()), state=b"\xff")
    with pytest.raises(MapperDeserialisationError, match=f"event 7 of stream {STREAM}"):
        Mapper[str]().to_domain_event(stored)


def secured() -> Mapper[str]:
    key = AESCipher.create_key(16)
    return Mapper(compressor=ZlibCompressor(), cipher=AESCipher(Environment("", {"CIPHER_KEY": key})))


@pytest.mark.parametrize(
    "make", [secured, lambda: Mapper(compressor=ZlibCompressor())], ids=["encrypted", "compressed"]
)
def test_compressed_and_encrypted_streams_work_read_and_verify(
    make: Any, new_store: NewStore, history: History
) -> None:
    mapper = make()
    store: CommandStore = new_store(mapper=mapper, snapshot_every=2)
    open_purse(store)
    for number in range(3):
        pay_in(store, 5, f"key-{number}")
    assert pay_in(new_store(mapper=mapper), 1, "cold").answer == {"balance": 16}

    events = list(history.stream(STREAM))
    assert {event.enc for event in events} == {"base64"}
    assert all(b"amount" not in event.state for event in events)
    assert [mapper.domain_event(event).originator_version for event in events] == [1, 2, 3, 4, 5]
    assert mapper.domain_event(events[1]).amount == 5
    assert history.verify(STREAM).sound


def test_a_stream_that_was_encrypted_with_another_key_says_so(new_store: NewStore) -> None:
    open_purse(new_store(mapper=secured()))
    with pytest.raises(MapperDeserialisationError, match="were CIPHER_KEY"):
        pay_in(new_store(mapper=secured()), 1, "key")


def test_a_transcoder_that_restores_dates_itself_is_left_to_it() -> None:
    transcoder = JSONTranscoder()
    transcoder.register(DatetimeAsISO())
    mapper = Mapper[str](transcoder)
    event = paid_in(day=None)
    stored = mapper.to_stored_event(event)
    assert b"datetime_iso" in stored.state
    assert mapper.to_domain_event(stored) == event


class Reversing:
    """A field codec that writes one field backwards, with the stream's name at its end."""

    def encode(self, event_class: type, stream: str, fields: dict[str, Any]) -> None:
        if event_class is Purse.Opened:
            fields["owner"] = fields["owner"][::-1] + stream

    def decode(self, event_class: type, stream: str, fields: dict[str, Any]) -> None:
        if event_class is Purse.Opened:
            fields["owner"] = fields["owner"].removesuffix(stream)[::-1]


def test_a_field_codec_rewrites_single_fields_on_their_way(new_store: NewStore, history: History) -> None:
    mapper = Mapper[str](fields=Reversing())
    open_purse(new_store(mapper=mapper))
    (event,) = history.stream(STREAM)
    assert orjson.loads(event.state)["owner"] == "ecila" + STREAM
    assert mapper.domain_event(event).owner == "alice"
    assert new_store(mapper=mapper).load(STREAM).owner == "alice"
