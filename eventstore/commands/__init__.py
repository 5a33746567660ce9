"""Commands that take effect exactly once: load, decide, append; one outcome for each.

store = CommandStore(database, mapper=Mapper(), fold=fold, refusals=DomainError)
outcome = store.execute("account-alice", Command(key, fingerprint), lambda account: …)
"""

from eventstore.commands.store import CommandStore
from eventstore.log.outcomes import Command, Outcome, Refusal

__all__ = ["Command", "CommandStore", "Outcome", "Refusal"]
