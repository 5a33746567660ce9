"""Commands that take effect exactly once."""

from eventstore.outcomes import Command, Outcome, Refusal

__all__ = ["Command", "Outcome", "Refusal"]
