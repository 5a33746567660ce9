"""`tidemark import` as a person sees it: progress, one closing line, an exit code."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from devkit.ledger.bank.api import BankApi, BankApiError
from devkit.ledger.bank.check import check_rows
from devkit.ledger.bank.importing import RowRefused, import_rows
from devkit.ledger.bank.progress import RunProgress
from devkit.ledger.bank.rows import BankFileError, count

__all__ = ["app", "run_check", "run_import"]

app = typer.Typer(pretty_exceptions_enable=False, rich_markup_mode=None)

DONE, FAILED, BAD_FILE = 0, 1, 2


def run_import(path: Path, *, url: str, concurrency: int, asset: str) -> int:
    """Import the file; the exit code."""
    try:
        total = count(path)
        with BankApi(url, connections=concurrency) as api, RunProgress("import", total, console=_console()) as progress:
            result = import_rows(path, api, asset=asset, concurrency=concurrency, on_row=progress.advance)
            seconds = progress.seconds
    except BankFileError as error:
        return _tell(f"{error}; no row was sent", BAD_FILE)
    except (BankApiError, RowRefused) as error:
        return _tell(f"{error}; start again to go on where this ended", FAILED)
    rate = (result.new + result.known + result.accounts) / max(seconds, 0.001)
    typer.echo(
        f"{result.new:,} rows imported, {result.known:,} were in before, {result.accounts:,} accounts opened "
        f"in {seconds:.1f} s ({rate:,.0f} commands/s)"
    )
    return DONE


def run_check(path: Path, *, url: str, concurrency: int, wait_seconds: float) -> int:
    """Compare the file with the statements; the exit code."""
    try:
        total = count(path)
        with BankApi(url, connections=concurrency) as api, RunProgress("check", total, console=_console()) as progress:
            result = check_rows(path, api, concurrency=concurrency, wait_seconds=wait_seconds, on_row=progress.advance)
    except BankFileError as error:
        return _tell(str(error), BAD_FILE)
    except BankApiError as error:
        return _tell(str(error), FAILED)
    typer.echo(f"{result.agree} of {result.rows} rows agree")
    for difference in result.differences:
        typer.echo(difference)
    return DONE if result.agree == result.rows else FAILED


def _console() -> Console:
    return Console(stderr=True)


def _tell(message: str, code: int) -> int:
    typer.echo(f"tidemark: {message}", err=True)
    return code


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="Bank transactions as CSV.")],
    check: Annotated[bool, typer.Option("--check", help="Import nothing, compare with the statements.")] = False,
    url: Annotated[str, typer.Option(help="Where the API is.", envvar="TIDEMARK_URL")] = "http://localhost:7071",
    concurrency: Annotated[int, typer.Option(min=1, max=64, help="Requests at a time.")] = 8,
    asset: Annotated[str, typer.Option(help="Asset of the accounts: code and number of decimals.")] = "CZK/2",
    wait: Annotated[float, typer.Option(min=0, help="With --check: seconds to wait for views that lag.")] = 60.0,
) -> None:
    """Load a bank's transactions through the API, each once however often the file is imported.

    Exit codes: 0 done; 1 a difference, a refusal, or no service; 2 a row of the file is not as expected.

    Example: tidemark import bank.csv && tidemark import --check bank.csv
    """
    if check:
        raise typer.Exit(run_check(file, url=url, concurrency=concurrency, wait_seconds=wait))
    raise typer.Exit(run_import(file, url=url, concurrency=concurrency, asset=asset))
