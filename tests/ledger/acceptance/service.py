"""`tidemark up` as a real process on free ports, and the command line beside it."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

START_SECONDS = 30
COMMAND = [str(Path(sys.executable).with_name("tidemark"))]


@dataclass(frozen=True)
class Service:
    process: "subprocess.Popen[str]"
    url: str
    cosmos: str
    banner: list[str]

    def kill(self) -> None:
        """As a power cut for the process: SIGKILL, no chance to tidy up."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> str:
        """SIGTERM; what else it has printed."""
        self.process.send_signal(signal.SIGTERM)
        rest, _ = self.process.communicate(timeout=START_SECONDS)
        return rest


def start(*options: str) -> Service:
    ports = ["--port", "0", "--cosmos-port", "0", "--eventhubs-port", "0"]
    process = subprocess.Popen(
        [*COMMAND, "up", *ports, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None
    banner: list[str] = []
    for line in process.stdout:
        banner.append(line.rstrip("\n"))
        if line.startswith("Try"):
            break
    text = "\n".join(banner)
    urls = dict(re.findall(r"^(API|Cosmos DB) +(http://localhost:\d+)", text, re.MULTILINE))
    assert set(urls) == {"API", "Cosmos DB"}, text
    return Service(process, urls["API"], urls["Cosmos DB"], banner)


@contextmanager
def running(*options: str) -> Iterator[Service]:
    service = start(*options)
    try:
        yield service
    finally:
        if service.process.poll() is None:
            service.kill()
        if service.process.stdout is not None:
            service.process.stdout.close()


def tidemark(*arguments: str, timeout: float = 120, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Runs `tidemark` to its end."""
    return subprocess.run(
        [*COMMAND, *arguments],
        capture_output=True,
        text=True,
        timeout=timeout,
        env=os.environ | environment,
        check=False,
    )


def client(service: Service) -> httpx.Client:
    return httpx.Client(base_url=service.url, trust_env=False, timeout=10)


def bank_file(path: Path, *, accounts: int, rows: int) -> Path:
    """A file of a made-up bank: every account gets a credit first, then credits and debits by turns, in date order."""
    lines = ["date,account,n,transaction,kind,amount,balance,operation,purpose"]
    balances = [0] * accounts
    for number in range(rows):
        account, n = number % accounts, number // accounts + 1
        kind = "debit" if n % 3 == 0 else "credit"
        amount = 1_000 + 37 * number % 900
        balances[account] += amount if kind == "credit" else -amount
        day = f"2024-{1 + n // 28:02d}-{1 + n % 28:02d}"
        lines.append(f"{day},{7000 + account},{n},{90_000 + number},{kind},{amount},{balances[account]},made up,")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
