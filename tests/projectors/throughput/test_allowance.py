"""`--max-ru`: what a client spends in any second, told by the store's own log of requests."""

import threading
import time

import pytest
from azure.cosmos import CosmosClient

from eventstore.cosmos.client import connect
from eventstore.cosmos.settings import CosmosSettings
from localazure.cosmos import LocalCosmos
from projectors.ledger import VIEWS
from projectors.processor.worker import Worker
from projectors.settings import WorkerSettings
from projectors.throughput.limiter import RateLimiter
from projectors.throughput.meter import Meter
from tests.projectors.feeding import Ledger


def limited(cosmos: LocalCosmos, allowance: RateLimiter) -> CosmosClient:
    settings = CosmosSettings(endpoint=cosmos.endpoint, key=cosmos.key)
    return connect(settings, transport=cosmos.transport(), observer=allowance)


@pytest.mark.parametrize("parallel", [0, 4])
def test_no_second_costs_more_than_the_limit(
    database: str, ledger: Ledger, cosmos: LocalCosmos, settings: WorkerSettings, parallel: int
) -> None:
    for number in range(40):
        ledger.open(f"a{number}")
        ledger.deposit(f"a{number}", 5)
    allowance = RateLimiter(400)
    client = limited(cosmos, allowance)
    eager = settings.model_copy(update={"parallel": parallel, "page": 1000})
    cosmos.log.clear()
    meter = Meter(allowance)
    assert Worker(client, database, views=list(VIEWS.values()), settings=eager, meter=meter).run_until_idle(60).idle
    assert cosmos.log.dearest() <= 400
    assert cosmos.log.charge > 800
    assert meter.spent().paced_seconds > 0


def test_the_sdks_own_repeats_count(database: str, cosmos: LocalCosmos) -> None:
    allowance = RateLimiter(100)
    events = limited(cosmos, allowance).get_database_client(database).get_container_client("events")
    cosmos.faults.add(lose_answer=True, operation="read", probability=0.15, seed=3)
    events.create_item({"id": "1", "streamId": "s", "commandId": "c"})
    cosmos.log.clear()
    for _ in range(150):
        events.read_item("1", "s")
    assert cosmos.log.count("read") > 160
    assert cosmos.log.dearest() <= 100


def test_requests_go_in_the_order_of_asking(database: str, cosmos: LocalCosmos) -> None:
    allowance = RateLimiter(60)
    events = limited(cosmos, allowance).get_database_client(database).get_container_client("events")
    began, gone = [threading.Event() for _ in range(4)], []

    def send(number: int) -> None:
        began[number].set()
        documents = [{"id": f"{number}-{part}", "streamId": "s", "commandId": f"{number}-{part}"} for part in range(4)]
        events.execute_item_batch([("create", (document,)) for document in documents], "s")
        gone.append(number)

    threads = [threading.Thread(target=send, args=(number,)) for number in range(4)]
    for number, thread in enumerate(threads):
        thread.start()
        began[number].wait()
        time.sleep(0.05)
    for thread in threads:
        thread.join()
    assert gone == [0, 1, 2, 3]


def test_a_share_that_is_lent_is_missing_here_and_counts_when_it_comes_back(database: str, cosmos: LocalCosmos) -> None:
    allowance = RateLimiter(100)
    events = limited(cosmos, allowance).get_database_client(database).get_container_client("events")
    events.create_item({"id": "1", "streamId": "s", "commandId": "c"})
    cosmos.log.clear()
    with allowance.lent(0.9) as theirs:
        for _ in range(25):
            events.read_item("1", "s")
        assert theirs == 90
        assert cosmos.log.dearest() <= 10
    began = time.monotonic()
    for _ in range(15):
        events.read_item("1", "s")
    assert time.monotonic() - began > 0.5


def test_a_limit_without_its_client_is_refused(client: CosmosClient, database: str) -> None:
    with pytest.raises(ValueError, match="open the client with connect"):
        Meter(RateLimiter(100)).charge({"x-ms-request-charge": "1"})
