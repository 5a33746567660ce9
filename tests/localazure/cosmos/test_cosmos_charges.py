"""Request units: the published costs, and that every answer names one."""

import pytest
from azure.cosmos import ContainerProxy, DatabaseProxy, PartitionKey
from azure.cosmos.exceptions import CosmosResourceNotFoundError

from localazure.cosmos import LocalCosmos, RequestLog, log
from localazure.cosmos.storage import charges

BARE = {"includedPaths": [], "excludedPaths": [{"path": "/*"}]}


@pytest.mark.parametrize(("size", "units"), [(1, 1.0), (1024, 1.0), (100 * 1024, 10.0)])
def test_a_point_read_costs_what_is_published(size: int, units: float) -> None:
    assert charges.point_read(size) == pytest.approx(units)


@pytest.mark.parametrize(("size", "units"), [(1024, 5.5), (100 * 1024, 50.0)])
def test_a_create_without_index_costs_what_is_published_and_a_replace_twice_that(size: int, units: float) -> None:
    assert charges.create(size, terms=0) == pytest.approx(units)
    assert charges.replace(size, terms=0) == pytest.approx(2 * units)


def test_each_indexed_value_adds_to_a_write(cosmos: LocalCosmos, db: DatabaseProxy, container: ContainerProxy) -> None:
    bare = db.create_container("bare", PartitionKey(path="/pk"), indexing_policy=BARE)
    item = {"id": "1", "pk": "p", "a": 1, "list": [1, 2, {"b": True}]}
    container.create_item(item)
    bare.create_item(item)
    indexed, plain = (cosmos.log.filter("create", container=name)[0].charge for name in ("c", "bare"))
    assert plain == pytest.approx(5.5)
    assert indexed == pytest.approx(5.5 + 6 * charges.INDEX_TERM)


def test_a_read_that_finds_nothing_costs_one(cosmos: LocalCosmos, container: ContainerProxy) -> None:
    with pytest.raises(CosmosResourceNotFoundError):
        container.read_item("1", "p")
    assert [entry.charge for entry in cosmos.log.filter("read")] == [1.0]


def test_a_query_of_one_partition_costs_a_little_under_three_and_its_items(
    cosmos: LocalCosmos, container: ContainerProxy
) -> None:
    for number in range(10):
        container.create_item({"id": str(number), "pk": "p"})
    list(container.query_items("SELECT * FROM c", partition_key="p"))
    assert 2.3 < cosmos.log.filter("query")[0].charge < 3.5


def test_every_answer_names_its_charge(cosmos: LocalCosmos, container: ContainerProxy) -> None:
    container.upsert_item({"id": "1", "pk": "p"})
    container.execute_item_batch([("read", ("1",))], "p")
    list(container.query_items_change_feed(start_time="Beginning"))
    assert all(entry.charge > 0 for entry in cosmos.log if entry.operation != "container.delete")
    assert float(container.client_connection.last_response_headers["x-ms-request-charge"]) > 0


def test_the_log_tells_the_dearest_second_wherever_it_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    requests = RequestLog()
    for at, charge in ((0.0, 5.0), (0.6, 10.0), (1.5, 10.0), (1.6, 1.0), (9.0, 20.5)):
        monkeypatch.setattr(log, "time", lambda at=at: at)
        requests.add(("read", "d", "c", 200, 0), charge, duration=0.0)
    assert (requests.dearest(), requests.dearest(0.01), requests.dearest(10)) == (20.5, 20.5, 46.5)
    assert next(iter(requests)).at == 0.0
