"""Queries: what Azure refuses is refused, pages are positions, indexes are used."""

from typing import Any

import pytest
from azure.cosmos import ContainerProxy, DatabaseProxy, PartitionKey
from azure.cosmos.exceptions import CosmosHttpResponseError

from localazure.cosmos import LocalCosmos

CROSS: dict[str, Any] = {"enable_cross_partition_query": True}


@pytest.fixture
def filled(container: ContainerProxy) -> ContainerProxy:
    for stream in range(10):
        operations = [("create", ({"id": f"{n:04d}", "pk": f"s{stream}", "n": stream * 10 + n},)) for n in range(10)]
        container.execute_item_batch(operations, f"s{stream}")
    return container


def test_a_query_over_partitions_needs_permission(filled: ContainerProxy) -> None:
    with pytest.raises(CosmosHttpResponseError) as refusal:
        list(filled.query_items("SELECT * FROM c WHERE c.n = 1"))
    assert refusal.value.status_code == 400
    assert [item["n"] for item in filled.query_items("SELECT * FROM c WHERE c.n = 1", **CROSS)] == [1]


def test_a_where_that_fixes_the_key_needs_no_permission(filled: ContainerProxy) -> None:
    assert len(list(filled.query_items("SELECT * FROM c WHERE c.pk = 's3' AND c.n > 34"))) == 5


def test_sorting_across_partitions_goes_through_a_query_plan(cosmos: LocalCosmos, filled: ContainerProxy) -> None:
    cosmos.split("db", "c")
    found = [item["n"] for item in filled.query_items("SELECT * FROM c ORDER BY c.n DESC", **CROSS)]
    assert found == list(range(99, -1, -1))
    assert cosmos.log.filter("query", status=400)[0].sub_status == 1004
    assert cosmos.log.count("queryplan", status=200) == 1


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("SELECT VALUE COUNT(1) FROM c", [100]),
        ("SELECT VALUE MAX(c.n) FROM c", [99]),
        ("SELECT VALUE SUM(c.n) FROM c", [4950]),
        ("SELECT TOP 3 VALUE c.n FROM c ORDER BY c.n", [0, 1, 2]),
        ("SELECT VALUE c.n FROM c ORDER BY c.n OFFSET 5 LIMIT 2", [5, 6]),
        ("SELECT DISTINCT VALUE c.id FROM c ORDER BY c.id", [f"{n:04d}" for n in range(10)]),
    ],
)
def test_results_across_partitions_equal_those_of_one(
    cosmos: LocalCosmos, filled: ContainerProxy, query: str, expected: list[Any]
) -> None:
    assert list(filled.query_items(query, **CROSS)) == expected
    cosmos.split("db", "c")
    assert list(filled.query_items(query, **CROSS)) == expected


def test_a_token_goes_on_after_a_split_where_it_stood(cosmos: LocalCosmos, filled: ContainerProxy) -> None:
    pages = filled.query_items("SELECT * FROM c WHERE c.n >= 0", max_item_count=7, **CROSS).by_page()
    found = [item["n"] for item in next(pages)]
    token = pages.continuation_token  # type: ignore[attr-defined]
    cosmos.split("db", "c")
    rest = filled.query_items("SELECT * FROM c WHERE c.n >= 0", max_item_count=7, **CROSS).by_page(token)
    found += [item["n"] for page in rest for item in page]
    assert sorted(found) == list(range(100))


@pytest.mark.parametrize("gone", ["1", "3", "5"])
@pytest.mark.parametrize("shape", ["SELECT *", "SELECT c.n"])
def test_a_token_of_a_sorted_result_goes_on_behind_its_last_row(
    container: ContainerProxy, shape: str, gone: str
) -> None:
    for n in (1, 3, 5, 7, 9):
        container.create_item({"id": str(n), "pk": "p", "n": n})
    query = f"{shape} FROM c ORDER BY c.n"
    pages = container.query_items(query, partition_key="p", max_item_count=2).by_page()
    assert [item["n"] for item in next(pages)] == [1, 3]
    token = pages.continuation_token  # type: ignore[attr-defined]
    container.create_item({"id": "0", "pk": "p", "n": 0})
    container.delete_item(gone, "p")
    rest = container.query_items(query, partition_key="p", max_item_count=2).by_page(token)
    assert [item["n"] for page in rest for item in page] == [n for n in (5, 7, 9) if str(n) != gone]


def test_a_foreign_token_starts_the_query_anew(filled: ContainerProxy) -> None:
    pages = filled.query_items("SELECT * FROM c", partition_key="s1").by_page("-RID:~abc==#RT:1#TRC:5")
    assert len([item for page in pages for item in page]) == 10


def test_a_page_ends_at_four_megabytes(container: ContainerProxy) -> None:
    for number in range(5):
        container.create_item({"id": str(number), "pk": "p", "text": "x" * 1_500_000})
    pages = container.query_items("SELECT * FROM c", partition_key="p").by_page()
    assert [len(list(page)) for page in pages] == [2, 2, 1]


def test_a_sort_by_two_properties_needs_a_composite_index(db: DatabaseProxy, container: ContainerProxy) -> None:
    query = "SELECT * FROM c ORDER BY c.a, c.b DESC"
    with pytest.raises(CosmosHttpResponseError, match="composite index"):
        list(container.query_items(query, partition_key="p"))
    policy = {
        "includedPaths": [{"path": "/*"}],
        "compositeIndexes": [[{"path": "/a", "order": "descending"}, {"path": "/b", "order": "ascending"}]],
    }
    indexed = db.create_container("indexed", PartitionKey(path="/pk"), indexing_policy=policy)
    for a, b in ((1, 1), (1, 2), (0, 1)):
        indexed.create_item({"id": f"{a}{b}", "pk": "p", "a": a, "b": b})
    assert [item["id"] for item in indexed.query_items(query, partition_key="p")] == ["01", "12", "11"]


def test_a_sort_by_a_property_outside_the_index_is_refused(db: DatabaseProxy) -> None:
    policy = {"includedPaths": [{"path": "/pk/?"}], "excludedPaths": [{"path": "/*"}]}
    container = db.create_container("bare", PartitionKey(path="/pk"), indexing_policy=policy)
    with pytest.raises(CosmosHttpResponseError, match="excluded"):
        list(container.query_items("SELECT * FROM c ORDER BY c.n", partition_key="p"))


def test_a_range_of_ids_or_a_unique_key_is_found_without_looking_at_the_rest(
    cosmos: LocalCosmos, db: DatabaseProxy
) -> None:
    container = db.create_container(
        "events", PartitionKey(path="/pk"), unique_key_policy={"uniqueKeys": [{"paths": ["/commandId"]}]}
    )
    for start in range(0, 500, 100):
        batch = [("create", ({"id": f"{n:06d}", "pk": "p", "commandId": f"k{n}"},)) for n in range(start, start + 100)]
        container.execute_item_batch(batch, "p")
    query = "SELECT VALUE c.id FROM c WHERE c.id > @version OR c.commandId = @command"
    parameters: list[dict[str, object]] = [{"name": "@version", "value": "000497"}, {"name": "@command", "value": "k7"}]
    found = list(container.query_items(query, parameters=parameters, partition_key="p", populate_query_metrics=True))
    assert found == ["000007", "000498", "000499"]
    metrics = container.client_connection.last_response_headers["x-ms-documentdb-query-metrics"]
    assert "retrievedDocumentCount=3;" in metrics


def test_items_of_a_join_are_paged_row_by_row(container: ContainerProxy) -> None:
    for number in range(3):
        container.create_item({"id": str(number), "pk": "p", "tags": ["a", "b", "c"]})
    query = "SELECT VALUE CONCAT(c.id, t) FROM c JOIN t IN c.tags"
    pages = container.query_items(query, partition_key="p", max_item_count=2).by_page()
    found = [list(page) for page in pages]
    assert [len(page) for page in found] == [2, 2, 2, 2, 1]
    assert [row for page in found for row in page] == [f"{n}{t}" for n in range(3) for t in "abc"]


def test_a_query_that_is_no_query_is_refused_with_a_reason(container: ContainerProxy) -> None:
    with pytest.raises(CosmosHttpResponseError) as refusal:
        list(container.query_items("SELECT FROM WHERE", partition_key="p"))
    assert refusal.value.status_code == 400


def test_prefixes_of_a_hierarchical_key_reach_everything_below(cosmos: LocalCosmos, db: DatabaseProxy) -> None:
    container = db.create_container("levels", PartitionKey(path=["/a", "/b", "/c"], kind="MultiHash"))
    for a in "xy":
        for b in "xy":
            for c in "xy":
                container.create_item({"id": "1", "a": a, "b": b, "c": c})
    cosmos.split("db", "levels")
    assert len(list(container.query_items("SELECT * FROM c", partition_key=["x"]))) == 4
    assert len(list(container.query_items("SELECT * FROM c", partition_key=["x", "y"]))) == 2
    assert container.read_item("1", ["x", "y", "x"])["c"] == "x"
    with pytest.raises(CosmosHttpResponseError) as refusal:
        container.read_item("1", ["x", "y"])
    assert (refusal.value.status_code, refusal.value.sub_status) == (400, 1001)


@pytest.mark.parametrize(
    ("query", "loaded"),
    [
        ("SELECT VALUE COUNT(1) FROM c", 0),
        ("SELECT COUNT(1) AS n, SUM(2) AS twice FROM c", 0),
        ("SELECT VALUE COUNT(1) FROM c WHERE c.n >= 0", 20),
        ("SELECT VALUE COUNT(c.n) FROM c", 20),
        ("SELECT VALUE COUNT(1) FROM x IN c.list", 20),
        ("SELECT COUNT(1) AS n FROM c GROUP BY c.pk", 20),
    ],
)
def test_a_count_of_all_items_loads_none(container: ContainerProxy, query: str, loaded: int) -> None:
    container.execute_item_batch(
        [("create", ({"id": str(n), "pk": "p", "n": n, "list": [1]},)) for n in range(20)], "p"
    )
    container.create_item({"id": "other", "pk": "q"})
    (row,) = container.query_items(query, partition_key="p", populate_query_metrics=True)
    metrics = container.client_connection.last_response_headers["x-ms-documentdb-query-metrics"]
    assert f"retrievedDocumentCount={loaded};" in metrics
    assert row == 20 or row["n"] == 20
