"""Queries of one container, whatever else its client does meanwhile."""

import threading
from collections.abc import Mapping
from typing import Any

import pytest
from azure.cosmos import ContainerProxy, CosmosClient

from localazure.cosmos import LocalCosmos
from projectors import container as gateway
from projectors.container import Container
from projectors.errors import Unanswered
from projectors.throughput.meter import Meter


class Busy(Meter):
    """Whenever an answer is booked, another thread's request has just been answered too."""

    def __init__(self, container: ContainerProxy) -> None:
        super().__init__()
        self._container = container

    def charge(self, headers: Mapping[str, Any]) -> None:
        super().charge(headers)
        other = threading.Thread(target=self._container.read_item, args=("item-0", "one"))
        other.start()
        other.join()


@pytest.mark.parametrize("partitions", [1, 3])
def test_a_scan_goes_on_from_its_own_page_whatever_other_threads_are_answered(
    client: CosmosClient, database: str, monkeypatch: pytest.MonkeyPatch, partitions: int
) -> None:
    container = client.get_database_client(database).get_container_client("views")
    keys = ["one", "two", "three"][:partitions]
    for number in range(12):
        container.create_item({"id": f"item-{number}", "pk": keys[number % partitions]})
    monkeypatch.setattr(gateway, "_ROWS_PER_PAGE", 5)
    rows = Container(container, meter=Busy(container), stop=None).scan("SELECT * FROM c")
    assert sorted(row["id"] for row in rows) == sorted(f"item-{number}" for number in range(12))


def test_a_replica_that_is_behind_is_no_answer(client: CosmosClient, database: str, cosmos: LocalCosmos) -> None:
    container = client.get_database_client(database).get_container_client("views")
    container.create_item({"id": "item", "pk": "one"})
    views = Container(container, meter=Meter(), stop=None)
    cosmos.faults.add(status=404, sub_status=1002)
    with pytest.raises(Unanswered):
        views.read("item", "one")
    with pytest.raises(Unanswered):
        views.replace({"id": "item", "pk": "one"}, "etag")
    cosmos.faults.clear()
    assert views.read("absent", "one") is None
