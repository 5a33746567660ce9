"""Why a process cannot start.

CannotStart
├── PortError      a port is in use
└── Unprotected    no authentication, and not on loopback
"""

__all__ = ["CannotStart", "PortError", "Unprotected"]


class CannotStart(Exception):
    """One line that says what is in the way and how to go round it."""


class PortError(CannotStart):
    """A port cannot be listened on; the message names it and how to choose another."""


class Unprotected(CannotStart):
    """Without authentication only this machine may be served."""
