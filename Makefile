# `make demo` shows the tool, `make test` proves it; both make .venv first.
SHELL := /bin/sh
PYTHON ?= python3
BIN := .venv/bin
JOBS ?= auto

.PHONY: demo firstboot-demo test check bench size golden docs-templates powercut clean

demo: .venv/installed
	@sh docs/demo.sh $(BIN)/provision

# A machine that provisions itself at its first boot: makes the image, boots it in an emulator, and judges what came of it.
firstboot-demo: .venv/installed
	@sh docs/firstboot-demo.sh $(BIN)/provision

test: check

# What is to be true before every commit.
check: .venv/developing
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pytest -n $(JOBS) --dist worksteal

# Ratios in one run, because machines differ: a table on the screen, JSON in build/bench.json.
bench: .venv/developing
	@mkdir -p build
	$(BIN)/python tests/bench/bench.py --json build/bench.json

# What the agent adds to an initramfs, part by part, beside the binary of Debian's package ignition.
size: .venv/developing
	@$(BIN)/python -m provision.agent.sizes

# Records what the rows project and the reports look like, so that a diff shows what a change reaches.
golden: .venv/developing
	UPDATE_GOLDEN=1 $(BIN)/pytest -q tests/schema/test_project.py tests/test_report.py tests/apply tests/agent/test_agent_modules.py
	git diff --stat -- tests/golden

# Writes a page for each template of the library, and their index.
docs-templates: .venv/installed
	@$(BIN)/python -m provision.templates.pages

# Pulls the plug in the middle of first boots, N times, and compares what comes of it; SEED= repeats a run's choices.
N ?= 20
powercut: .venv/developing
	@$(BIN)/python tests/vm/powercut/powercut.py --cuts $(N) $(if $(SEED),--seed $(SEED))

clean:
	rm -rf .venv build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis

# Says what is missing before anything is made.
.venv/bin/python:
	@command -v $(PYTHON) >/dev/null || { \
	  echo "make: $(PYTHON) is missing. Install it with: sudo apt-get install python3 python3-venv" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "make: provision needs Python 3.11 or later, and $(PYTHON) is older: make PYTHON=python3.11 (Ubuntu 22.04: sudo apt-get install python3.11 python3.11-venv)" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
	  echo "make: the Python module venv is missing. Install it with: sudo apt-get install python3-venv" >&2; exit 1; }
	@echo "making .venv"
	@$(PYTHON) -m venv .venv

.venv/installed: pyproject.toml .venv/bin/python
	@echo "installing provision into .venv"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

.venv/developing: pyproject.toml .venv/bin/python
	@echo "installing provision and what its tests need into .venv"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@ .venv/installed
