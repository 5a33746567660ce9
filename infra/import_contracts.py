"""Import contracts of one's own for import-linter: the seam around a domain, and no circles."""

from collections.abc import Iterator
from typing import Any

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output

__all__ = ["NoCircles", "Seam"]


class Seam(Contract):
    """Folders of one name are known to nobody but each other: taking all of them out leaves the machinery whole."""

    folder = fields.StringField()

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:  # noqa: ARG002 - the library's signature
        name = str(self.folder)
        strays = sorted(
            (importer, imported)
            for importer in graph.modules
            if name not in importer.split(".")
            for imported in graph.find_modules_directly_imported_by(importer)
            if name in imported.split(".")
        )
        return ContractCheck(kept=not strays, metadata={"strays": strays})

    def render_broken_contract(self, check: Any) -> None:
        for importer, imported in check.metadata["strays"]:
            output.print_error(f"{importer} imports {imported}")


class NoCircles(Contract):
    """No file comes back to itself over what it imports; imports for type checkers count."""

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:  # noqa: ARG002 - the library's signature
        circles = [circle for circle in _components(graph) if len(circle) > 1]
        return ContractCheck(kept=not circles, metadata={"circles": circles})

    def render_broken_contract(self, check: Any) -> None:
        for circle in check.metadata["circles"]:
            output.print_error("a circle: " + ", ".join(sorted(circle)))


def _components(graph: ImportGraph) -> Iterator[list[str]]:
    """Strongly connected components, by Tarjan's algorithm without recursion."""
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    for root in sorted(graph.modules):
        work = [(root, iter(sorted(graph.find_modules_directly_imported_by(root))))] if root not in order else []
        while work:
            module, following = work[-1]
            if module not in order:
                order[module] = low[module] = len(order)
                stack.append(module)
            for imported in following:
                if imported not in order:
                    work.append((imported, iter(sorted(graph.find_modules_directly_imported_by(imported)))))
                    break
                if imported in stack:
                    low[module] = min(low[module], order[imported])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[module])
                if low[module] == order[module]:
                    at = stack.index(module)
                    yield stack[at:]
                    del stack[at:]
