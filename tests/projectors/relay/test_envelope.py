"""An event on the hub is a CloudEvents 1.0 event that says everything a consumer needs."""

from datetime import UTC, datetime
from typing import Any

from cloudevents.core.base import BaseCloudEvent
from cloudevents.core.formats.json import JSONFormat

from eventstore.log.documents import RecordedEvent
from projectors.relay.envelope import cloud_event, cloud_event_by_reference
from tests.projectors.relay.events import recorded

SOURCE = "urn:tidemark:tidemark"


def read(body: bytes) -> BaseCloudEvent:
    return JSONFormat().read(None, body)


def attributes(event: RecordedEvent) -> dict[str, Any]:
    return dict(read(cloud_event(event, source=SOURCE)).get_attributes())


def test_the_envelope_carries_identity_order_and_provenance() -> None:
    event = recorded("account-alice", 7, actor="user:17", correlation="c-1", causation="cmd-9")
    assert attributes(event) == {
        "specversion": "1.0",
        "id": event.meta["id"],
        "source": SOURCE,
        "type": "account.funds-credited",
        "dataschema": "urn:tidemark:account.funds-credited:1",
        "datacontenttype": "application/json",
        "subject": "account-alice",
        "sequence": "0000000007",
        "time": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        "recordedtime": "2026-01-02T03:04:06+00:00",
        "authid": "user:17",
        "correlationid": "c-1",
        "causationid": "cmd-9",
    }


def test_the_data_is_the_event_as_stored() -> None:
    event = recorded("account-alice", 1)
    assert read(cloud_event(event, source=SOURCE)).get_data() == {
        "amount": 500,
        "timestamp": "2026-01-02T03:04:05+00:00",
    }


def test_an_unreadable_state_travels_as_it_is_stored() -> None:
    event = recorded("account-alice", 1, state=b"secret", enc="base64")
    read_back = read(cloud_event(event, source=SOURCE))
    assert read_back.get_data() == b"\xffsecret"
    assert read_back.get_datacontenttype() == "application/octet-stream"


def test_an_event_that_is_too_large_says_where_its_data_is() -> None:
    event = recorded("account-alice", 7)
    reference = read(cloud_event_by_reference(event, source=SOURCE))
    assert reference.get_data() is None
    assert reference.get_attributes()["dataref"] == "/streams/account-alice/events/7"
    assert reference.get_id() == event.meta["id"]
