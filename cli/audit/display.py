"""How audits look on a terminal, and as JSON lines."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from audit.narration import Narration
from audit.trail.entries import Entry
from audit.trail.refusals import Refused
from audit.trail.trace import Step, Trace
from audit.trail.trail import Comparison, StateAt
from audit.verification.verify import Broken, Verdict
from cli.output import json_line

_EVERY = 5.0


def state_lines(state: StateAt, narration: Narration) -> Iterator[str]:
    """The state of an aggregate, a fact per line."""
    yield f"{state.stream}  version {state.version} of {state.head}, recorded {state.recorded_at}"
    width = max(map(len, state.facts), default=0)
    for name, value in state.facts.items():
        yield f"  {name:<{width}}  {narration.shown(name, value, state.unit)}"


def comparison_lines(found: Comparison, narration: Narration) -> Iterator[str]:
    """What differs, a fact per line."""
    before, after = found.before, found.after
    yield f"{after.stream}  version {before.version} ({before.recorded_at}) -> {after.version} ({after.recorded_at})"
    width = max((len(each.name) for each in found.differences), default=0)
    for each in found.differences:
        sides = (
            narration.shown(each.name, value, after.unit) if present else "(not there)"
            for value, present in zip((each.before, each.after), each.present, strict=True)
        )
        yield f"  {each.name:<{width}}  {' -> '.join(sides)}"
    if not found.differences:
        yield "  no difference"


def entry_table(entries: Sequence[Entry], narration: Narration) -> Table:
    """A stream as a statement."""
    table = Table(box=None, pad_edge=False)
    figures = list(dict.fromkeys(name for entry in entries for name in entry.figures))
    numbers = ["change", *figures] if figures else []
    for heading in ("", "version", "recorded", "what", "actor", *numbers):
        table.add_column(heading, justify="right" if heading == "version" or heading in numbers else "left")
    for entry in entries:
        table.add_row(
            "ok" if entry.problem is None else "BAD",
            str(entry.version),
            (entry.recorded_at or "?")[:19].replace("T", " "),
            Text(entry.sentence if entry.problem is None else f"{entry.sentence}  [{entry.problem}]"),
            Text(entry.actor or ""),
            *(_numbers(entry, figures, narration) if numbers else ()),
        )
    return table


def refusal_lines(outcomes: Iterable[Refused]) -> Iterator[str]:
    """Commands that were refused, or had nothing to do."""
    for each in outcomes:
        at, bad = (each.recorded_at or "?")[:19].replace("T", " "), f"  BAD: {each.problem}" if each.problem else ""
        yield f"  {at}  at version {each.version}  {each.actor or '?'}  {each.command}  {_said(each)}{bad}"


def trace_lines(trace: Trace) -> Iterator[str]:
    """The tree of a story."""
    where = "all there are" if trace.complete else "as far as transfers lead (all of them: without --from)"
    yield f"{trace.correlation}  {trace.steps} commands on {len(trace.streams)} streams, {where}"
    for step in trace.roots:
        yield from _step_lines(step, "")


def verdict_lines(verdict: Verdict, seconds: float) -> Iterator[str]:
    """What a verification came to."""
    for broken in verdict.broken:
        yield broken_line(broken)
    if verdict.bad > len(verdict.broken):
        yield f"and {verdict.bad - len(verdict.broken):,} more"
    rate = verdict.events / seconds if seconds else 0
    yield (
        f"{verdict.streams:,} streams, {verdict.events:,} events, {verdict.outcomes:,} outcomes without events in "
        f"{seconds:.1f} s ({rate:,.0f} events/s)"
    )
    compared = f", and as digest {verdict.digest} has it ({verdict.sealed:,} streams)" if verdict.digest else ""
    yield f"BROKEN: {verdict.bad:,} streams" if verdict.bad else f"whole{compared}"
    if verdict.digest is None:
        yield "compared with no digest: missing tails, deleted streams and full rewrites cannot be seen (--against)"


def broken_line(broken: Broken) -> str:
    """The first bad event of a stream."""
    where = broken.stream if broken.version is None else f"{broken.stream} version {broken.version}"
    return f"BROKEN  {where}: {broken.problem}"


def facts(value: Any, **more: Any) -> dict[str, Any]:
    """A frozen value for machines."""
    return {**asdict(value), **more}


class VerifyProgress:
    """A line every five seconds, on standard error, so that output can be kept."""

    def __init__(self, *, json: bool, clock: Callable[[], float] = time.monotonic) -> None:
        self._json = json
        self._console = Console(stderr=True, highlight=False, soft_wrap=True)
        self._clock = clock
        self._began = self._shown = clock()

    def show(self, verdict: Verdict) -> None:
        """A moment of the verification."""
        if self._clock() - self._shown < _EVERY:
            return
        self._shown = self._clock()
        rate = verdict.events / self.seconds
        if self._json:
            counts = {"streams": verdict.streams, "events": verdict.events, "bad": verdict.bad}
            self._console.print(Text(json_line("progress", counts | {"per_second": round(rate)})))
            return
        bad = f"   {verdict.bad:,} BROKEN" if verdict.bad else ""
        line = f"  {verdict.streams:,} streams   {verdict.events:,} events   {rate:,.0f} events/s{bad}"
        self._console.print(Text(line))

    @property
    def seconds(self) -> float:
        return self._clock() - self._began


def _numbers(entry: Entry, figures: Sequence[str], narration: Narration) -> Iterator[str]:
    for value in (entry.change or None, *(entry.figures.get(name) for name in figures)):
        yield "" if value is None else narration.number(value, entry.unit)


def _said(refused: Refused) -> str:
    return f"refused, {refused.code}: {refused.message}" if refused.code else "nothing to do"


def _step_lines(step: Step, indent: str) -> Iterator[str]:
    at = step.recorded_at[:19].replace("T", " ")
    for entry in step.entries:
        mark = "" if entry.problem is None else f"  BAD: {entry.problem}"
        yield f"{indent}{at}  {step.stream} v{entry.version}  {entry.sentence}  ({step.actor or '?'}){mark}"
    if not step.entries:
        what = _said(step.refused) if step.refused else "nothing to do"
        yield f"{indent}{at}  {step.stream}  {what}  ({step.actor or '?'})"
    for child in step.led_to:
        yield from _step_lines(child, indent + "  ")
