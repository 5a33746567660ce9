"""`tidemark tail` prints what lies on the hub, and what comes."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import orjson
import pytest
from azure.eventhub import EventData

from projectors.relay import EventHubPublisher, EventHubsSettings
from projectors.relay.tail import starting_position
from tests.projectors.relay.events import recorded

TIDEMARK = (sys.executable, "-m", "tidemark")
PATIENCE = 30.0


@contextmanager
def tailing(settings: EventHubsSettings, *options: str) -> Iterator[subprocess.Popen[str]]:
    """The command as a process; its standard output is read line by line."""
    environment = {"EVENTHUBS_CONNECTION_STRING": settings.connection_string or "", "EVENTHUBS_HUB": settings.hub}
    process = subprocess.Popen(
        [*TIDEMARK, "tail", *options],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def lines(process: subprocess.Popen[str], count: int) -> list[str]:
    assert process.stdout is not None
    return [process.stdout.readline().rstrip("\n") for _ in range(count)]


def test_the_whole_hub_is_printed_from_the_start(settings: EventHubsSettings, publisher: EventHubPublisher) -> None:
    publisher.publish([recorded("account-a", version) for version in (1, 2, 3)])
    with tailing(settings, "--from", "START") as process:
        printed = lines(process, 3)
    assert [line.split("  ")[1:4] for line in printed] == [
        ["account-a", f"v{version}", "account.funds-credited"] for version in (1, 2, 3)
    ]
    assert "'amount': 500" in printed[0]


def test_json_lines_are_the_cloud_events_of_one_stream(
    settings: EventHubsSettings, publisher: EventHubPublisher
) -> None:
    publisher.publish([recorded(f"account-{name}", version) for version in (1, 2) for name in "ab"])
    with tailing(settings, "--from", "START", "--stream", "account-b", "--json") as process:
        events = [orjson.loads(line) for line in lines(process, 2)]
    assert [(event["subject"], event["sequence"]) for event in events] == [
        ("account-b", "0000000001"),
        ("account-b", "0000000002"),
    ]


def test_from_the_end_only_what_comes_is_printed(settings: EventHubsSettings, publisher: EventHubPublisher) -> None:
    publisher.publish([recorded("account-a", 1)])
    with tailing(settings, "--from", "END", "--type", "account.funds-credited", "--json") as process:
        version = 1
        end = time.monotonic() + PATIENCE
        reading = subprocess.Popen(["head", "-n", "1"], stdin=process.stdout, stdout=subprocess.PIPE, text=True)
        while reading.poll() is None and time.monotonic() < end:
            version += 1
            publisher.publish([recorded("account-a", version)])
            time.sleep(0.2)
        first = orjson.loads(reading.communicate(timeout=5)[0])
    assert int(first["sequence"]) > 1


def test_a_message_that_is_no_cloud_event_is_reported_and_passed_over(
    settings: EventHubsSettings, publisher: EventHubPublisher
) -> None:
    with settings.producer() as producer:
        producer.send_event(EventData(b"not json"), partition_key="account-a")
    publisher.publish([recorded("account-a", 1)])
    with tailing(settings, "--from", "START", "--json") as process:
        assert orjson.loads(lines(process, 1)[0])["subject"] == "account-a"
        process.terminate()
        assert "tail: partition" in process.communicate()[1]


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("START", "-1"),
        ("end", "@latest"),
        ("2026-11-23T08:00:00", datetime(2026, 11, 23, 8, tzinfo=UTC)),
        ("2026-11-23T08:00:00+01:00", datetime(2026, 11, 23, 7, tzinfo=UTC)),
    ],
)
def test_a_position_is_an_end_or_a_time(text: str, position: object) -> None:
    assert starting_position(text) == position


def test_anything_else_is_refused_with_the_forms() -> None:
    with pytest.raises(ValueError, match="START, END, or a time"):
        starting_position("yesterday")


def test_a_missing_hub_is_one_clear_line() -> None:
    result = subprocess.run([*TIDEMARK, "tail"], env={}, capture_output=True, text=True, check=False)
    assert result.returncode != 0
    assert "EVENTHUBS_CONNECTION_STRING" in result.stderr
    assert "Traceback" not in result.stderr
