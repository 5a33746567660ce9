"""What this installation is made of: the one file that a change of domain replaces."""

from typing import Final

import audit.ledger
import domain.ledger
import functions.ledger
import projectors.ledger
import projectors.ledger.processes
from functions.service import Service

__all__ = ["SERVICE"]

SERVICE: Final = Service(
    "ledger",
    about="Amounts are integers in minor units.",
    model=domain.ledger.MODEL,
    views=projectors.ledger.VIEWS,
    narration=audit.ledger.NARRATION,
    strays=audit.ledger.STRAYS,
    health=functions.ledger.HEALTH,
    processes=projectors.ledger.processes.processes,
    commands=functions.ledger.COMMANDS,
    queries=functions.ledger.QUERIES,
    refusals=functions.ledger.REFUSALS,
    line=functions.ledger.outcome_line,
    tools={"import": "devkit.ledger.bank.cli"},
)
