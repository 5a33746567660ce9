"""The index of the views follows what views are asked by."""

from azure.cosmos import CosmosClient

from eventstore.cosmos.containers import create_containers, index_views


def test_an_index_of_older_data_is_brought_up_to_date_once(client: CosmosClient) -> None:
    create_containers(client, "older", ["/data/due/?"])
    assert index_views(client, "older", ["/data/due/?", "/state/colour/?"])
    policy = client.get_database_client("older").get_container_client("views").read()["indexingPolicy"]
    assert {"/data/due/?", "/state/colour/?", "/pk/?"} <= {path["path"] for path in policy["includedPaths"]}
    assert not index_views(client, "older", ["/state/colour/?", "/data/due/?"])
