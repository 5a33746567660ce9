"""Numbers are IEEE 754 doubles, as in the service: no digit is kept that Azure would lose."""

import json
from typing import Any

import pytest
from azure.cosmos import ContainerProxy
from azure.cosmos.exceptions import CosmosHttpResponseError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

BEYOND = 2**53 + 1


def item(value: object, item_id: str = "1") -> dict[str, object]:
    return {"id": item_id, "pk": "p", "n": value}


def replaced(container: ContainerProxy) -> object:
    container.create_item(item(0))
    return container.replace_item("1", item(BEYOND))["n"]


def batch(container: ContainerProxy, kind: str) -> object:
    if kind == "replace":
        container.create_item(item(0))
        container.execute_item_batch([("replace", ("1", item(BEYOND)))], "p")
    else:
        container.execute_item_batch([(kind, (item(BEYOND),))], "p")
    return container.read_item("1", "p")["n"]


def patched(container: ContainerProxy, before: int, operation: dict[str, Any]) -> object:
    container.create_item(item(before))
    return container.patch_item("1", "p", [{"path": "/n", **operation}])["n"]


def queried(container: ContainerProxy, query: str, **parameters: object) -> object:
    container.create_item(item(BEYOND))
    given_parameters = [{"name": f"@{name}", "value": value} for name, value in parameters.items()]
    return next(iter(container.query_items(query, parameters=given_parameters, partition_key="p")))


WAYS = {
    "create": lambda c: c.create_item(item(BEYOND))["n"],
    "create and read": lambda c: (c.create_item(item(BEYOND)), c.read_item("1", "p")["n"])[1],
    "upsert": lambda c: c.upsert_item(item(BEYOND))["n"],
    "replace": replaced,
    "deep inside": lambda c: c.create_item(item([{"m": [BEYOND]}]))["n"][0]["m"][0],
    "batch create": lambda c: batch(c, "create"),
    "batch upsert": lambda c: batch(c, "upsert"),
    "batch replace": lambda c: batch(c, "replace"),
    "patch set": lambda c: patched(c, 0, {"op": "set", "value": BEYOND}),
    "patch incr": lambda c: patched(c, 2**53, {"op": "incr", "value": 1}),
    "query": lambda c: queried(c, "SELECT * FROM c")["n"],  # type: ignore[index]
    "query of a value": lambda c: queried(c, "SELECT VALUE c.n FROM c"),
    "query of a literal": lambda c: queried(c, f"SELECT VALUE {BEYOND} FROM c"),
    "query of a parameter": lambda c: queried(c, "SELECT VALUE @n FROM c", n=BEYOND),
    "query of a sum": lambda c: queried(c, "SELECT VALUE c.n + 1 FROM c"),
    "change feed": lambda c: (
        c.create_item(item(BEYOND)),
        next(iter(c.query_items_change_feed(start_time="Beginning"))),
    )[1]["n"],
}


@pytest.mark.parametrize("way", WAYS)
def test_a_whole_number_beyond_2_to_the_53_is_rounded(container: ContainerProxy, way: str) -> None:
    value = WAYS[way](container)
    assert (value, type(value)) == (2**53, int)


@pytest.mark.parametrize(
    ("given_text", "kept"),
    [
        ("9007199254740991", "9007199254740991"),
        ("-9007199254740993", "-9007199254740992"),
        ("9007199254740995", "9007199254740996"),
        ("769308320146468865", "769308320146468864"),
        ("9223372036854775807", "9.223372036854776e+18"),
        ("123456789012345678901234", "1.2345678901234569e+23"),
        ("10000000000000000000000", "1e+22"),
        ("0.1", "0.1"),
    ],
)
def test_the_text_of_a_number_is_that_of_its_double(container: ContainerProxy, given_text: str, kept: str) -> None:
    container.create_item(item(json.loads(given_text)))
    assert json.dumps(container.read_item("1", "p")["n"]) == kept


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(-(2**1000), 2**1000))
def test_what_is_read_is_the_double_that_was_written_and_stays_so(container: ContainerProxy, number: int) -> None:
    read = container.upsert_item(item(number))["n"]
    assert float(read) == float(number)
    assert container.upsert_item(item(read))["n"] == read


def test_a_key_that_is_such_a_number_is_found_by_every_number_that_means_it(container: ContainerProxy) -> None:
    container.create_item({"id": "1", "pk": BEYOND})
    for key in (BEYOND, 2**53, float(2**53)):
        assert container.read_item("1", key)["pk"] == 2**53  # type: ignore[arg-type]


def test_a_patch_beyond_the_greatest_number_is_refused(container: ContainerProxy) -> None:
    patched(container, 0, {"op": "set", "value": 1e308})
    with pytest.raises(CosmosHttpResponseError) as refused:
        container.patch_item("1", "p", [{"op": "incr", "path": "/n", "value": 1e308}])
    assert refused.value.status_code == 400
