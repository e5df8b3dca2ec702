# The front door. `make` alone prints what there is; each target does its own set-up.
# Only Python >= 3.11 and make are needed: everything else goes into .venv.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 2
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SUFFIXES:
.PHONY: help install install-dev run test check bench simulate format schema golden pins clean distclean

##@ Use

run: install ## Start the whole product with a simulated panel and print the URLs and demo keys (PORT= PANEL_PORT= CONTROL_PORT= OPS_PORT= VAR= FRESH=1).
	@exec $(BIN)/xtream-gateway demo \
		$(if $(PORT),--port '$(PORT)') $(if $(PANEL_PORT),--panel-port '$(PANEL_PORT)') \
		$(if $(CONTROL_PORT),--control-port '$(CONTROL_PORT)') $(if $(OPS_PORT),--ops-port '$(OPS_PORT)') \
		$(if $(VAR),--var '$(VAR)') $(if $(filter-out 0,$(FRESH)),--fresh)

##@ Prove

test: install-dev ## Run the whole suite with its own Redis, PostgreSQL and Chromium (T=path narrows, LONG=1 long mode, MISSING_OK=1 skips what cannot be had).
	@LONG='$(LONG)' MISSING_OK='$(MISSING_OK)' $(BIN)/python -m pytest \
		$(if $(T),$(T),-n $(WORKERS) --cov --cov-report=term)

check: install-dev ## Check format, lint, types, imports, spelling, pins and published contracts; under a minute.
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/lint-imports
	$(BIN)/codespell
	$(BIN)/python tools/pins.py check
	$(BIN)/xtream-gateway schema check
	$(BIN)/mypy

bench: install-dev ## Run the benchmarks: a table on screen, JSON in var/bench.json.
	@$(BIN)/python -m benchmarks

simulate: install-dev ## Play histories of operations under faults (SEED= plays one and prints it, N= so many operations).
	@$(BIN)/python -m tests.simulation $(if $(SEED),--seed '$(SEED)') $(if $(N),--n '$(N)')

##@ Change

format: install-dev ## Format the code and repair what the linter can repair.
	$(BIN)/ruff check --fix --quiet --exit-zero .
	$(BIN)/ruff format .

schema: install-dev ## Rewrite the published contracts in schema/.
	$(BIN)/xtream-gateway schema write

golden: install-dev ## Rewrite the golden files; review the diff.
	GOLDEN=write $(BIN)/python -m pytest -p no:randomly tests $(if $(K),-k '$(K)')

pins: install-dev ## Rewrite requirements/ from pyproject.toml, keeping present versions (UPGRADE=1 takes the newest).
	$(PIP) install --require-hashes -r requirements/pins.txt
	$(BIN)/python tools/pins.py write $(BIN)/uv $(if $(UPGRADE),--upgrade)

##@ House

install: $(VENV)/.runtime ## Install what the product needs into .venv.

install-dev: $(VENV)/.dev ## Install what tests and checks need as well.

clean: ## Remove caches and coverage files.
	rm -rf .coverage .coverage.* htmlcov .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +

distclean: clean ## Remove .venv and var/ as well.
	rm -rf $(VENV) var

help: ## Print this.
	@awk 'BEGIN { FS = ":.*## " } \
		/^##@ / { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

# --- set-up ----------------------------------------------------------------------------------

$(VENV)/bin/python:
	@PYTHON='$(PYTHON)' sh tools/make_venv.sh $(VENV)

$(VENV)/.runtime: requirements/pip.txt requirements/build.txt requirements/runtime.txt pyproject.toml | $(VENV)/bin/python
	@echo "Installing what the product needs into $(VENV) ..."
	@$(PIP) install --require-hashes -r requirements/pip.txt
	@$(PIP) install --require-hashes -r requirements/build.txt -r requirements/runtime.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime requirements/dev.txt
	@echo "Installing what tests and checks need into $(VENV) ..."
	@$(PIP) install --require-hashes -r requirements/dev.txt
	@touch $@
