"""Ports are taken before anything else starts, so that a busy one is told at once."""

import errno
import socket

from functions.hosting.errors import PortError

__all__ = ["listen"]

_BACKLOG = 2048


def listen(host: str, port: int, what: str, setting: str) -> socket.socket:
    """A listening socket; port 0 takes any that is free. `setting` says how a person chooses another port.

    Raises:
        PortError: it is in use, or may not be used.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol by name: asyncio turns Nagle's algorithm off only for sockets that say they are TCP, and with it on
    # an answer in two writes waits 40 ms for the client's delayed acknowledgement.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        why = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be used ({error.strerror})"
        raise PortError(f"port {port} for {what} {why}: choose another with {setting}") from error
    return listener
