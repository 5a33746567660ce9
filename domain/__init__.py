"""What any aggregate needs: events and their fold, errors, ids, a person who may be forgotten."""

from domain.aggregate import Aggregate, CreatedEvent, DomainEvent, Snapshot, fold, personal
from domain.errors import DomainError, InvalidCommand, Refused
from domain.model import Model

__all__ = [
    "Aggregate",
    "CreatedEvent",
    "DomainError",
    "DomainEvent",
    "InvalidCommand",
    "Model",
    "Refused",
    "Snapshot",
    "fold",
    "personal",
]
