"""The ledger, as the audit tells it: sentences, stories and amounts."""

from audit.ledger.narration import NARRATION

__all__ = ["NARRATION"]
