"""Comparing two generations: what only seems to differ is looked at again."""

from replay.contents.compare import compare
from replay.contents.hashing import Contents


def side(count: int, mark: bytes) -> list[Contents]:
    return [Contents(f"account-{number}", 3, 1, mark) for number in range(count)]


def test_what_was_written_to_while_it_was_read_is_no_difference_though_the_versions_are_the_same() -> None:
    found = compare(side(3, b"torn"), side(3, b"whole"), settle=lambda _: True)
    assert (found.agrees, found.settled, found.left == found.right) == (True, 3, True)


def test_what_is_wrong_at_a_second_look_is_named() -> None:
    found = compare(side(3, b"old"), side(3, b"new"), settle=lambda name: name != "account-1")
    assert (found.different, found.settled) == (["account-1"], 2)
    assert found.left != found.right


def test_a_view_that_has_changed_everywhere_does_not_have_the_whole_log_read_stream_by_stream() -> None:
    looked_at: list[str] = []
    found = compare(side(500, b"old"), side(500, b"new"), settle=looked_at.append)  # type: ignore[arg-type]
    assert len(found.different) == 500
    assert len(looked_at) == 20
