# Everything a person does with this repository, from a fresh Debian machine with python3 and make.
# `make` alone prints this list. Setting up is incremental: stamp files in .venv say what has been done.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# How many processes share the tests, and what else is told to pytest: make test ARGS='tests/ocpp -x'
WORKERS ?= 2
ARGS ?=

.PHONY: help
help: ## Show this list
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# --- setting up ----------------------------------------------------------------------------------------------------

.PHONY: setup
setup: $(VENV)/.installed ui ## Make .venv, install the locked packages and this project, build the web UI

$(VENV)/.created:
	@tools/make-venv "$(PYTHON)" "$(VENV)"
	@touch $@

$(VENV)/.locked: requirements.lock | $(VENV)/.created
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@

$(VENV)/.installed: pyproject.toml $(VENV)/.locked
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

.PHONY: ui
ui: ## Build the web UI, if Node.js is there
	@tools/build-ui

.PHONY: lock
lock: ## Resolve the dependencies anew into requirements.lock (needs uv)
	uv pip compile pyproject.toml --universal --python-version 3.11 --all-extras --group dev --generate-hashes \
		--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" --quiet \
		--output-file requirements.lock

# --- running -------------------------------------------------------------------------------------------------------

.PHONY: run
run: setup ## Run a node: OCPP on port 9000, API on port 8080, state in ./data
	@exec $(BIN)/stationmaster serve --data data $(ARGS)

.PHONY: demo
demo: setup ## Run a node with a handful of simulated stations
	@exec $(BIN)/stationmaster demo $(ARGS)

# --- proving -------------------------------------------------------------------------------------------------------

.PHONY: test
test: setup ## Run the tests; more for pytest in ARGS
	@tools/in-ui npm run --silent test
	@$(BIN)/python -m pytest -n $(WORKERS) $(ARGS)

.PHONY: check
check: setup ## Check format, lint, types and the direction of imports
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tools.documents --check
	@tools/in-ui npm run --silent check

.PHONY: format
format: setup ## Format the code and mend what the linter can mend
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: docs
docs: setup ## Write the documents that are made from the code
	@$(BIN)/python -m tools.documents
	@tools/in-ui npm run --silent types

.PHONY: bench
bench: setup ## Measure CPU per message, answer times and memory; print the table
	@$(BIN)/python -m bench $(ARGS)

.PHONY: bench-ui
bench-ui: setup ## Measure the web UI in Chromium
	@$(BIN)/python -m bench.ui $(ARGS)

.PHONY: screenshots
screenshots: setup ## Take the pictures of the README from the demo
	@$(BIN)/python -m tools.screenshots $(ARGS)

# --- tidying -------------------------------------------------------------------------------------------------------

.PHONY: clean
clean: ## Remove everything that was built here; ./data stays
	rm -rf $(VENV) dist build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis \
		ui/node_modules ui/dist src/stationmaster/ui_dist
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +
