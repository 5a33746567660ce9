"""The data roles: as little as possible, and enough for everything that the service does."""

import copy
import json
import re
from datetime import UTC, datetime

import pytest
from azure.cosmos import CosmosClient
from azure.cosmos.exceptions import CosmosHttpResponseError

from audit.erasure import forget
from eventstore.cosmos.containers import CONTAINERS
from functions.composition import build_consumers
from localazure.cosmos import LocalCosmos
from replay.rebuild.rebuild import rebuild
from service import SERVICE
from tests.infra.apps import Apps
from tests.infra.authority import ROLES, Account
from tests.infra.paths import TERRAFORM

READ = {"readMetadata", "read", "executeQuery", "readChangeFeed"}
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ALL = READ | {"create", "replace", "upsert", "delete"}


@pytest.fixture
def account(cosmos: LocalCosmos, database: str) -> Account:
    return Account(cosmos)


def test_commands_create_and_read_events_and_nothing_else() -> None:
    assert set(ROLES["commands"]["events"]) == READ | {"create"}


def test_commands_also_upsert_snapshots() -> None:
    assert set(ROLES["commands"]["snapshots"]) == READ | {"create", "upsert"}


def test_queries_write_nowhere() -> None:
    assert all(set(actions) <= READ for actions in ROLES["queries"].values())


def test_the_transfer_process_runs_commands_with_the_projectors_identity() -> None:
    assert {name: set(ROLES["projectors"][name]) for name in ("events", "snapshots")} == {
        name: set(ROLES["commands"][name]) for name in ("events", "snapshots")
    }


def test_projectors_may_do_everything_with_views_and_leases() -> None:
    assert all(set(ROLES["projectors"][name]) == ALL for name in ("views", "leases", "trigger-leases"))


@pytest.mark.parametrize("role", ROLES)
def test_no_role_can_change_or_delete_an_event(role: str) -> None:
    assert set(ROLES[role]["events"]) <= READ | {"create"}


def test_the_apps_make_keys_and_only_erasers_beside_them_destroy_one() -> None:
    assert set(ROLES["commands"]["keys"]) == {"readMetadata", "create", "read", "replace"}
    assert set(ROLES["queries"]["keys"]) == {"readMetadata", "read"}
    assert set(ROLES["erasers"]["keys"]) == {"readMetadata", "read", "replace"}
    assert set(ROLES["erasers"]) == {"events", "keys"}


def test_operators_cannot_write_events() -> None:
    assert set(ROLES["operators"]["events"]) == READ


def test_no_role_has_a_wildcard_or_an_action_that_terraform_does_not_know() -> None:
    assert {action for role in ROLES.values() for actions in role.values() for action in actions} <= ALL


def test_roles_name_containers_that_exist() -> None:
    containers = json.loads((TERRAFORM / "modules" / "cosmos" / "containers.json").read_text())
    assert {name for role in ROLES.values() for name in role} <= set(containers)
    assert {spec.name for spec in CONTAINERS} <= {name for role in ROLES.values() for name in role}


async def test_every_app_does_its_work_with_the_rights_of_its_identity(account: Account, database: str) -> None:
    apps = Apps(account, database)
    await apps.command("/accounts", "open-a", {"account_id": "alice", "asset": "EUR/2"}, 201)
    await apps.command("/accounts", "open-b", {"account_id": "bob", "asset": "EUR/2"}, 201)
    for number in range(60):  # enough for a snapshot
        await apps.command("/accounts/alice/deposits", f"deposit-{number}", {"amount": 10}, 201)
    await apps.command("/accounts/alice/deposits", "text", {"amount": 10, "reference": "rent"}, 201)
    await apps.command("/accounts/alice/withdrawals", "too-much", {"amount": 1_000_000}, 422)
    await apps.command(
        "/transfers", "transfer", {"source": "alice", "target": "bob", "amount": 100, "asset": "EUR/2"}, 202
    )
    apps.project()
    fresh = Apps(account, database)  # nothing cached: reads what is stored, the snapshot too
    await fresh.command("/accounts/alice/deposits", "one-more", {"amount": 10}, 201)
    fresh.project()
    strong = await fresh.query("/accounts/alice?consistency=strong")
    alice, bob = await fresh.query("/accounts/alice"), await fresh.query("/accounts/bob")
    assert strong["balance"] == alice["balance"]
    assert alice["balance"] + bob["balance"] == 620
    for path in ("/accounts/alice/statement", "/accounts/alice/statement?consistency=strong", "/accounts/alice/holds"):
        await fresh.query(path)
    for path in ("/streams/account-alice/events", "/streams/account-alice/events/1"):
        await fresh.query(path)
    assert account.denied == []


def test_an_operator_rebuilds_a_view_with_the_rights_of_operators(
    cosmos: LocalCosmos, database: str, account: Account
) -> None:
    worker = build_consumers(SERVICE, account.client("projectors"), database).worker
    assert worker.run_until_idle(20).idle
    rebuilt = rebuild(account.client("operators"), database, SERVICE.views["account-summary"])
    assert rebuilt.switched
    assert account.denied == []


async def test_an_eraser_forgets_a_person_with_the_rights_of_erasers(account: Account, database: str) -> None:
    apps = Apps(account, database)
    await apps.command("/accounts", "open", {"account_id": "alice", "asset": "EUR/2", "name": "Alice"}, 201)
    done = forget(account.client("erasers"), database, "alice", actor="eraser", reason="request", at=NOON)
    assert (done.stream, done.version) == ("subject-alice", 1)
    assert account.denied == []


async def test_a_missing_right_would_be_noticed(cosmos: LocalCosmos, database: str) -> None:
    roles = copy.deepcopy(ROLES)
    roles["commands"]["events"].remove("create")
    account = Account(cosmos, roles)
    answer = await Apps(account, database).commands.post(
        "/accounts", json={"account_id": "alice", "asset": "EUR/2"}, headers={"Idempotency-Key": "open"}
    )
    assert answer.status_code >= 500
    assert "events: create" in account.denied


@pytest.mark.parametrize("role", ROLES)
def test_no_identity_can_overwrite_an_event(account: Account, database: str, client: CosmosClient, role: str) -> None:
    event = {"id": "0000000001", "streamId": "account-alice", "commandId": "a"}
    client.get_database_client(database).get_container_client("events").create_item(event)
    events = account.client(role).get_database_client(database).get_container_client("events")
    with pytest.raises(CosmosHttpResponseError, match="may not events: replace"):
        events.replace_item("0000000001", event)
    with pytest.raises(CosmosHttpResponseError, match="may not events: upsert"):
        events.upsert_item(event)
    with pytest.raises(CosmosHttpResponseError, match="may not events: delete"):
        events.delete_item("0000000001", "account-alice")


def test_the_action_names_are_those_of_cosmos_db() -> None:
    roles = (TERRAFORM / "modules" / "cosmos" / "roles.tf").read_text()
    listed = re.search(r"item_actions\s+= \[([^\]]*)\]", roles)
    assert listed is not None
    assert {name.strip(' "') for name in listed[1].split(",")} == {"create", "read", "replace", "upsert", "delete"}
