"""A local server that cannot start says why in one line, and leaves nothing behind."""

import socket
from pathlib import Path

import pytest

from localazure.command_line import main
from localazure.errors import PortTaken
from localazure.process import run_cosmos, run_eventhubs


def test_a_port_in_use_is_told_before_a_folder_is_made(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for what, run in (
            ("Cosmos DB", lambda: run_cosmos("127.0.0.1", port, tmp_path / "data", 1, print)),
            ("Event Hubs", lambda: run_eventhubs("127.0.0.1", port, tmp_path / "data", ["a:1"], [], print)),
        ):
            with pytest.raises(PortTaken, match=f"port {port} for {what} is in use: choose another with --port"):
                run()
    assert list(tmp_path.iterdir()) == []


def test_an_address_of_another_machine_is_told() -> None:
    with pytest.raises(PortTaken, match="cannot be used"):
        run_cosmos("192.0.2.1", 0, None, 1, print)


@pytest.mark.parametrize("hub", ["a", "a:", ":1", "a:x", "a:0", "-:1"])
def test_a_hub_that_cannot_be_is_one_line(hub: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["eventhubs", "--port", "0", f"--hub={hub}"]) == 1
    out, err = capsys.readouterr()
    assert (out, err.count("\n"), err[:12]) == ("", 1, "localazure: ")


@pytest.mark.parametrize(
    "arguments",
    [[], ["blob"], ["cosmos", "--port", "65536"], ["cosmos", "--port", "x"], ["cosmos", "--partitions", "0"]],
)
def test_a_wrong_argument_ends_with_two(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    assert "usage: localazure" in capsys.readouterr().err
