# Bare `make` explains itself.
PYTHON ?= python3
BIN := .venv/bin
SETUP := .venv/.ready
DEV := .venv/.ready-dev

.DEFAULT_GOAL := help
.PHONY: help setup run up test lint bench lock clean

help: ## Show this list
	@echo "Sluice: files, APIs and streams into PostgreSQL, every row checked."
	@echo
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 18
	@echo
	@echo "Begin with 'make run'. Then: source .venv/bin/activate && sluice --help"

setup: $(SETUP) ## Build .venv from requirements.lock (other targets do it when needed)

run: $(SETUP) ## Load the samples through the standard ingestion flow and show the result
	@$(BIN)/sluice demo

up: $(SETUP) ## Run the whole platform here: PostgreSQL, Prefect server and UI (port 4200), worker, deployments
	@$(BIN)/python -m deployments.up

test: $(DEV) lint ## Lint, types, import contracts, all tests
	@$(BIN)/python -m pytest --numprocesses 2 --dist loadfile --max-worker-restart 0

lint: $(DEV) ## Lint, format, types, import contracts only
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

bench: $(DEV) ## Measure against psql \copy and dlt; writes benchmarks/RESULTS.md (BENCH=--large for 10 million rows too)
	@$(BIN)/python -m benchmarks.run $(BENCH)

lock: $(SETUP) ## Pin the newest versions that fit requirements*.in
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
		--no-emit-find-links --upgrade requirements.in --output-file requirements.lock
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
		--no-emit-find-links --upgrade requirements-dev.in --output-file requirements-dev.lock

clean: ## Stop what runs and remove .venv and .sluice, with the embedded warehouse in it
	@if [ -x $(BIN)/sluice ]; then $(BIN)/sluice db stop; fi
	@rm -rf .venv .sluice

$(SETUP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Sluice needs Python 3.11 or newer; try 'make $(MAKECMDGOALS) PYTHON=python3.12'."; exit 2; }
	@echo "Setting up .venv (about a minute, once) ..."
	@$(PYTHON) -m venv --clear .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@$(BIN)/uv pip install --quiet --require-hashes --compile-bytecode --python $(BIN)/python -r requirements.lock
	@$(BIN)/uv pip install --quiet --no-deps --python $(BIN)/python --editable .
	@touch $@

$(DEV): $(SETUP) requirements-dev.lock
	@$(BIN)/uv pip install --quiet --require-hashes --compile-bytecode --python $(BIN)/python -r requirements-dev.lock
	@touch $@
