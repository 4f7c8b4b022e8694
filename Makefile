# A machine with Python 3.11, make and apt is enough; every target installs what it is missing.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8080

.PHONY: install dev run test lint bench crash faults fuzz soak docs live picture lock services clean
.DEFAULT_GOAL := run

install: $(VENV)/.runtime  ## the gateway alone
dev: $(VENV)/.dev          ## the gateway, its tests and linters

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed; set PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: requirements.lock pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.lock
	touch $@

$(VENV)/.dev: requirements-dev.lock pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements-dev.lock
	touch $@ $(VENV)/.runtime

run: install  ## the gateway on SQLite with a sandbox of carriers and providers; prints the address to open
	$(BIN)/python -m gateway demo --port $(PORT)

services:  ## PostgreSQL, Redis and Chromium from Debian's packages, only what is missing
	bash tests/services.sh

test: dev services lint  ## everything CI runs
	$(BIN)/python -m pytest -n 2 --dist loadgroup

lint: dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: dev  ## ratios to a raw ceiling measured in the same run; writes var/bench.json
	$(BIN)/python -m tests.bench

crash: dev services  ## kill -9 at random moments, on both stores at once; RUNS in all (1000, whole it writes docs/reliability.md), SEED to choose alike
	$(BIN)/python -m tests.crash --runs $(or $(RUNS),1000) $(if $(SEED),--seed $(SEED))

faults: dev services  ## what goes wrong around the gateway, done to it; NAMES to choose; whole it writes docs/reliability.md
	$(BIN)/python -m tests.faults $(NAMES)

fuzz: dev  ## bent payloads into every reader; INPUTS per plugin, CODES to choose plugins
	$(BIN)/python -m tests.fuzz --inputs $(or $(INPUTS),100000) $(CODES)

soak: dev services  ## MINUTES (20) at half of what one process can do; writes docs/soak.md
	$(BIN)/python -m tests.soak --minutes $(or $(MINUTES),20)

docs: dev  ## docs/carriers.md, written from the adapters
	$(BIN)/python -m tests.carriers_page

live: install  ## one poll with real credentials: make live CARRIER=sf NUMBER=SF... [PHONE=+86...]; never in CI
	$(BIN)/python -m gateway live $(CARRIER) --number $(NUMBER) $(if $(PHONE),--phone $(PHONE))

picture: dev services  ## docs/demo.png: the demonstration played and photographed in a real browser
	$(BIN)/python -m tests.picture docs/demo.png

lock:  ## after a change of dependencies in pyproject.toml (needs uv)
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --annotation-style line pyproject.toml -o requirements.lock
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --annotation-style line --extra dev pyproject.toml -o requirements-dev.lock

clean:
	rm -rf $(VENV) var
