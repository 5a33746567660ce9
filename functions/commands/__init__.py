"""The command side of the HTTP API, whatever the commands are."""

from functions.commands.context import Context
from functions.commands.responses import respond

__all__ = ["Context", "respond"]
