"""What an auditor reads of a person: the texts until they are forgotten, then that they are erased."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from audit.export.write import Format, export_log
from audit.ledger import NARRATION
from audit.log import Log
from audit.trail.trace import Traces
from audit.trail.trail import AuditTrail
from eventstore.log.mapper import Mapper
from eventstore.personal import ERASED, PersonalData, SubjectKeys
from functions.hosting import local
from service import SERVICE
from tests.audit.erasure.test_forget import DATABASE, NOON, SECRETS, House, tell
from tests.support.asgi import AsgiThread


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path / "data")
    with house.cosmos:
        yield house


@pytest.fixture
def trail(house: House) -> AuditTrail:
    with httpx.Client(
        transport=AsgiThread(local.create_app(SERVICE, house.services)), base_url="http://localhost"
    ) as api:
        tell(api)
    return AuditTrail(log_of(house), Mapper[str](), NARRATION, personal_of(house))


def log_of(house: House) -> Log:
    return Log(house.client.get_database_client(DATABASE).get_container_client("events"))


def personal_of(house: House) -> PersonalData:
    """As a process opens it that has seen nothing yet."""
    return PersonalData(SubjectKeys(house.client.get_database_client(DATABASE), house.master, seconds=0))


def test_entries_and_states_are_readable_until_the_person_is_forgotten(house: House, trail: AuditTrail) -> None:
    entries = trail.entries("account-alice")
    assert entries[0].fields["name"] == SECRETS[0]
    assert (entries[-1].reason, SECRETS[3] in entries[-1].sentence) == (SECRETS[3], True)
    assert trail.state("account-alice").facts["name"] == SECRETS[0]
    house.forget()
    entries = trail.entries("account-alice")
    assert (entries[0].fields["name"], entries[-1].reason) == (ERASED, ERASED)
    assert trail.state("account-alice").facts["name"] == ERASED
    assert not any(entry.problem for entry in entries)


def test_what_the_trail_remembers_is_not_readable(trail: AuditTrail) -> None:
    trail.entries("account-alice")
    remembered = trail.timeline("account-alice")
    assert remembered.aggregate.name.startswith("personal:v1:alice-1:1:")


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_an_export_holds_nothing_readable_about_a_person(
    house: House, trail: AuditTrail, tmp_path: Path, form: Format
) -> None:
    assert trail.entries("account-alice")
    log = Log(house.client.get_database_client(DATABASE).get_container_client("events"))
    with (tmp_path / "export").open("w") as file:
        export_log(log, file, form=form, database=DATABASE, made_at=NOON.isoformat())
    exported = (tmp_path / "export").read_text()
    assert "personal:v1:alice-1:1:" in exported
    assert not any(secret in exported for secret in SECRETS)


def test_a_trace_is_readable_too(house: House, trail: AuditTrail) -> None:
    correlation = trail.entries("account-alice")[-1].correlation
    log = Log(house.client.get_database_client(DATABASE).get_container_client("events"))
    trace = Traces(log, Mapper[str](), NARRATION, personal_of(house)).follow(str(correlation), "account-alice")
    assert trace.roots[0].entries[0].reason == SECRETS[3]
