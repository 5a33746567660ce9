"""docs/event-store.md says what is true."""

import subprocess
from pathlib import Path

import pytest

from eventstore.cosmos.containers import EVENTS
from eventstore.cosmos.settings import CosmosSettings
from tests.eventstore import test_library as library
from tests.eventstore.test_chain import FIRST, GENESIS, SECOND

PAGE = (Path(__file__).parents[2] / "docs" / "event-store.md").read_text(encoding="utf-8")


def test_every_setting_is_listed() -> None:
    for name in CosmosSettings.model_fields:
        assert f"`COSMOS_{name.upper()}`" in PAGE


def test_every_test_of_the_library_that_is_left_out_is_listed_with_its_reason() -> None:
    suites = (library.TestApplication, library.TestApplicationRecorder)
    left_out = {
        name for suite in suites for name, value in vars(suite).items() if name.startswith("test") and not value
    }
    assert left_out == {
        "test_save_returns_recording_event",
        "test_application_with_cached_aggregates_not_fastforward",
        "test_insert_select",
        "test_concurrent_no_conflicts",
    }
    for name in left_out:
        assert f"`{name}`" in PAGE


@pytest.mark.parametrize("digest", [GENESIS, FIRST, SECOND])
def test_the_commands_of_the_hash_chain_print_what_stands_below_them(digest: str) -> None:
    lines = [line.strip() for line in PAGE.splitlines()]
    command = lines[lines.index(digest) - 1]
    assert subprocess.check_output(["sh", "-c", command], text=True).split()[0] == digest


def test_the_keys_and_indexes_of_the_container_are_listed() -> None:
    assert f"partition key `{EVENTS.partition_key}`, unique key `{EVENTS.unique_keys[0]}`" in PAGE
    paths = [entry["path"].removesuffix("/?") for entry in EVENTS.indexing["includedPaths"]]
    assert "indexed " + ", ".join(f"`{path}`" for path in paths) in PAGE
