"""The JSON twins' answers, as models for OpenAPI."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from functions.queries.consistency import Exact

__all__ = ["ComparisonView", "HealthView", "StateView", "StreamView", "TraceView"]

Value = str | int | bool | None


class EntryView(BaseModel):
    """An event with who, why and what it came to; amounts in minor units of the asset."""

    stream: str
    version: int
    type: str
    recorded_at: str | None
    sentence: str
    actor: str | None
    reason: str | None
    command: str
    correlation: str | None
    causation: str | None
    traceparent: str | None
    change: int | None
    balance: int | None
    held: int | None
    asset: str | None
    hold: int | None
    problem: str | None = Field(description="what breaks the hash chain here; null: it holds")
    prev: str
    hash: str
    fields: dict[str, Any]


class RefusedView(BaseModel):
    """A command that left no event: refused with a code, or nothing to do."""

    stream: str
    version: int = Field(description="of the stream, when it was decided")
    code: str | None
    message: str | None
    details: dict[str, Any]
    recorded_at: str | None
    actor: str | None
    correlation: str | None
    command: str
    problem: str | None = Field(description="what shows that the record was altered; null: nothing")
    hash: str


class StreamView(BaseModel):
    """`older` and `newer` are `upto` of the neighbouring pages."""

    stream: str
    head: int
    older: int | None
    newer: int | None
    failure: str | None = Field(description="which event could not be applied; balances end before it")
    entries: list[EntryView]
    without_events: list[RefusedView] = Field(description="the newest commands that left no event")


class StateView(BaseModel):
    stream: str
    version: int
    recorded_at: str
    head: int
    asset: str | None
    facts: dict[str, Value]


class DifferenceView(BaseModel):
    name: str
    before: Value
    after: Value
    present: list[bool] = Field(min_length=2, max_length=2, description="whether it was there before, and after")


class ComparisonView(BaseModel):
    before: StateView
    after: StateView
    differences: list[DifferenceView]


class StepView(BaseModel):
    stream: str
    command: str
    recorded_at: str
    actor: str | None
    causation: str | None
    entries: list[EntryView]
    refused: RefusedView | None
    led_to: list["StepView"]


class TraceView(BaseModel):
    correlation: str
    complete: bool = Field(description="true: the whole log was searched")
    steps: int
    streams: list[str]
    roots: list[StepView]


class LagView(BaseModel):
    at: datetime
    transactions: int
    seconds: float


class ConsumerView(BaseModel):
    name: str
    state: str
    transactions: int
    seconds: float
    begun: bool
    worked: bool
    history: list[LagView]


class ParkedView(BaseModel):
    view: str
    generation: int
    stream: str
    version: int
    upto: int
    type: str
    reason: str
    attempts: int


class StuckView(BaseModel):
    transfer: str
    requested_at: datetime


class ConservationView(BaseModel):
    """Per asset, in minor units: `accounts` = `outside` + `on_the_way`, unless views are still moving."""

    asset: str
    accounts: Exact
    outside: Exact
    on_the_way: Exact
    verdict: str


class DigestView(BaseModel):
    number: int
    made_at: str
    streams: int
    events: int
    root: str
    id: str


class HealthView(BaseModel):
    """`unknown` says what could not be looked at, and why."""

    at: datetime
    consumers: list[ConsumerView]
    parked: list[ParkedView]
    stuck: list[StuckView]
    conservation: list[ConservationView]
    digest: DigestView | None
    unknown: dict[str, str]
