# Everything one does with Perennial. `make help` lists it.
# The work is done by small Python files; this one only names it.

# The first Python on this machine that will do; make PYTHON=/path/to/python3.12 names another.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null \
	&& { command -v $$p; exit; }; done; command -v python3 || echo python3)
# Relative, because make cannot handle a space in the path of the project.
BIN := .venv/bin
T ?= tests
# Two workers: the suite waits for PostgreSQL as much as for Python.
N ?= 2

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev run test test-debian check fix bench upgrade demo demo-remove lock migration screenshots \
	messages messages-check guide clean

help: ## this list
	@echo "Perennial: member and channel programmes."
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo "Variables: PORT (8000), HOST (127.0.0.1), PERENNIAL_STATE (./var), DATABASE_URL, REDIS_URL; docs/operations.md has all."

setup:
	@command -v "$(PYTHON)" >/dev/null 2>&1 || { echo "Perennial needs Python 3.11, 3.12 or 3.13, and there is none. On Debian and Ubuntu: apt-get install python3 python3-venv"; exit 1; }
	@"$(PYTHON)" -I tools/install.py run

setup-dev:
	@command -v "$(PYTHON)" >/dev/null 2>&1 || { echo "Perennial needs Python 3.11, 3.12 or 3.13, and there is none. On Debian and Ubuntu: apt-get install python3 python3-venv"; exit 1; }
	@"$(PYTHON)" -I tools/install.py dev

run: setup ## set up whatever is missing, then serve: database, queue, web, workers, scheduler, mailbox
	@$(BIN)/python -m config.run

test: setup-dev ## all tests; T=tests/loyalty for some, N=0 in one process
	@$(BIN)/pytest $(T) -n $(N)

test-debian: setup-dev ## all tests against Debian's PostgreSQL 15 and Redis 7 instead of the embedded servers
	@$(BIN)/python -m tools.debian $(BIN)/pytest $(T) -n $(N)

check: setup-dev ## format, lint, types, imports, templates, house rules, migrations, spelling, translations
	@$(BIN)/python -m tools.check

fix: setup-dev ## format the code and mend what ruff can mend
	@$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format .

bench: setup-dev ## measure against the physical floors of this machine; QUICK=1 in two minutes
	@$(BIN)/python -m bench $(if $(QUICK),--quick)

upgrade: setup ## migrate the database of this installation, running or not
	@$(BIN)/python -m config.bootstrap

demo: setup ## put the demo tenants in again
	@$(BIN)/flask demo seed

demo-remove: setup ## take the demo tenants out, with all that belongs to them
	@$(BIN)/flask demo remove

lock: setup-dev ## resolve the dependencies of pyproject.toml and package.json anew
	@$(BIN)/python -m tools.lock

migration: setup-dev ## a new migration from the models: m="add perks"
	@test -n "$(m)" || { echo 'Say what it does: make migration m="add perks"'; exit 1; }
	@$(BIN)/alembic revision --autogenerate -m "$(m)"

screenshots: setup-dev ## photograph every page at 390 and 1440 px, light and dark, into docs/screenshots
	@$(BIN)/python -m tests.browser.screenshots

messages: setup-dev ## collect the texts of code and templates into the translation catalogues
	@$(BIN)/python -m tools.messages extract

messages-check: setup-dev ## say which texts lack a translation
	@$(BIN)/python -m tools.messages check

clean: ## remove what set-up made (not the data in ./var)
	@rm -rf .venv .node node_modules static/vendor static/vendor.new .setup.lock
	@find . -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true
	@rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
