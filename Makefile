# `make` lists the tasks. Only python3 (3.11 or newer) and make are assumed.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help setup setup-test demo test check bench champion requirements docs clean

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
# One thread a process: LightGBM's threads spin, and on a busy small machine that costs far more than it gains.
export OMP_NUM_THREADS ?= 1
export MLFLOW_DISABLE_TELEMETRY := true
GENERATED := docs/cli.md docs/configuration.md docs/features.md
PIP := $(BIN)/python -m pip --quiet --quiet --disable-pip-version-check install

help:  ## list the tasks
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "retain needs Python 3.11 or newer on the PATH (or: make PYTHON=/path/to/python3)." >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements/run.txt pyproject.toml | $(BIN)/python
	@echo "Setting up (once): installing pinned packages into $(VENV) ..." >&2
	@$(PIP) --require-hashes --no-deps -r requirements/run.txt
	@$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.test: requirements/test.txt $(VENV)/.run
	@echo "Setting up (once): installing the test tools ..." >&2
	@$(PIP) --require-hashes --no-deps -r requirements/test.txt
	@touch $@

setup: $(VENV)/.run  ## install what running needs
setup-test: $(VENV)/.test  ## install what testing needs

demo: setup  ## the whole pipeline on bundled real data, ending with a report
	@$(BIN)/retain demo

test: setup-test  ## every test
	@$(BIN)/python -m pytest -q -n 2 --dist loadfile

check: setup-test  ## format, lint, types, import contracts, generated docs
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache >/dev/null || $(BIN)/lint-imports --no-cache
	@$(BIN)/python -m cogapp --check --verbosity=1 $(GENERATED)

docs: setup-test  ## write the generated pages of the manual again
	@$(BIN)/python -m cogapp -r -U --verbosity=1 $(GENERATED)

bench: setup-test  ## measure speed against named baselines (minutes)
	@for b in benchmarks/bench_*.py; do $(BIN)/python $$b || exit 1; done

champion: setup  ## train the model in models/champion again, from the bundled data
	@rm -rf workspace/champion
	@$(BIN)/retain --config configs/default.toml --workspace workspace/champion --quiet train --until 2011-06-01
	@rm -rf models/champion && cp -R workspace/champion/online_retail_ii/bundle models/champion

requirements: setup-test  ## pin the newest versions, with hashes and without a host
	@$(PIP) uv
	@cd requirements && for g in run test; do ../$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 \
		--generate-hashes --no-header --no-annotate $$g.in -o $$g.txt; done

clean:  ## remove the environment, caches and the demo's workspace
	@rm -rf $(VENV) workspace dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage*
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
