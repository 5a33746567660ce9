"""Ports are taken before anything starts."""

import socket

import pytest

from functions.hosting.errors import PortError
from functions.hosting.ports import listen


def test_a_busy_port_is_told_with_the_option_and_the_variable_to_change_it() -> None:
    with (
        listen("127.0.0.1", 0, "the API", "--port or TIDEMARK_PORT") as taken,
        pytest.raises(
            PortError,
            match=r"port \d+ for Cosmos DB is in use: choose another with --cosmos-port or TIDEMARK_COSMOS_PORT",
        ),
    ):
        listen("127.0.0.1", taken.getsockname()[1], "Cosmos DB", "--cosmos-port or TIDEMARK_COSMOS_PORT")


def test_port_zero_takes_any_that_is_free() -> None:
    with (
        listen("127.0.0.1", 0, "the API", "--port or TIDEMARK_PORT") as first,
        listen("127.0.0.1", 0, "the API", "--port or TIDEMARK_PORT") as second,
    ):
        assert first.getsockname()[1] != second.getsockname()[1]


def test_a_listener_says_that_it_is_tcp_so_that_answers_are_not_held_back() -> None:
    with listen("127.0.0.1", 0, "the API", "--port or TIDEMARK_PORT") as listener:
        assert listener.proto == socket.IPPROTO_TCP
