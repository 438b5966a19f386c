# Each target sets up what it needs in .venv, the first time and after a change of what it depends on.
# Nothing is installed outside this folder.

BIN := .venv/bin
READY := .venv/.ready
DEV := .venv/.ready-dev
PEERS := tests/peers/node_modules/.ready
SETUP := pyproject.toml constraints.txt .ci/venv
SOURCES := .

.PHONY: help demo demo-restore demo-eval up down test check bench clean
.DEFAULT_GOAL := help

help: ## Show the targets.
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 8

demo: $(READY) ## Rehearse the example through a real Prefect server and worker, and stop everything again.
	@$(BIN)/runbooks demo

demo-restore: $(READY) ## Drop a table of a small production, and restore it from a backup to just before.
	@$(BIN)/runbooks demo-restore

demo-eval: $(READY) ## Evaluate two weeks of texts by three providers, and find the one that gets worse.
	@$(BIN)/runbooks demo-eval

up: $(READY) ## Run the runbooks for good on this machine: server, Postgres, worker, schedules; safe to run twice.
	@$(BIN)/runbooks up $(ARGS)

down: $(READY) ## Stop what up has started, in order; its data stays.
	@$(BIN)/runbooks down $(ARGS)

# Three on two cores: a test that goes through Prefect waits for a third of its time.
test: $(DEV) $(PEERS) ## Run the whole suite.
	@env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m pytest -n 3 --dist worksteal $(ARGS)

check: $(DEV) ## Run what is quick: format, lint, types, arrows, unit tests.
	@$(BIN)/basedpyright --level error > build/types.txt & types=$$!; \
	$(BIN)/ruff format --check --quiet $(SOURCES) && $(BIN)/ruff check --quiet $(SOURCES) && \
	{ $(BIN)/lint-imports --no-cache > build/lint-imports.txt || { cat build/lint-imports.txt; false; }; } && \
	env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m pytest -q --hypothesis-profile=quick tests/unit tests/test_house.py; \
	others=$$?; wait $$types || { cat build/types.txt; exit 1; }; exit $$others

bench: $(DEV) $(PEERS) ## Measure, and write docs/benchmarks*.md.
	@$(BIN)/python -m benchmarks.rehearsal
	@$(BIN)/python -m benchmarks.integrity
	@$(BIN)/python -m benchmarks.promotion
	@$(BIN)/python -m benchmarks.restore
	@$(BIN)/python -m benchmarks.eval_export
	@$(BIN)/python -m benchmarks.eval_ingest
	@$(BIN)/python -m benchmarks.eval_night
	@$(BIN)/python -m benchmarks.eval_gate
	@$(BIN)/python -m benchmarks.lints
	@$(BIN)/python -m benchmarks.fleet

clean: ## Take away everything that the targets made, but what up keeps.
	@rm -rf .venv build .runbooks/stack-* .runbooks/team tests/peers/node_modules

$(READY): $(SETUP)
	@.ci/venv .
	@touch $@

$(DEV): $(READY)
	@.ci/venv '.[dev]'
	@mkdir -p build
	@touch $@

$(PEERS): tests/peers/package.json tests/peers/package-lock.json $(DEV)
	@echo "Installing the Supabase CLI, PostgREST and dbmate for the tests and the benchmark ..."
	@PATH="$(CURDIR)/$(BIN):$$PATH" npm install --prefix tests/peers --no-audit --no-fund --loglevel=error </dev/null
	@touch $@
