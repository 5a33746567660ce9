"""`tidemark replay deadletters` shows and mends what waits in the relay as it does for views."""

from collections.abc import Callable, Iterator

import pytest
from azure.cosmos import CosmosClient
from click.testing import Result
from typer.testing import CliRunner

from cli.replay.commands import app
from localazure.cosmos import LocalCosmos, serve
from projectors.relay import EventHubsSettings
from tests.projectors.relay.test_refused_events import Hub, hub_, relaying
from tests.projectors.relay.test_relay import Arrived, versions

__all__ = ["hub_"]

Run = Callable[..., Result]


@pytest.fixture
def run(cosmos: LocalCosmos, settings: EventHubsSettings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    with serve(cosmos) as server:
        monkeypatch.setenv("COSMOS_ENDPOINT", server.endpoint)
        monkeypatch.setenv("EVENTHUBS_CONNECTION_STRING", settings.connection_string or "")
        monkeypatch.setenv("EVENTHUBS_HUB", settings.hub)
        yield lambda *arguments: CliRunner().invoke(app, ["deadletters", *arguments])


def test_a_stream_that_waits_in_the_relay_is_listed_shown_dropped_and_sent(
    client: CosmosClient,
    database: str,
    hub_: Hub,
    append: Callable[[str, int], None],
    arrived: Arrived,
    run: Run,
) -> None:
    hub_.refused |= {("account-a", 1), ("account-b", 1)}
    for stream in ("account-a", "account-b"):
        for version in (1, 2):
            append(stream, version)
    assert relaying(client, database, hub_.publisher).run_until_idle(30).idle
    listed = run("list").output.splitlines()
    assert listed == run("list", "relay").output.splitlines()
    assert listed == [
        f"relay  {stream} version 1 (account.funds-credited), 2 events wait: it is not liked"
        for stream in ("account-a", "account-b")
    ]
    assert '"amount":500' in run("show", "relay", "account-a").output
    assert run("drop", "relay", "account-a", "1", "--yes").output.splitlines() == [
        "versions from 2 on (2 to 2 wait already) are sent without version 1: subscribers never get it",
        "account-a: version 1 left out, the rest sent",
    ]
    assert run("drop", "relay", "account-a", "2", "--yes").exit_code == 1
    assert run("retry", "relay").output == "account-b: sent\n"
    assert run("list").output == "nothing is parked\n"
    messages = arrived(3)
    assert [versions(messages, stream) for stream in ("account-a", "account-b")] == [[2], [1, 2]]


def test_a_view_that_there_is_not_is_no_relay(run: Run, database: str) -> None:
    assert run("list", "relays").exit_code == 2
