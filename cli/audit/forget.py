"""`tidemark audit forget`: erases a person's texts."""

from dataclasses import asdict
from typing import Annotated

import typer

from audit.erasure import MAX_KEY_AGE, Forgotten, forget
from audit.formats import counted
from audit.log import Log
from audit.strays import Stray
from cli.command_line import FAILED, USAGE, Json, connect, now, reported
from cli.output import fail, json_line
from domain.errors import DomainError
from eventstore.cosmos.containers import EVENTS
from eventstore.personal import MemoryKey, SubjectKeys
from service import SERVICE


def forget_command(
    subject: Annotated[
        str | None, typer.Argument(help="The owner of accounts, as given when they were opened.", show_default=False)
    ] = None,
    reason: Annotated[
        str | None, typer.Option("--reason", help="Why. Stays readable: name the request, not the person.")
    ] = None,
    actor: Annotated[str | None, typer.Option("--actor", envvar="TIDEMARK_ACTOR", help="Who does it.")] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Destroy nothing: list texts under another subject than their owner.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    json: Json = False,
) -> None:
    """Erase what is known of a person: destroy the key of their texts, for ever, and record that it was done.

    Amounts, times and ids stay, and every stream verifies as before. Texts read [erased], everywhere within a minute.
    --check reads the whole log and exits with 1 where it lists anything.

    Example: tidemark audit forget alice --reason "request 4711" --actor support@example.com
    """
    if check:
        _check(subject, json=json)
        return
    if subject is None:
        raise typer.BadParameter("name the owner to forget, or give --check", param_hint="SUBJECT")
    reason = reason or typer.prompt("Reason")
    actor = actor or typer.prompt("Actor")
    if not yes:
        typer.confirm(f"Destroy everything that is written about {subject}? There is no way back.", abort=True)
    with reported():
        try:
            done = forget(*connect(), subject, actor=actor, reason=reason, at=now(), strays=SERVICE.strays)
        except DomainError as error:
            fail(error.message)
            raise typer.Exit(USAGE) from None
    _tell(done, json=json)


def _tell(done: Forgotten, *, json: bool) -> None:
    if json:
        said = {"subject": done.subject, "key": done.key, "stream": done.stream}
        typer.echo(json_line("forgotten", said | {"others": list(done.others), "shared": list(done.shared)}))
    else:
        key = f"key {done.key} is destroyed ({done.stream} v{done.version})" if done.key else "it had no key of its own"
        typer.echo(f"{done.subject} is forgotten: {key}")
        for other in done.others:
            typer.echo(f"  and the key of {other}, which texts of {done.subject} were encrypted for")
        typer.echo(f"Texts about {done.subject} read [erased], in every process within {MAX_KEY_AGE} seconds.")
    for other in done.shared:
        fail(
            f"{other} is a person of its own. Texts of {done.subject} under its key, "
            f"which `tidemark audit forget --check {done.subject}` lists, can be read until {other} is forgotten too"
        )
    if done.shared:
        raise typer.Exit(FAILED)


def _check(owner: str | None, *, json: bool) -> None:
    with reported():
        client, database = connect()
        tables = client.get_database_client(database)
        keys = SubjectKeys(tables, MemoryKey())
        log = Log(tables.get_container_client(EVENTS.name))
        found = [each for each in SERVICE.strays.of_log(log) if owner in (None, each.owner)]
        now_there = {subject: keys.state(subject) for subject in {each.subject for each in found}}
        left = [each for each in found if now_there[each.subject] == (each.key, True)]
    for each in left:
        typer.echo(json_line("stray", asdict(each)) if json else _line(each))
    if not left and not json:
        typer.echo("every text that can be read is encrypted for its owner")
    if left:
        fail(
            f"{counted(len(left), 'text')} under another subject than the owner. `tidemark audit forget OWNER` erases "
            "them with the others, except under the key of another person; run it again for an owner who was forgotten"
        )
        raise typer.Exit(FAILED)


def _line(stray: Stray) -> str:
    also = f", a person of its own: forgetting {stray.owner} leaves it" if stray.shared else ""
    return f"{stray.stream} {stray.document}: a text of {stray.owner} under key {stray.key} of {stray.subject}{also}"
