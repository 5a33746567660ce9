"""What a request will cost: learnt from those before it, guessed dearly until then."""

import pytest
from azure.core.pipeline.transport import HttpRequest

from projectors.throughput.charges import BATCH, METADATA, PAGE, QUERY, READ, WRITE, ChargeEstimates, Size, size_of

QUERIES = {"x-ms-documentdb-isquery": "true"}
BY_IDS = '{"query": "SELECT * FROM c WHERE c.id IN (@id0, @id1)", "parameters": []}'
ALL = '{"query": "SELECT * FROM c"}'
DOCS = "http://host/dbs/tidemark/colls/views/docs"


@pytest.mark.parametrize(
    ("method", "url", "headers", "body", "expected"),
    [
        ("GET", "http://host/dbs/tidemark/colls/views", {}, None, Size(METADATA, "views", 1)),
        ("GET", f"{DOCS}/1", {}, None, Size(READ, "views", 1)),
        ("GET", DOCS, {"A-IM": "Incremental feed", "x-ms-max-item-count": "250"}, None, Size(PAGE, "views", 250)),
        ("POST", DOCS, QUERIES, BY_IDS, Size(QUERY, "views SELECT * FROM c WHERE c.id", 100)),
        ("POST", DOCS, QUERIES | {"x-ms-max-item-count": "-1"}, ALL, Size(QUERY, "views SELECT * FROM c", 100)),
        ("POST", DOCS, {"x-ms-cosmos-is-query-plan-request": "True"}, "{}", Size(METADATA, "views", 1)),
        ("POST", DOCS, {}, b"{}", Size(WRITE, "views", 1)),
        ("PUT", f"{DOCS}/1", {}, "{}", Size(WRITE, "views", 2)),
        ("DELETE", f"{DOCS}/1", {}, None, Size(WRITE, "views", 2)),
        (
            "POST",
            DOCS,
            {"x-ms-cosmos-is-batch-request": "True"},
            '[{"operationType": "Create"}, {"operationType":"Create"}, {"operationType": "Replace"}]',
            Size(BATCH, "views", 4),
        ),
        ("POST", DOCS, {"x-ms-cosmos-is-batch-request": "True"}, " " * 102_400, Size(BATCH, "views", 16)),
    ],
)
def test_how_large_a_request_is(method: str, url: str, headers: dict[str, str], body: object, expected: Size) -> None:
    assert size_of(HttpRequest(method, url, headers=headers, data=body)) == expected  # type: ignore[arg-type]


def test_a_page_is_learnt_by_its_items_and_an_empty_one_teaches_nothing() -> None:
    costs, page = ChargeEstimates(), Size(PAGE, "events", 1000)
    guessed = costs.expected(page)
    costs.learn(page, 1.0, 0)
    assert costs.expected(page) == guessed
    costs.learn(page, 21.0, 100)
    assert costs.expected(page) == pytest.approx(201.0)
    assert costs.fitting(PAGE, "events", 101.0) == 500


def test_a_query_that_finds_nothing_teaches_what_looking_costs() -> None:
    costs, query = ChargeEstimates(), Size(QUERY, "views SELECT 1", 100)
    costs.learn(query, 53.0, 0)
    assert costs.expected(query) == 53.0


def test_the_dearest_of_late_is_expected_and_forgotten_in_time() -> None:
    costs, batch = ChargeEstimates(), Size(BATCH, "views", 10)
    costs.learn(batch, 200.0, None)
    costs.learn(batch, 60.0, None)
    assert costs.expected(batch) == 200.0
    for _ in range(100):
        costs.learn(batch, 60.0, None)
    assert costs.expected(batch) == 60.0


def test_one_operation_always_fits() -> None:
    costs = ChargeEstimates()
    costs.learn(Size(BATCH, "views", 1), 500.0, None)
    assert costs.fitting(BATCH, "views", 25.0) == 1
