"""The audit over HTTP: JSON twins, pages, errors in the form of each, who may look and that it is noted."""

import logging
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import httpx
import orjson
import pytest
from azure.cosmos import CosmosClient

from audit.export.verify import verify_export
from functions.audit import responses as answers
from functions.http.auth import Principal
from functions.http.dependencies import Dependencies
from tests.audit.bank import Bank
from tests.audit.serving import audit_app
from tests.support.asgi import AsgiThread

PAGES = [
    "/audit",
    "/audit/streams/account-alice",
    "/audit/streams/transfer-t1",
    "/audit/streams/account-alice?upto=3&limit=2",
    "/audit/streams/account-alice/state",
    "/audit/streams/account-alice/state?version=3",
    "/audit/streams/account-alice/state?at=2026-03-01T12:02:30Z",
    "/audit/streams/account-alice/state?version=5&compare=2",
    "/audit/trace",
    "/audit/trace?correlation=story-t1",
    "/audit/trace?correlation=story-t1&from=account-bob",
    "/audit/health",
    "/audit/health?refresh=5",
]


class Page(HTMLParser):
    """What matters of a page: its links, scripts, inline code, headings, and controls without a label."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.inline: list[str] = []
        self.headings: list[int] = []
        self.ids: list[str] = []
        self.labelled: set[str] = set()
        self.controls: set[str] = set()
        self._script = False
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        self.ids += [given["id"]] if "id" in given else []
        if tag == "a":
            self.links.append(given["href"])
        if tag in ("script", "style") and "src" not in given:
            self.inline.append(tag)
        self.inline += [name for name in given if name.startswith("on") or name == "style"]
        if tag in ("h1", "h2", "h3"):
            self.headings.append(int(tag[1]))
        if tag == "label":
            self.labelled.add(given["for"])
        if tag == "input" and given.get("type") != "hidden":
            self.controls.add(given["id"])


def test_a_stream_is_told_with_balances_and_chain_marks(api: httpx.Client) -> None:
    found = api.get("/audit/data/streams/account-alice", params={"limit": 2}).json()
    assert (found["head"], found["older"], found["newer"], found["failure"]) == (5, 3, None, None)
    assert [(entry["version"], entry["figures"]["balance"], entry["problem"]) for entry in found["entries"]] == [
        (4, 700, None),
        (5, 500, None),
    ]
    assert found["without_events"][0]["code"] == "INSUFFICIENT_FUNDS"


def test_states_and_differences_are_told(api: httpx.Client) -> None:
    state = api.get("/audit/data/streams/account-alice/state", params={"at": "2026-03-01T12:02:30+00:00"}).json()
    assert (state["version"], state["facts"]["balance"]) == (2, 1000)
    different = api.get("/audit/data/streams/account-alice/difference", params={"before": 2, "after": 5}).json()
    assert {"name": "balance", "before": 1000, "after": 500, "present": [True, True]} in different["differences"]


def test_a_time_before_the_stream_began_is_404_in_either_form(api: httpx.Client) -> None:
    for root in ("/audit/data", "/audit"):
        answer = api.get(f"{root}/streams/account-alice/state", params={"at": "2026-01-01"})
        assert answer.status_code == 404
        assert "did not exist at 2026-01-01T00:00:00+00:00" in answer.text


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/streams/account-nobody", 404),
        ("/streams/account-alice?upto=99", 404),
        ("/streams/account-alice?upto=0", 400),
        ("/streams/account-alice/state?version=99", 404),
        ("/streams/account-alice/state?at=noon", 400),
        ("/streams/account-alice/state?at=2026-03-02&version=1", 400),
        ("/streams/account-alice/state?at=9999-12-31T23:59:59-14:00", 400),
        ("/streams/%3Cscript%3E", 400),
        ("/trace?correlation=nothing", 404),
        ("/trace?correlation=x&from=%3Cb%3E", 400),
    ],
)
def test_what_is_not_there_and_what_makes_no_sense_is_said_in_the_form_asked_for(
    api: httpx.Client, path: str, status: int
) -> None:
    problem, page = api.get(f"/audit/data{path}"), api.get(f"/audit{path}")
    assert (problem.status_code, problem.headers["Content-Type"]) == (status, "application/problem+json")
    assert (page.status_code, page.headers["Content-Type"]) == (status, "text/html; charset=utf-8")
    assert 'role="alert"' in page.text


def test_a_damaged_log_is_no_fault_of_the_caller(api: httpx.Client, bank: Bank) -> None:
    bank.alter("account-alice", 2, state='{"amount":"many"}')
    assert api.get("/audit/data/streams/account-alice/state").status_code == 500
    shown = api.get("/audit/streams/account-alice")
    assert shown.status_code == 200
    assert "The hash chain is broken on this page" in shown.text
    assert "Version 2 cannot be applied" in shown.text


@pytest.mark.parametrize("path", PAGES)
def test_every_page_is_strict_about_code_and_clear_to_a_screen_reader(api: httpx.Client, path: str) -> None:
    answer = api.get(path)
    assert answer.status_code == 200, answer.text
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert (answer.headers["Cache-Control"], answer.headers["X-Content-Type-Options"]) == ("no-store", "nosniff")
    page = Page(answer.text)
    assert page.inline == []
    assert page.headings.count(1) == 1
    assert all(after - before <= 1 for before, after in zip(page.headings, page.headings[1:], strict=False))
    assert len(page.ids) == len(set(page.ids))
    assert page.controls <= page.labelled
    assert '<html lang="en">' in answer.text


def test_every_link_of_every_page_leads_somewhere(api: httpx.Client) -> None:
    links = {link for path in PAGES for link in _absolute(path, Page(api.get(path).text).links)}
    assert len(links) > 30
    assert [link for link in sorted(links) if api.get(link, follow_redirects=True).status_code != 200] == []


def _absolute(path: str, links: list[str]) -> set[str]:
    base = httpx.URL("http://localhost" + path)
    return {str(base.join(link)).partition("#")[0] for link in links}


def test_every_view_names_the_command_that_does_the_same(api: httpx.Client) -> None:
    commands = {
        "/audit/streams/account-alice": "tidemark audit show account-alice",
        "/audit/streams/account-alice/state?version=3": "tidemark audit show account-alice --version 3",
        "/audit/streams/account-alice/state?version=5&compare=2": "tidemark audit diff account-alice 2 5",
        "/audit/trace?correlation=story-t1": "tidemark audit trace story-t1",
        "/audit/health": "tidemark replay status",
    }
    for path, command in commands.items():
        assert f"<code>{command}</code>" in api.get(path).text


def test_a_hold_and_its_end_are_one_row(api: httpx.Client) -> None:
    page = api.get("/audit/streams/account-alice").text
    assert page.count('<tr id="v') == 4
    assert 'id="v3"' in page
    assert "Hold 1 of 3.00 EUR for transfer t1 placed" in page
    apart = api.get("/audit/streams/account-alice?upto=3").text
    assert '<tr id="v3">' in apart


def test_a_transfer_leads_to_its_accounts_and_to_its_story(api: httpx.Client) -> None:
    links = Page(api.get("/audit/streams/transfer-t1").text).links
    assert {"/audit/streams/account-alice", "/audit/streams/account-bob"} <= set(links)
    assert "/audit/trace?correlation=story-t1&from=transfer-t1" in links


def test_a_stream_is_downloaded_as_an_export_that_verifies(api: httpx.Client, tmp_path: Path) -> None:
    answer = api.get("/audit/data/streams/account-alice/export")
    (tmp_path / "x.jsonl").write_bytes(answer.content)
    verdict = verify_export(tmp_path / "x.jsonl")
    assert (verdict.sound, verdict.events, verdict.outcomes) == (True, 5, 1)
    assert answer.headers["Content-Disposition"] == 'attachment; filename="account-alice.jsonl"'
    assert api.get("/audit/data/streams/account-nobody/export").status_code == 404


def test_the_form_leads_to_accounts_and_to_streams(api: httpx.Client) -> None:
    assert api.get("/audit/open?stream=alice").headers["Location"] == "/audit/streams/account-alice"
    assert api.get("/audit/open?stream=transfer-t1").headers["Location"] == "/audit/streams/transfer-t1"
    assert api.get("/audit/open?stream=//evil.example").status_code == 400


def test_every_look_leaves_a_line_that_says_who_and_what(api: httpx.Client, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "tidemark.audit")
    api.get("/audit/streams/account-alice/state?version=3")
    api.get("/audit/data/trace?correlation=story-t1")
    assert [record.getMessage() for record in caplog.records] == [
        "audit read by local:anonymous: /audit/streams/account-alice/state?version=3",
        "audit read by local:anonymous: /audit/data/trace?correlation=story-t1",
    ]
    assert vars(caplog.records[0])["audit"]["actor"] == "local:anonymous"


def test_only_the_audit_role_may_look(services: Dependencies, client: CosmosClient, database: str, bank: Bank) -> None:
    class NoAuditor:
        async def principal(self, token: str | None, client_host: str | None) -> Principal:
            return Principal("user:1", frozenset({"command", "query"}))

    app = audit_app(replace(services, authenticator=NoAuditor()), client, database)
    with httpx.Client(transport=AsgiThread(app), base_url="http://localhost") as api:
        for path in (*PAGES, "/audit/data/health", "/audit/data/streams/account-alice/export"):
            assert api.get(path).status_code == 403, path
        assert api.get("/audit/assets/audit.css").status_code == 200
        assert "Tidemark.Audit" in api.get("/audit").text


def test_the_twins_answer_as_the_openapi_document_says(api: httpx.Client) -> None:
    models = {
        "/audit/data/streams/account-alice": answers.StreamView,
        "/audit/data/streams/account-alice/state": answers.StateView,
        "/audit/data/streams/account-alice/difference?before=1&after=3": answers.ComparisonView,
        "/audit/data/trace?correlation=story-t1": answers.TraceView,
        "/audit/data/health": answers.HealthView,
    }
    for path, model in models.items():
        content = api.get(path).content
        parsed = model.model_validate_json(content)
        assert orjson.loads(content).keys() == type(parsed).model_fields.keys()
    documented = api.get("/openapi.json").json()["paths"]
    assert len([path for path in documented if path.startswith("/audit/data")]) == 5
