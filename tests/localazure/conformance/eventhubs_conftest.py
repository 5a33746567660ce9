"""Stands in for tests/conftest.py of azure-eventhub's source distribution.

The original makes hubs through Azure Resource Manager; here EVENTHUBS holds the connection string of a namespace that
makes a hub on first use, and every test gets a hub of its own. Fixture names and shapes are those the tests ask for.
"""

import os
import sys
import uuid
from contextlib import ExitStack, closing
from types import ModuleType
from urllib.parse import urlsplit

import pytest

for missing in ("azure.identity", "azure.identity.aio"):
    # Imported by modules whose tests with Entra ID are not run.
    module = sys.modules.setdefault(missing, ModuleType(missing))
    module.EnvironmentCredential = None

from azure.eventhub import EventHubProducerClient, EventHubSharedKeyCredential, TransportType  # noqa: E402
from azure.eventhub._configuration import Configuration  # noqa: E402
from azure.eventhub._pyamqp import ReceiveClient  # noqa: E402
from azure.eventhub._pyamqp.aio._client_async import AMQPClientAsync  # noqa: E402
from azure.eventhub._pyamqp.authentication import SASTokenAuth  # noqa: E402
from azure.eventhub._pyamqp.client import AMQPClient  # noqa: E402
from azure.eventhub.aio import EventHubSharedKeyCredential as AsyncSharedKeyCredential  # noqa: E402

PARTITIONS = ("0", "1")
SETTINGS = dict(part.split("=", 1) for part in os.environ["EVENTHUBS"].split(";") if part)
HOST = urlsplit(SETTINGS["Endpoint"]).netloc
POLICY, KEY = SETTINGS["SharedAccessKeyName"], SETTINGS["SharedAccessKey"]


def without_tls(client):
    """Most tests build clients from host and credential, where the SDK cannot know that the server is local."""
    original = client.__init__

    def plain(self, *args, **kwargs):
        original(self, *args, **{"use_tls": False, **kwargs})

    client.__init__ = plain


for client_class in (Configuration, AMQPClient, AMQPClientAsync):
    without_tls(client_class)


def connection(hub, *, host=HOST, policy=POLICY, key=KEY):
    return (
        f"Endpoint=sb://{host}/;SharedAccessKeyName={policy};SharedAccessKey={key};EntityPath={hub};"
        "UseDevelopmentEmulator=true"
    )


def credential(*_args, **_kwargs):
    return EventHubSharedKeyCredential(POLICY, KEY)


def async_credential(*_args, **_kwargs):
    return AsyncSharedKeyCredential(POLICY, KEY)


def pytest_addoption(parser):
    parser.addoption("--sleep", default="True")


def pytest_configure(config):
    for marker in ("liveTest", "no_amqpproxy"):
        config.addinivalue_line("markers", f"{marker}: set by the SDK's tests")


@pytest.fixture
def sleep(request):
    return request.config.getoption("--sleep") == "True"


@pytest.fixture(scope="session", params=[False], ids=["pyamqp"])
def uamqp_transport(request):
    return request.param


@pytest.fixture(scope="session", params=[TransportType.Amqp], ids=["amqp"])
def socket_transport(request):
    return request.param


@pytest.fixture(scope="session")
def timeout_factor():
    return 1


@pytest.fixture
def client_args():
    return {}


@pytest.fixture(scope="session")
def get_credential():
    return credential


@pytest.fixture(scope="session")
def get_credential_async():
    return async_credential


@pytest.fixture
def hub():
    return f"eh-conf-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def live_eventhub(hub):
    return {
        "resource_group": "local",
        "namespace": HOST,
        "hostname": HOST,
        "key_name": POLICY,
        "access_key": KEY,
        "event_hub": hub,
        "consumer_group": "$Default",
        "partition": PARTITIONS[0],
        # Some tests skip themselves unless they find the public cloud's domain; an unknown setting holds it.
        "connection_str": f"{connection(hub)};Cloud=servicebus.windows.net",
    }


@pytest.fixture
def connection_str(hub):
    return connection(hub)


@pytest.fixture
def invalid_hostname(hub):
    return connection(hub, host="nowhere.servicebus.windows.net")


@pytest.fixture
def invalid_key(hub):
    return connection(hub, key="invalid")


@pytest.fixture
def invalid_policy(hub):
    return connection(hub, policy="invalid")


def receivers(hub, timeout, stack):
    """A low-level receiver per partition, from the start of the hub."""
    audience = f"sb://{HOST}/{hub}"
    made = []
    for partition in PARTITIONS:
        receiver = ReceiveClient(
            HOST,
            f"amqps://{HOST}/{hub}/ConsumerGroups/$default/Partitions/{partition}",
            auth=SASTokenAuth(audience, audience, POLICY, KEY),
            network_trace=False,
            timeout=timeout,
            link_credit=500,
        )
        receiver.open()
        made.append(stack.enter_context(closing(receiver)))
    return made


@pytest.fixture
def connstr_receivers(live_eventhub, hub):
    with ExitStack() as stack:
        yield live_eventhub["connection_str"], receivers(hub, 0, stack)


@pytest.fixture
def auth_credentials(hub):
    return HOST, hub, credential


@pytest.fixture
def auth_credentials_async(hub):
    return HOST, hub, async_credential


@pytest.fixture
def auth_credential_receivers(hub):
    with ExitStack() as stack:
        yield HOST, hub, credential, receivers(hub, 30, stack)


@pytest.fixture
def auth_credential_receivers_async(hub):
    with ExitStack() as stack:
        yield HOST, hub, async_credential, receivers(hub, 30, stack)


def senders(hub, stack):
    """A low-level producer per partition."""
    client = stack.enter_context(
        closing(EventHubProducerClient(fully_qualified_namespace=HOST, eventhub_name=hub, credential=credential()))
    )
    return [
        stack.enter_context(closing(client._create_producer(partition_id=partition)))
        for partition in client.get_partition_ids()
    ]


@pytest.fixture
def auth_credential_senders(hub):
    with ExitStack() as stack:
        yield HOST, hub, credential, senders(hub, stack)


@pytest.fixture
def auth_credential_senders_async(hub):
    with ExitStack() as stack:
        yield HOST, hub, async_credential, senders(hub, stack)
