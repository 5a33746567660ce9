"""Offers: the throughput of databases and containers. Raising it splits partitions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import orjson

from localazure.cosmos.protocol.errors import BadRequest, MethodNotAllowed, NotFound
from localazure.cosmos.protocol.message import Response
from localazure.cosmos.requests.call import Call
from localazure.cosmos.requests.metadata import body_of, entity, feed
from localazure.cosmos.requests.splits import Splits
from localazure.cosmos.storage import rid
from localazure.cosmos.storage.catalog import Catalog
from localazure.cosmos.storage.resource import stamp
from localazure.cosmos.storage.store import Store

DEFAULT_THROUGHPUT = 400
MIN_AUTOSCALE = 1_000
"""RU/s of the smallest autoscale ceiling, and the step between two."""
NEW_PARTITION_THROUGHPUT = 6_000
"""RU/s that one partition of a new container is given at most."""
MAX_PARTITION_THROUGHPUT = 10_000
"""RU/s that one physical partition can serve: above it partitions split."""
_OFFER_BYTES = 3


@dataclass(frozen=True, slots=True)
class Throughput:
    """Manual RU/s, or the ceiling of autoscale."""

    manual: int = 0
    autoscale: Mapping[str, Any] | None = None

    @property
    def ceiling(self) -> int:
        """The RU/s that must be servable."""
        return self.manual or int((self.autoscale or {}).get("maxThroughput", 0))


class Offers:
    """Creates, reads, replaces and queries offers."""

    def __init__(self, store: Store, catalog: Catalog, splits: Splits) -> None:
        self._store = store
        self._catalog = catalog
        self._splits = splits
        rows = store.all("SELECT number, body FROM offers ORDER BY number")
        self._offers: dict[str, dict[str, Any]] = {}
        self._numbers: dict[str, int] = {}
        for number, text in rows:
            body = orjson.loads(text)
            self._offers[body["id"]] = body
            self._numbers[body["id"]] = number

    @staticmethod
    def default() -> Throughput:
        """What a container gets that asks for nothing."""
        return Throughput(DEFAULT_THROUGHPUT)

    @staticmethod
    def requested(call: Call) -> Throughput | None:
        """The throughput that a create request asks for."""
        autoscale = call.header("x-ms-cosmos-offer-autopilot-settings")
        manual = call.header("x-ms-offer-throughput")
        if autoscale:
            return Throughput(autoscale=_autoscale(autoscale))
        if not manual:
            return None
        if not manual.isdigit() or int(manual) < DEFAULT_THROUGHPUT:
            raise BadRequest(
                f"The offer throughput '{manual}' is invalid: it must be a number of at least {DEFAULT_THROUGHPUT}."
            )
        return Throughput(int(manual))

    @staticmethod
    def partitions_for(throughput: Throughput | None) -> int:
        """How many physical partitions a new container starts with."""
        return max(1, -(-throughput.ceiling // NEW_PARTITION_THROUGHPUT)) if throughput else 1

    def has(self, resource: str) -> bool:
        """Whether a resource has throughput of its own."""
        return any(offer["offerResourceId"] == resource for offer in self._offers.values())

    def create(self, resource: Mapping[str, Any], throughput: Throughput) -> None:
        """Give a new resource its offer."""
        with self._transaction():
            number = int(self._store.execute("INSERT INTO offers (body) VALUES ('{}')").lastrowid or 0)
            text = rid.encode(number.to_bytes(_OFFER_BYTES, "big"))
            content: dict[str, Any] = {
                "offerThroughput": throughput.manual or throughput.ceiling // 10,
                "offerIsRUPerMinuteThroughputEnabled": False,
                "offerMinimumThroughputParameters": {"maxThroughputEverProvisioned": throughput.ceiling},
            }
            if throughput.autoscale:
                content["offerAutopilotSettings"] = dict(throughput.autoscale)
            body: dict[str, Any] = {
                "id": text,
                "_rid": text,
                "_self": f"offers/{text}/",
                "resource": resource["_self"],
                "offerType": "Invalid",
                "offerResourceId": resource["_rid"],
                "offerVersion": "V2",
                "content": content,
            }
            self._numbers[text] = number
            self._save(body)

    def remove(self, resource: str) -> None:
        """Drop the offer of a removed resource."""
        with self._transaction():
            for name in [name for name, body in self._offers.items() if body["offerResourceId"] == resource]:
                self._store.execute("DELETE FROM offers WHERE number = ?", (self._numbers.pop(name),))
                del self._offers[name]

    def handle(self, call: Call) -> Response:
        """Answer one request."""
        if call.address.is_feed:
            return feed(call, "Offers", "", list(self._offers.values()))
        offer = self._offers.get(call.address.names[0])
        if offer is None:
            raise NotFound(f"Resource Not Found: there is no offer '{call.address.names[0]}'.")
        if call.operation == "offer.read":
            return entity(call, offer)
        if call.operation == "offer.replace":
            return entity(call, self._replace(offer, body_of(call)))
        raise MethodNotAllowed(f"{call.request.method} is not an operation on offers.")

    def _replace(self, offer: dict[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
        content = wanted.get("content")
        if not isinstance(content, dict):
            raise BadRequest("The offer has no content.")
        settings = content.get("offerAutopilotSettings")
        if settings:
            throughput = Throughput(autoscale=_autoscale(settings))
        else:
            manual = content.get("offerThroughput")
            if not isinstance(manual, int) or manual < DEFAULT_THROUGHPUT:
                raise BadRequest(
                    f"The offer throughput '{manual}' is invalid: it must be at least {DEFAULT_THROUGHPUT}."
                )
            throughput = Throughput(manual)
        changed = {**offer["content"], **content}
        if settings:
            changed["offerAutopilotSettings"] = dict(throughput.autoscale or {})
        with self._transaction():
            offer = {**offer, "content": changed}
            self._save(offer)
        for container in self._catalog.containers():
            if container.rid == offer["offerResourceId"]:
                self._splits.grow(container, -(-throughput.ceiling // MAX_PARTITION_THROUGHPUT))
        return offer

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._store.transaction:
            self._store.on_roll_back(self._restore, dict(self._offers), dict(self._numbers))
            yield

    def _restore(self, offers: dict[str, dict[str, Any]], numbers: dict[str, int]) -> None:
        self._offers, self._numbers = offers, numbers

    def _save(self, body: dict[str, Any]) -> None:
        self._store.execute(
            "UPDATE offers SET body = ? WHERE number = ?",
            (orjson.dumps(stamp(body)).decode(), self._numbers[body["id"]]),
        )
        self._offers[body["id"]] = body


def _autoscale(settings: Any) -> dict[str, Any]:
    try:
        read = orjson.loads(settings) if isinstance(settings, str) else dict(settings)
        maximum = int(read["maxThroughput"])
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        raise BadRequest(f"The autoscale settings {settings!r} are invalid; they need a maxThroughput.") from error
    if maximum < MIN_AUTOSCALE or maximum % MIN_AUTOSCALE:
        raise BadRequest(
            f"Requested throughput {maximum} is less than required minimum throughput {MIN_AUTOSCALE}, "
            "or not a multiple of it."
        )
    return {**read, "maxThroughput": maximum}
