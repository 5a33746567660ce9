"""What the gateway does with a request, by its policy documents."""

import re
from xml.etree import ElementTree

import pytest

from tests.infra.paths import TERRAFORM
from tests.infra.policy import Answer, Gateway, LastError, Request, UnknownPolicy

POLICIES = TERRAFORM / "policies"
READS = ["GET", "HEAD"]
WRITES = ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "get", "TRACE"]


@pytest.fixture(params=["shared", "by-caller"])
def gateway(request: pytest.FixtureRequest) -> Gateway:
    return Gateway.of(POLICIES, request.param)


@pytest.mark.parametrize("method", READS)
def test_reads_go_to_the_query_app(gateway: Gateway, method: str) -> None:
    assert gateway.handle(Request(method)).backend == "queries"


@pytest.mark.parametrize("method", WRITES)
def test_everything_else_goes_to_the_command_app(gateway: Gateway, method: str) -> None:
    assert gateway.handle(Request(method)).backend == "commands"


@pytest.mark.parametrize("method", READS + WRITES)
@pytest.mark.parametrize("token", [None, "expired"])
def test_a_request_without_a_valid_token_is_refused_before_any_backend_is_chosen(
    gateway: Gateway, method: str, token: str | None
) -> None:
    answer = gateway.handle(Request(method, token=token))
    assert (answer.backend, answer.status, answer.code) == (None, 401, "UNAUTHENTICATED")
    assert "set-backend-service" not in answer.steps
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_request_over_the_limit_is_refused_before_any_backend_is_chosen(gateway: Gateway, method: str) -> None:
    answer = gateway.handle(Request(method, over_limit=True))
    assert (answer.backend, answer.status, answer.code) == (None, 429, "RATE_LIMITED")
    assert "set-backend-service" not in answer.steps


def test_nobody_without_a_token_can_use_up_a_limit(gateway: Gateway) -> None:
    steps = gateway.handle(Request("POST", token=None)).steps
    assert not {"include-fragment", "rate-limit", "rate-limit-by-key"} & set(steps)


def test_an_app_that_does_not_answer_gives_503_and_says_that_the_command_may_be_repeated(gateway: Gateway) -> None:
    answer = gateway.handle(Request("POST"), fault=LastError("forward-request", "Timeout"))
    assert (answer.status, answer.code, answer.headers["Retry-After"]) == (503, "SERVICE_UNAVAILABLE", "1")


def test_an_operation_that_does_not_exist_gives_404(gateway: Gateway) -> None:
    answer = gateway.handle(Request("GET"), fault=LastError("configuration", "OperationNotFound"))
    assert (answer.status, answer.code) == (404, "NOT_FOUND")


def test_a_fault_that_nobody_thought_of_gives_500(gateway: Gateway) -> None:
    answer = gateway.handle(Request("GET"), fault=LastError("set-header", "ExpressionValueEvaluationFailure"))
    assert (answer.status, answer.code) == (500, "INTERNAL_ERROR")


def refusals(gateway: Gateway) -> list[Answer]:
    return [
        gateway.handle(Request("POST", token=None)),
        gateway.handle(Request("POST", over_limit=True)),
        gateway.handle(Request("POST"), fault=LastError("forward-request")),
        gateway.handle(Request("POST"), fault=LastError("configuration", "OperationNotFound")),
        gateway.handle(Request("POST"), fault=LastError("something")),
    ]


def test_every_refusal_of_the_gateway_is_problem_json_and_carries_the_correlation(gateway: Gateway) -> None:
    for answer in refusals(gateway):
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.headers["X-Correlation-ID"] == '@((string)context.Variables["correlation"])'
        assert answer.steps[-1] == "set-body"


def test_a_problem_has_the_members_that_the_apps_give_theirs(gateway: Gateway) -> None:
    body = ElementTree.parse(POLICIES / "global.xml").getroot().findtext("on-error/set-body") or ""
    assert re.findall(r'problem\["(\w+)"\]', body) == ["type", "title", "status", "detail", "instance", "code"]


def test_a_backend_chosen_before_the_token_is_checked_would_be_noticed() -> None:
    gateway = Gateway.of(POLICIES, "shared")
    inbound = gateway._api.find("inbound")
    assert inbound is not None
    check = inbound.find("validate-jwt")
    assert check is not None
    inbound.remove(check)
    inbound.append(check)
    assert "set-backend-service" in gateway.handle(Request("POST", token=None)).steps


def test_a_policy_without_the_token_check_would_be_noticed() -> None:
    gateway = Gateway.of(POLICIES, "shared")
    inbound = gateway._api.find("inbound")
    assert inbound is not None
    check = inbound.find("validate-jwt")
    assert check is not None
    inbound.remove(check)
    assert gateway.handle(Request("POST", token=None)).backend == "commands"


def test_an_element_without_a_known_meaning_is_refused() -> None:
    gateway = Gateway.of(POLICIES, "shared")
    inbound = gateway._api.find("inbound")
    assert inbound is not None
    inbound.insert(0, ElementTree.Element("return-response"))
    with pytest.raises(UnknownPolicy, match="return-response"):
        gateway.handle(Request("GET"))


def test_the_token_check_demands_a_signature_an_expiry_the_issuer_and_this_api() -> None:
    check = ElementTree.parse(POLICIES / "api.xml").getroot().find("inbound/validate-jwt")
    assert check is not None
    assert check.attrib["header-name"] == "Authorization"
    assert check.attrib["require-scheme"] == "Bearer"
    assert check.attrib["require-expiration-time"] == "true"
    assert check.attrib["require-signed-tokens"] == "true"
    assert check.findtext("audiences/audience") == "{{api-audience}}"
    assert check.findtext("issuers/issuer") == "{{token-issuer}}"


def test_every_named_value_of_a_policy_is_set_by_terraform() -> None:
    module = (TERRAFORM / "modules" / "gateway" / "main.tf").read_text()
    block = module[module.index("named_values = {") :]
    known = set(re.findall(r"^\s+([a-z-]+)\s+=", block[: block.index("}\n")], re.M))
    used = {name for file in POLICIES.glob("*.xml") for name in re.findall(r"\{\{([a-z-]+)\}\}", file.read_text())}
    assert used
    assert used <= known


def test_both_backends_exist() -> None:
    chosen = {
        e.attrib["backend-id"] for e in ElementTree.parse(POLICIES / "api.xml").getroot().iter("set-backend-service")
    }
    main = (TERRAFORM / "main.tf").read_text()
    backends = main[main.index("backends = {") :]
    roles = re.search(r"for role in \[([^\]]*)\]", backends)
    assert roles is not None
    assert chosen == {name.strip(' "') for name in roles[1].split(",")}
