"""`tidemark audit forget`: erases a person's texts."""

from typing import Annotated

import typer

from audit.erasure import MAX_KEY_AGE, forget
from cli.command_line import USAGE, Json, connect, now, reported
from cli.output import fail, json_line
from domain.errors import DomainError


def forget_command(
    subject: Annotated[str, typer.Argument(help="The owner of accounts, as given when they were opened.")],
    reason: Annotated[
        str, typer.Option("--reason", help="Why. Stays readable: name the request, not the person.", prompt=True)
    ],
    actor: Annotated[str, typer.Option("--actor", envvar="TIDEMARK_ACTOR", help="Who does it.", prompt=True)],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    json: Json = False,
) -> None:
    """Erase what is known of a person: destroy the key of their texts, for ever, and record that it was done.

    Amounts, times and ids stay, and every stream verifies as before. Texts read [erased], everywhere within a minute.

    Example: tidemark audit forget alice --reason "request 4711" --actor support@example.com
    """
    if not yes:
        typer.confirm(f"Destroy everything that is written about {subject}? There is no way back.", abort=True)
    with reported():
        try:
            done = forget(*connect(), subject, actor=actor, reason=reason, at=now())
        except DomainError as error:
            fail(error.message)
            raise typer.Exit(USAGE) from None
    if json:
        typer.echo(json_line("forgotten", {"subject": done.subject, "key": done.key, "stream": done.stream}))
        return
    typer.echo(f"{subject} is forgotten: key {done.key} is destroyed ({done.stream} v{done.version})")
    typer.echo(f"Texts about {subject} read [erased], in every process within {MAX_KEY_AGE} seconds.")
