"""Markdown tables, and a page that keeps each between `<!-- table <name> -->` and `<!-- end -->`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, align: str = "---:") -> str:
    """`align` is that of all columns but the first."""
    lines = [head, ["---", *[align] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def trimmed(value: float) -> str:
    return f"{value:,.1f}" if value < 100 else f"{value:,.0f}"


def places(page: str) -> Mapping[str, tuple[int, int]]:
    """Where the page keeps its tables, by name: from behind one marker to before the other."""
    found: dict[str, tuple[int, int]] = {}
    position = 0
    while (start := page.find("<!-- table ", position)) >= 0:
        name = page[start + len("<!-- table ") : page.index(" -->", start)]
        begin = page.index("-->", start) + len("-->")
        position = page.index("<!-- end -->", begin)
        found[name] = (begin, position)
    return found


def filled(page: str, made: Mapping[str, str]) -> str:
    """The page with its tables as they are now. Raises ValueError when page and tables do not name the same."""
    spans = places(page)
    if spans.keys() != made.keys():
        raise ValueError(f"the page has {sorted(spans)}, the tables are {sorted(made)}")
    for name, (begin, end) in sorted(spans.items(), key=lambda item: -item[1][0]):
        page = f"{page[:begin]}\n{made[name]}\n{page[end:]}"
    return page
