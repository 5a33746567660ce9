# The two commands: `make run` and `make test`. Both do all the set-up; they need Python >= 3.11, make and git.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
# The first interpreter that answers and is new enough; PYTHON=… overrides.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && { echo $$p; break; }; done)
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
TFLAGS ?=
WORKERS ?= 3
BENCH ?= audit capacity eventstore http projectors.live projectors.relay projectors.workers replay.library replay.limit \
	replay.memory replay.rebuild replay.under_load servers.cosmos servers.eventhubs

.PHONY: help install run test check format conformance proof soak loosenings fuzz bench openapi containers package wheels lock clean

help: ## What there is to make
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

$(VENV)/runtime: requirements.lock pyproject.toml setup.py
	@test -n "$(PYTHON)" || { echo "Tidemark needs Python 3.11 or newer on PATH (or PYTHON=/path/to/python)." >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { echo "python -m venv failed: on Debian, apt install python3-venv." >&2; exit 1; }
	@echo "Installing into $(VENV) …"
	@$(PIP) --require-hashes -r requirements.lock
	@$(PIP) --no-deps -e .
	@touch $@

$(VENV)/development: requirements-dev.lock $(VENV)/runtime
	@echo "Installing the development tools into $(VENV) …"
	@$(PIP) --require-hashes -r requirements-dev.lock
	@touch $@

install: $(VENV)/development ## Set everything up in .venv

run: $(VENV)/runtime ## Start the service: local Cosmos DB, API, consumers (ARGS="--memory" …)
	@$(BIN)/tidemark up $(ARGS)

check: $(VENV)/development ## ruff, mypy --strict, import-linter
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: $(VENV)/development ## Let ruff format and mend
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

test: check ## check, then all tests in three processes: much of a test is waiting (WORKERS=0 for one, TFLAGS="-k name" …)
	@$(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(TFLAGS)

conformance: $(VENV)/development ## Microsoft's own SDK tests against the local servers (minutes)
	@$(BIN)/python tests/localazure/conformance/cosmos_conformance.py
	@$(BIN)/python tests/localazure/conformance/eventhubs_conformance.py

proof: $(VENV)/development ## Rebuilds under load, splits, throttling, and killed at every request (minutes)
	@TIDEMARK_PROOF=full $(BIN)/pytest tests/replay/rebuild/test_proof.py tests/replay/rebuild/test_stopped_anywhere.py

soak: $(VENV)/development ## Workers killed, asleep, throttled, unanswered, over splitting partitions (SECONDS=300 SEED=1)
	@TIDEMARK_SOAK=$(or $(SECONDS),300) TIDEMARK_SEED=$(or $(SEED),1) $(BIN)/pytest tests/projectors/processor/test_soak.py

loosenings: $(VENV)/development ## Every rule of exactly-once, loosened in a copy of the code: its test must notice (minutes)
	@$(BIN)/python -m tests.projectors.loosenings

fuzz: $(VENV)/development ## Generated requests against every route, at least 20,000 (minutes)
	@$(BIN)/python -m tests.functions.http.fuzz

bench: $(VENV)/development ## Every figure of the documentation, measured here (minutes; BENCH="relay eventstore" for some)
	@for name in $(BENCH); do echo "== $$name"; $(BIN)/python -m bench.$$name; done

containers: $(VENV)/development ## Write the definitions of containers that Terraform reads
	@$(BIN)/python -m infra.container_definitions

package: $(VENV)/development ## Build the zip that Azure Functions runs, and prove it in an empty folder
	@$(BIN)/python -m infra.package $(ARGS)

wheels: $(VENV)/development ## Build the distributions into dist/: the service, the event store, the local servers
	@$(BIN)/python -m infra.distributions

openapi: $(VENV)/development ## Write the OpenAPI documents that the gateway imports
	@$(BIN)/python -m infra.openapi_documents

lock: $(VENV)/development ## Resolve the dependencies anew
	@$(PYTHON) -m venv .venv-lock && .venv-lock/bin/python -m pip install --quiet uv
	@.venv-lock/bin/uv pip compile --quiet --upgrade --universal --generate-hashes --no-emit-index-url --no-header \
		--python-version 3.11 pyproject.toml --group dev -o requirements-dev.lock
	@.venv-lock/bin/uv pip compile --quiet --upgrade --universal --generate-hashes --no-emit-index-url --no-header \
		--python-version 3.11 pyproject.toml -c requirements-dev.lock -o requirements.lock

clean: ## Remove what make made (data in .tidemark/ stays)
	@rm -rf $(VENV) .venv-lock build dist .mypy_cache .ruff_cache *.egg-info
