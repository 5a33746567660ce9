"""`tidemark audit`: what the event history says, and whether anybody has touched it.

Exit codes: 0 done; 1 the log, a digest or an export does not hold, or there is no answer; 2 wrong usage, settings or
key; 130 interrupted.
"""

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from audit.digests.archive import Archive
from audit.digests.keys import public_key, signing_key
from audit.export.verify import verify_export
from audit.export.write import Format, export_log
from audit.formats import duration
from audit.sealing import seal
from audit.verification.verify import JOBS, Verdict, verify_log
from cli.audit.display import (
    VerifyProgress,
    comparison_lines,
    entry_table,
    facts,
    refusal_lines,
    state_lines,
    trace_lines,
    verdict_lines,
)
from cli.audit.forget import forget_command
from cli.audit.options import (
    Against,
    PublicKey,
    Stream,
    echo,
    moment,
    open_audit,
    trusted,
    version_or_moment,
)
from cli.command_line import FAILED, Json, now, reported
from service import SERVICE

_REFUSALS = 20

app = typer.Typer(
    name="audit",
    help="What the event history says, and whether anybody has touched it.",
    epilog="Exit codes: 0 done, 1 broken or no answer, 2 usage, settings or key, 130 interrupted.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Jobs = Annotated[int, typer.Option(min=1, max=64, help="Ranges of the log, or streams, that are read at a time.")]


app.command("forget")(forget_command)


@app.command("show")
def show_command(
    stream: Stream,
    version: Annotated[int | None, typer.Option(min=1, help="The state after this version.")] = None,
    at: Annotated[str | None, typer.Option(help="The state at this time, ISO 8601; UTC without a zone.")] = None,
    json: Json = False,
) -> None:
    """Show every event of a stream with the running figures, or the state at a version or a time.

    Example: tidemark audit show account-alice --at 2026-11-23T12:00:00Z
    """
    if version is not None and at is not None:
        raise typer.BadParameter("a version or a time, not both", param_hint="--at")
    with reported():
        audit = open_audit()
        if version is not None or at is not None:
            state = audit.trail.state(stream, version=version, at=moment(at) if at else None)
            echo(facts(state) if json else None, state_lines(state, SERVICE.narration))
            return
        entries, refused = audit.trail.entries(stream), audit.trail.refusals(stream, limit=_REFUSALS)
        if json:
            for each in (*entries, *refused):
                echo(facts(each), ())
            return
        _console().print(entry_table(entries, SERVICE.narration))
        if refused:
            typer.echo(f"without events, the newest {len(refused)}:")
            echo(None, refusal_lines(refused))


@app.command("diff")
def diff_command(
    stream: Stream,
    before: Annotated[str, typer.Argument(metavar="A", help="A version, or a time in ISO 8601.")],
    after: Annotated[str, typer.Argument(metavar="B", help="A version, or a time in ISO 8601.")],
    json: Json = False,
) -> None:
    """Compare two states of a stream, field by field.

    Example: tidemark audit diff account-alice 3 7
    """
    with reported():
        found = open_audit().trail.compare(stream, version_or_moment(before), version_or_moment(after))
        echo(facts(found) if json else None, comparison_lines(found, SERVICE.narration))


@app.command("trace")
def trace_command(
    correlation: Annotated[str, typer.Argument(help="The correlation id that events carry.")],
    start: Annotated[
        str | None, typer.Option("--from", help="Begin at this stream and follow transfers: cheap, not everything.")
    ] = None,
    json: Json = False,
) -> None:
    """Tell all commands of a correlation as one story, whatever streams they are on.

    Searches the whole log, which reads all of it on the server; --from takes a few requests.

    Example: tidemark audit trace 5f0c --from account-alice
    """
    with reported():
        traces = open_audit().traces
        found = traces.follow(correlation, start) if start else traces.search(correlation)
        echo(facts(found) if json else None, trace_lines(found))


@app.command("verify")
def verify_command(
    streams: Annotated[list[str] | None, typer.Argument(help="Streams; the whole log unless given.")] = None,
    against: Against = None,
    key: PublicKey = None,
    jobs: Jobs = JOBS,
    json: Json = False,
) -> None:
    """Recompute every hash chain; with a digest also what is missing or was written anew. Exit 1 if any is bad.

    Example: tidemark audit verify --against digests/ --public-key digest.pub
    """
    with reported():
        kept = trusted(against, key)
        progress = VerifyProgress(json=json)
        log = open_audit().log
        verdict = verify_log(log, streams or (), against=kept, jobs=jobs, progress=progress.show)
        _report(verdict, progress.seconds, json=json)


@app.command("digest")
def digest_command(
    key: Annotated[
        str,
        typer.Option(envvar="TIDEMARK_DIGEST_KEY", help="Ed25519 private key: a PEM file, or a Key Vault secret."),
    ],
    out: Annotated[Path, typer.Option(help="Folder of the digests; the new one follows its newest.")] = Path("digests"),
    jobs: Jobs = JOBS,
    json: Json = False,
) -> None:
    """Verify the whole log, against the digest before as well, and sign what it is now.

    Keep a copy of the folder where nobody who can write to the database can.

    Example: tidemark audit digest --key digest.pem --out digests/
    """
    with reported():
        signing = signing_key(key)
        audit, progress = open_audit(), VerifyProgress(json=json)
        kept = seal(
            audit.log,
            Archive(out),
            signing,
            database=audit.database,
            made_at=now().isoformat(timespec="seconds"),
            jobs=jobs,
            progress=progress.show,
        )
        digest, taken = kept.digest, duration(progress.seconds)
        echo(
            {**digest.document(), "id": digest.id, "file": str(kept.path)} if json else None,
            [
                f"digest {digest.number}  {digest.streams:,} streams, {digest.events:,} events in {taken}",
                f"  root  {digest.root}",
                f"  kept  {kept.path}",
                f"  heads {kept.heads_path}: copy both to where the database's owners cannot write",
            ],
        )


@app.command("export")
def export_command(
    streams: Annotated[list[str] | None, typer.Argument(help="Streams; the whole log unless given.")] = None,
    form: Annotated[
        Format, typer.Option("--format", help="jsonl carries its proof; csv is for spreadsheets.")
    ] = "jsonl",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File; standard output unless given.")] = None,
    against: Against = None,
    key: PublicKey = None,
) -> None:
    """Write events as they are stored; with a digest, as far as it goes and provable by its public key alone.

    Example: tidemark audit export account-alice --against digests/ --public-key digest.pub -o alice.jsonl
    """
    with reported():
        kept = trusted(against, key)
        audit = open_audit()
        target = output.open("w", encoding="utf-8", newline="") if output else nullcontext(sys.stdout)
        with target as out:
            done = export_log(
                audit.log,
                out,
                form=form,
                database=audit.database,
                made_at=now().isoformat(timespec="seconds"),
                streams=streams or (),
                digest=kept,
            )
        typer.echo(
            f"{done.streams:,} streams, {done.events:,} events, {done.outcomes:,} outcomes without events", err=True
        )


@app.command("verify-export")
def verify_export_command(
    file: Annotated[Path, typer.Argument(help="An export, .jsonl or .csv.", exists=True, dir_okay=False)],
    key: PublicKey = None,
    against: Against = None,
    json: Json = False,
) -> None:
    """Verify an export without the database: by the digest in it, or by one that you kept. Exit 1 if it does not hold.

    Example: tidemark audit verify-export alice.jsonl --public-key digest.pub
    """
    with reported():
        progress = VerifyProgress(json=json)
        verdict = verify_export(file, key=public_key(key) if key else None, against=trusted(against, key))
        _report(verdict, progress.seconds, json=json)
        if key is not None and verdict.digest is None:
            typer.echo("the file holds no digest, so the key vouches for nothing in it", err=True)
            raise typer.Exit(FAILED)


def _report(verdict: Verdict, seconds: float, *, json: bool) -> None:
    echo(
        facts(verdict, sound=verdict.sound, seconds=round(seconds, 3)) if json else None,
        verdict_lines(verdict, seconds),
    )
    if not verdict.sound:
        raise typer.Exit(FAILED)


def _console() -> Console:
    return Console(highlight=False, soft_wrap=True)
