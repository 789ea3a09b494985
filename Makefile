# GNU make. `make` alone lists the targets.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:

# The number of parallel test processes. Each of them waits for two thirds of the time.
JOBS ?= 5
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
LOCKED := install --require-hashes --no-build-isolation -r
COMPILE := .cache/lock/bin/uv pip compile --quiet --no-config --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --custom-compile-command 'make lock'

.PHONY: help setup run test faults lint reference lock bench soak clean parts-test parts-bench

help: ## list the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 18

setup: $(VENV)/.stamp-run ## create .venv with locked dependencies and Rondpoint itself

run: setup ## start Rondpoint, with three demo servers if no Docker engine answers (ARGS="--workers=2")
	@exec $(BIN)/python -m rondpoint.demo $(ARGS)

test: parts-test $(VENV)/.stamp-dev ## install missing packages, lint, and run every test (JOBS=1, PYTESTFLAGS="-k store")
	@mkdir -p .cache
	@# In a fresh clone, each test process would compile all tests; one does so while mypy uses one processor.
	@[ -e .mypy_cache ] || $(BIN)/python -m pytest --collect-only -p no:cacheprovider >/dev/null 2>&1 & \
		$(MAKE) --no-print-directory lint; status=$$?; wait; exit $$status
	@$(BIN)/python -m pytest --numprocesses=$(JOBS) --dist=loadfile $(PYTESTFLAGS) || \
		{ echo $$? >.cache/pytest-exit-status; exit 1; }

faults: parts-test $(VENV)/.stamp-dev ## run every fault test at full length; print the table of docs/operations.md
	@$(BIN)/python -m pytest tests/faults --full $(PYTESTFLAGS)

lint: $(VENV)/.stamp-dev ## run ruff, mypy and the import contracts
	$(BIN)/ruff check --quiet .
	$(BIN)/ruff format --quiet --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

reference: $(VENV)/.stamp-dev ## generate the tables of docs/reference/ from the code
	@page=$$($(BIN)/python -m rondpoint.settings.reference) && echo "$$page" > docs/reference/settings.md
	@page=$$($(BIN)/python -m proxy.telemetry.exposition.reference) && echo "$$page" > docs/reference/metrics.md
	@$(BIN)/python -m rondpoint.middlewares.reference docs/reference/middlewares.md
	@$(BIN)/python -m rondpoint.store.reference docs/reference/redis.md
	@$(BIN)/python -m proxy.admin.openapi.reference docs/reference/api.md
	@$(BIN)/python -m discovery.acme.dns.reference docs/reference/dns-providers.md
	@$(BIN)/python -m discovery.labels.reference docs/reference/labels-v1.md
	@$(BIN)/python -m discovery.labels.reference docs/reference/labels-v3.md

lock: .cache/lock/bin/uv ## update requirements/*.txt from pyproject.toml
	$(COMPILE) requirements/build.in --output-file requirements/build.txt
	$(COMPILE) pyproject.toml --extra dns requirements/build.in --output-file requirements/run.txt
	$(COMPILE) pyproject.toml --extra dev requirements/build.in -c requirements/run.txt --output-file requirements/dev.txt
	$(COMPILE) pyproject.toml --extra bench requirements/build.in -c requirements/run.txt --output-file requirements/bench.txt

bench: parts-bench $(VENV)/.stamp-bench ## compare Rondpoint with Traefik, nginx and HAProxy (ARGS for python -m benchmarks)
	@exec $(BIN)/python -m benchmarks $(ARGS)

soak: parts-test $(VENV)/.stamp-dev ## run servers and clients that fail for ten minutes (SECONDS=60)
	@exec $(BIN)/python -m tests.soak --seconds $(or $(SECONDS),600)

clean: ## remove the environment and every cache
	rm -rf $(VENV) .cache build dist *.egg-info .hypothesis .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

parts-test parts-bench: parts-%:
	@.ci/parts $*

$(BIN)/python:
	@.ci/parts setup
	@echo "setup: $$(.ci/python --version) creates $(VENV)"
	@.ci/python -m venv $(VENV)

$(VENV)/.stamp-build: requirements/build.txt | $(BIN)/python
	@$(PIP) $(LOCKED) $<
	@touch $@

$(VENV)/.stamp-%: requirements/%.txt pyproject.toml $(VENV)/.stamp-build
	@echo 'setup: installing $<'
	@$(PIP) $(LOCKED) $<
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

# Otherwise make deletes the pattern rule's stamps as intermediate files.
.PRECIOUS: $(VENV)/.stamp-%

.cache/lock/bin/uv:
	@.ci/parts setup
	@.ci/python -m venv .cache/lock
	@.cache/lock/bin/python -m pip --disable-pip-version-check --quiet install uv
