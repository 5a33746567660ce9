"""A small evaluator of API Management policies: of what policies/*.xml use, and nothing else.

It walks a section in order, as the gateway does (https://learn.microsoft.com/azure/api-management/api-management-howto-policies),
and refuses what it does not know: a new element must be understood here before a test says anything about it.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

_COMPARISON = re.compile(r'(context\.\w+\.\w+) == "([^"]*)"')
_CONDITION = re.compile(r"@\((.*)\)")


class UnknownPolicy(Exception):
    """The document holds something that this evaluator gives no meaning to."""


@dataclass(frozen=True)
class Request:
    method: str
    token: str | None = "valid"
    """ "valid", or None for no token, or anything else for one that the gateway must refuse."""
    over_limit: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Answer:
    """What became of a request: the backend that got it, or the gateway's own status; `steps` in order."""

    backend: str | None = None
    status: int | None = None
    code: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    steps: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class LastError(Exception):
    source: str
    reason: str = ""


class Gateway:
    def __init__(self, api: Element, around: Element, fragments: Mapping[str, Element]) -> None:
        """`around` is the global policy: what <base /> stands for in the API's."""
        self._api = api
        self._around = around
        self._fragments = fragments

    @classmethod
    def of(cls, policies: Path, rate_limit: str) -> "Gateway":
        fragment = ElementTree.parse(policies / f"rate-limit.{rate_limit}.xml").getroot()
        return cls(
            ElementTree.parse(policies / "api.xml").getroot(),
            ElementTree.parse(policies / "global.xml").getroot(),
            {"rate-limit": fragment},
        )

    def handle(self, request: Request, *, fault: LastError | None = None) -> Answer:
        """`fault` happens instead of the call to the backend."""
        answer = Answer()
        facts = {"context.Request.Method": request.method}
        try:
            self._run(self._section("inbound"), request, answer, facts)
            if answer.backend is None:
                raise UnknownPolicy("no backend was chosen")
            if fault is not None:
                raise fault
            self._run(self._section("backend"), request, answer, facts)
        except LastError as error:
            answer.backend = None
            facts |= {"context.LastError.Source": error.source, "context.LastError.Reason": error.reason}
            self._run(self._section("on-error"), request, answer, facts)
        return answer

    def _section(self, name: str) -> Iterator[Element]:
        section, outer = self._api.find(name), self._around.find(name)
        if section is None or outer is None:
            raise UnknownPolicy(f"section {name} is missing")
        for element in section:
            if element.tag == "base":
                yield from outer
            else:
                yield element

    def _run(self, elements: Iterator[Element], request: Request, answer: Answer, facts: Mapping[str, str]) -> None:
        for element in elements:
            answer.steps.append(element.tag)
            match element.tag:
                case "validate-jwt":
                    if request.token != "valid":
                        raise LastError("validate-jwt")
                case "include-fragment":
                    self._run(iter(self._fragments[element.attrib["fragment-id"]]), request, answer, facts)
                case "rate-limit" | "rate-limit-by-key":
                    if request.over_limit:
                        raise LastError(element.tag)
                case "choose":
                    self._run(iter(_chosen(element, facts)), request, answer, facts)
                case "set-backend-service":
                    answer.backend = element.attrib["backend-id"]
                case "set-header":
                    answer.headers[element.attrib["name"]] = (element.findtext("value") or "").strip()
                case "set-variable":
                    _remember(element, answer)
                case "forward-request" | "set-status" | "set-body":
                    pass
                case _:
                    raise UnknownPolicy(f"<{element.tag}> has no meaning here")


def _remember(element: Element, answer: Answer) -> None:
    value = element.attrib["value"]
    match element.attrib["name"]:
        case "status":
            answer.status = int(value.removeprefix("@(").removesuffix(")"))
        case "code":
            answer.code = value


def _chosen(choose: Element, facts: Mapping[str, str]) -> Element:
    for branch in choose:
        if branch.tag == "otherwise" or _holds(branch.attrib["condition"], facts):
            return branch
    raise UnknownPolicy("no branch of <choose> holds, and it has no <otherwise>")


def _holds(condition: str, facts: Mapping[str, str]) -> bool:
    """Comparisons with == joined by ||."""
    inside = _CONDITION.fullmatch(condition)
    if inside is None:
        raise UnknownPolicy(f"not an expression: {condition}")
    results = []
    for term in inside[1].split(" || "):
        comparison = _COMPARISON.fullmatch(term)
        if comparison is None:
            raise UnknownPolicy(f"not a comparison: {term}")
        results.append(facts.get(comparison[1]) == comparison[2])
    return any(results)
