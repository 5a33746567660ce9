"""The ledger, as the audit tells it: sentences, stories and amounts, and whose its texts are."""

from audit.ledger.narration import NARRATION
from audit.ledger.strays import STRAYS

__all__ = ["NARRATION", "STRAYS"]
