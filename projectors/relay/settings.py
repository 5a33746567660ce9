"""Where the hub is: environment variables `EVENTHUBS_…`."""

from typing import Self

from azure.eventhub import EventHubConsumerClient, EventHubProducerClient
from azure.identity import DefaultAzureCredential
from pydantic import model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from eventstore.errors import SettingsError


class EventHubsSettings(BaseSettings):
    """One of the two: a connection string, or a namespace for an identity (azure-identity's default chain).

    EVENTHUBS_CONNECTION_STRING            "Endpoint=sb://…;SharedAccessKeyName=…;SharedAccessKey=…"
    EVENTHUBS_FULLY_QUALIFIED_NAMESPACE    "<name>.servicebus.windows.net"
    EVENTHUBS_HUB                          the hub of the ledger's events, "ledger-events"
    EVENTHUBS_CONSUMER_GROUP               for readers, "$Default"
    """

    model_config = SettingsConfigDict(env_prefix="EVENTHUBS_", frozen=True)

    connection_string: str | None = None
    fully_qualified_namespace: str | None = None
    hub: str = "ledger-events"
    consumer_group: str = "$Default"

    @model_validator(mode="after")
    def _one_way_in(self) -> Self:
        if self.connection_string and self.fully_qualified_namespace:
            raise ValueError(
                "EVENTHUBS_CONNECTION_STRING and EVENTHUBS_FULLY_QUALIFIED_NAMESPACE are both set: keep one"
            )
        return self

    @property
    def configured(self) -> bool:
        """Whether there is a hub at all: without one nothing is relayed."""
        return bool(self.connection_string or self.fully_qualified_namespace)

    def producer(self) -> EventHubProducerClient:
        if self.connection_string:
            return EventHubProducerClient.from_connection_string(self.connection_string, eventhub_name=self.hub)
        return EventHubProducerClient(self._namespace(), self.hub, DefaultAzureCredential())

    def consumer(self) -> EventHubConsumerClient:
        if self.connection_string:
            return EventHubConsumerClient.from_connection_string(
                self.connection_string, self.consumer_group, eventhub_name=self.hub
            )
        return EventHubConsumerClient(self._namespace(), self.hub, self.consumer_group, DefaultAzureCredential())

    def _namespace(self) -> str:
        if self.fully_qualified_namespace is None:
            raise SettingsError(
                "no hub is configured: set EVENTHUBS_CONNECTION_STRING, or EVENTHUBS_FULLY_QUALIFIED_NAMESPACE"
            )
        return self.fully_qualified_namespace
