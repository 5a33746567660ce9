"""`tidemark import` as a person sees it: progress, one closing line, an exit code."""

from pathlib import Path

import typer
from rich.console import Console

from devkit.ledger.bank.api import BankApi, BankApiError
from devkit.ledger.bank.check import check_rows
from devkit.ledger.bank.importing import RowRefused, import_rows
from devkit.ledger.bank.progress import RunProgress
from devkit.ledger.bank.rows import BankFileError, count

__all__ = ["run_check", "run_import"]

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
