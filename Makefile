# Everything that a developer does here, one word each. Needs make and Python 3.11 or newer; test-services a JDK too.
PORT ?= 8000
PYTEST_ARGS ?=
AUDIT_ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
UV := ./scripts/uv

# The project's environment is always the one beside this file.
export UV_PROJECT_ENVIRONMENT := $(VENV)
unexport VIRTUAL_ENV

.DEFAULT_GOAL := help
.PHONY: help setup run test test-services check format cover bench cohort fuzz mutate samples traceability conformance
.PHONY: audit sbom clean

help: ## what can be made
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' Makefile | awk -F '|' '{ printf "  make %-14s %s\n", $$1, $$2 }'

setup: $(READY) ## install what uv.lock names into .venv

$(READY): pyproject.toml uv.lock
	@$(UV) sync --locked
	@touch $(READY)

run: $(READY) ## serve on http://127.0.0.1:8000 with sample patients (PORT=8000)
	@echo "CNO decision support: http://127.0.0.1:$(PORT)  (Ctrl-C stops it)"
	@exec $(BIN)/cno-cds serve --host 127.0.0.1 --port $(PORT)

test: check ## lint, types and all tests that need no server
	@$(BIN)/pytest -m "not services" $(PYTEST_ARGS)

test-services: $(READY) ## tests against real servers on this machine
	@./scripts/fhir-server --build
	@./scripts/postgres --build
	@$(BIN)/pytest -m services $(PYTEST_ARGS)

check: $(READY) ## lint and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

format: $(READY) ## let ruff set the layout
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .

cover: $(READY) ## branch coverage; guideline and mappings at least 98 %
	@$(BIN)/coverage run -m pytest -q -m "not services" $(PYTEST_ARGS)
	@$(BIN)/coverage report --skip-covered --show-missing
	@printf 'guideline %%: ' && $(BIN)/coverage report --format=total --include='cds_service/guideline/*' --fail-under=98
	@printf 'mappings %%: ' && $(BIN)/coverage report --format=total --include='cds_service/mappings/*' --fail-under=98

bench: $(READY) ## CPU per request against a bare app, the share of token and log; a fetched chart against one search
	@$(BIN)/python benchmarks/bench.py
	@$(BIN)/python benchmarks/trust.py
	@$(BIN)/python -m benchmarks.fetching

cohort: $(READY) ## 10,000 synthetic children: who gets a card, and which
	@$(BIN)/python -m benchmarks.cohort

fuzz: $(READY) ## 100,000 bad inputs against the whole service (some minutes); what failed stands in build/fuzz
	@$(BIN)/python -m tests.fuzz

mutate: $(READY) ## mutation score of guideline/, at least 95 % (some minutes)
	@$(UV) run --locked --with 'mutmut>=3.8,<4' mutmut run
	@$(UV) run --locked --with 'mutmut>=3.8,<4' mutmut export-cicd-stats
	@$(BIN)/python scripts/mutation_score.py

samples: $(READY) ## compose fhir_samples/ anew, their expected answers, docs/cards.md and README's generated parts
	@$(BIN)/python fhir_samples/compose.py
	@$(BIN)/pytest -q --update tests/test_samples.py tests/test_documentation.py tests/test_cards_page.py

traceability: $(READY) ## write docs/traceability.csv and .html: rules, numbers, tests, card texts
	@$(BIN)/python -m scripts.traceability

conformance: $(READY) ## write docs/conformance.md and docs/threats.md; fails where an answer or a test is missing
	@$(BIN)/python -m scripts.conformance

audit: $(READY) ## known vulnerabilities of the locked runtime packages (asks pypi.org; AUDIT_ARGS="-s osv")
	@$(BIN)/python -m scripts.audit $(AUDIT_ARGS)

sbom: $(READY) ## dist/sbom.json: the locked runtime packages as CycloneDX 1.6
	@UV_PROJECT_ENVIRONMENT=build/runtime $(UV) sync --quiet --locked --no-dev --no-install-project
	@$(UV) run --quiet --isolated --no-project --with 'cyclonedx-bom>=7.5,<8' cyclonedx-py environment build/runtime/bin/python \
		--pyproject pyproject.toml --sv 1.6 --output-format JSON --output-reproducible --output-file build/sbom.draft.json
	@$(BIN)/python -m scripts.sbom build/sbom.draft.json dist/sbom.json

clean: ## remove what was built, not .venv and not data
	@rm -rf build dist mutants .coverage .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
