# Everything a developer types. What is installed comes from the hashed locks in requirements/, once per lock.

PYTHON ?= $(shell python3.11 -c "" 2>/dev/null && echo python3.11 || echo python3)
VENV := .venv
RUN := $(VENV)/bin/
INSTALL := $(RUN)python -m pip install --no-deps --require-hashes --no-compile --quiet --quiet --disable-pip-version-check
COMPILE := $(RUN)uv pip compile --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-header --no-annotate --quiet

SECONDS ?= 600
DATABASE ?= sqlite

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo up test torture bench check format lock clean

help: ## Lists what can be made
	@awk 'BEGIN {FS = ":.*## "} /^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/.demo ## Runs the sample company through its whole dunning, in virtual time
	@$(RUN)python standalone.py demo

up: $(VENV)/.demo ## Runs everything on this machine, state kept under var/
	@exec $(RUN)python standalone.py up

test: $(VENV)/.test ## Runs all tests; says how many ran, how many were skipped and why
	@$(RUN)python -m pytest -p tests.no_skips -n 3 --dist loadscope

bench: $(VENV)/.test ## Measures Relance beside a bare skeleton and a nightly scan (SIZE, ONLY, DATABASE, NAME)
	@$(RUN)python -m bench

torture: $(VENV)/.test ## Lives whole lives under faults: SECONDS=600 SEED=... DATABASE=sqlite|postgresql ONLY=... CALM=1
	@exec $(RUN)python -m tests.torture --seconds $(SECONDS) --database $(DATABASE) \
		$(if $(SEED),--seed $(SEED)) $(if $(ONLY),--only $(ONLY)) $(if $(CALM),--calm $(CALM))

check: $(VENV)/.dev ## Checks format, lint, types, import rules and locks
	$(RUN)ruff format --check .
	$(RUN)ruff check .
	$(RUN)mypy
	$(RUN)lint-imports --no-logo
	$(RUN)python requirements/locks.py

format: $(VENV)/.dev ## Formats the code and mends what can be mended
	$(RUN)ruff check --fix .
	$(RUN)ruff format .

lock: $(VENV)/.dev ## Locks requirements/*.in again, with hashes (needs a registry)
	@for name in runtime demo broker test dev; do \
		echo "locking $$name"; \
		$(COMPILE) requirements/$$name.in -o requirements/$$name.txt >/dev/null || exit 1; \
	done
	@$(RUN)python requirements/locks.py seal

clean: ## Removes the virtual environment and the caches; var/ stays, it holds records
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(RUN)python:
	@$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11))" 2>/dev/null || { \
		echo "Relance needs Python 3.11 or later: install it, or name it with 'make PYTHON=/path/to/python3'." >&2; \
		exit 1; }
	@$(PYTHON) -c "import ensurepip, venv" 2>/dev/null || { \
		echo "Python's venv module is missing: on Debian and Ubuntu, 'apt-get install python3-venv'." >&2; \
		exit 1; }
	@echo "setting up $(VENV)"
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

$(VENV)/.demo: requirements/runtime.txt requirements/demo.txt | $(RUN)python
	@echo "installing what runs Relance"
	@$(INSTALL) -r requirements/runtime.txt -r requirements/demo.txt
	@touch $@

$(VENV)/.test: requirements/test.txt $(VENV)/.demo
	@echo "installing what tests it"
	@$(INSTALL) -r requirements/test.txt
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.test
	@echo "installing what checks it"
	@$(INSTALL) -r requirements/dev.txt
	@touch $@
