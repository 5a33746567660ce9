"""What the commands of `tidemark audit` share: the log that they read, times as people write them."""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Annotated

import orjson
import typer

from audit.audit import Audit
from audit.digests.archive import KeptDigest, kept_at
from audit.digests.keys import public_key
from audit.formats import moment as read_moment
from cli.command_line import connect
from eventstore.personal import PersonalData, PersonalSettings, SubjectKeys
from service import SERVICE

Stream = Annotated[str, typer.Argument(help="A stream, e.g. account-alice or transfer-t1.")]
Against = Annotated[
    Path | None, typer.Option("--against", help="A digest, or a folder of digests: its newest one.", exists=True)
]
PublicKey = Annotated[
    str | None,
    typer.Option(
        "--public-key",
        envvar="TIDEMARK_DIGEST_PUBLIC_KEY",
        help="The key that you trust: a PEM file, or the address of a Key Vault secret.",
    ),
]


def open_audit() -> Audit:
    """The audit of the database that COSMOS_… names. Sends nothing but what opening a client sends."""
    client, database = connect()
    master = PersonalSettings().master_key()
    personal = PersonalData(SubjectKeys(client.get_database_client(database), master)) if master else None
    return Audit.open(client, database, SERVICE.narration, personal=personal)


def trusted(against: Path | None, key: str | None) -> KeptDigest | None:
    """The digest to compare with, once it is found signed. A digest that nobody checked would prove nothing."""
    if against is None:
        return None
    if key is None:
        raise typer.BadParameter("name the public key that has signed it", param_hint="--public-key")
    return kept_at(against, public_key(key))


def moment(text: str) -> datetime:
    """A time in ISO 8601; one without a zone is UTC."""
    try:
        return read_moment(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def version_or_moment(text: str) -> int | datetime:
    """A version, or a time."""
    return int(text) if text.isdecimal() else moment(text)


def echo(document: object, lines: Iterable[str]) -> None:
    """Print the document where there is one, else the lines."""
    for line in lines if document is None else [orjson.dumps(document, default=str).decode()]:
        typer.echo(line)
