"""Why a local server cannot start, one line for a person.

CannotServe
├── DataFolderError   the data folder is another program's, another version's, or in use
└── PortTaken         the port is in use, or may not be used
"""

__all__ = ["CannotServe", "DataFolderError", "PortTaken"]


class CannotServe(Exception):
    """What is in the way, and how to go round it."""


class DataFolderError(CannotServe):
    """The folder cannot be used; the message says what it is and what to do."""


class PortTaken(CannotServe):
    """The port cannot be listened on; the message names it and how to choose another."""
