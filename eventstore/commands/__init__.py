"""Commands that take effect exactly once: load, decide, append; one outcome for each."""

from eventstore.commands.store import Command, CommandStore, Outcome, Refusal

__all__ = ["Command", "CommandStore", "Outcome", "Refusal"]
