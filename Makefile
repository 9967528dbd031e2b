# Two commands: `make run` and `make test`. Both set up what they need in .venv.
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
# Processes that tests run in; those of one file stay together.
WORKERS ?= 2
RUN := .venv/.run-installed
TEST := .venv/.test-installed

.PHONY: run test install models llm check lock corpus clean help

help: ## Say what there is
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

run: install ## Install, ingest the sample corpus, show a cited answer, serve on 127.0.0.1:8000
	$(BIN)/kb ingest corpus
	@echo
	@echo '$$ kb ask "Kuka omistaa teollisuusalueen palveluyhtiön?"'
	@$(BIN)/kb ask "Kuka omistaa teollisuusalueen palveluyhtiön?"
	@echo
	$(BIN)/kb serve

install: $(RUN) ## Install into .venv

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; $(PYTHON) is older. Try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -m venv .venv || \
	  { echo "The venv module is missing. Install it: apt install python3-venv"; rm -rf .venv; exit 1; }

$(RUN): .venv/bin/python requirements/run.txt pyproject.toml
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(TEST): $(RUN) requirements/test.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/test.txt
	@touch $@

models: $(TEST) ## Install sentence-transformers and torch, for other models and for training
	$(BIN)/pip install --quiet --disable-pip-version-check --no-build-isolation -e '.[models]'

llm: $(RUN) ## Install what speaks with a language model's server
	$(BIN)/pip install --quiet --disable-pip-version-check --no-build-isolation -e '.[llm]'

check: $(TEST) ## Formatting, lint and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

test: check ## Install what tests need and run them all
	$(BIN)/pytest -n $(WORKERS) --dist loadfile

lock: $(TEST) ## Pin the newest versions that fit
	$(BIN)/uv pip compile -q --upgrade --universal --python-version 3.11 --generate-hashes \
	  --no-header --no-annotate --extra build pyproject.toml -o requirements/run.txt
	$(BIN)/uv pip compile -q --upgrade --universal --python-version 3.11 --generate-hashes \
	  --no-header --no-annotate --extra build --extra dev pyproject.toml -o requirements/test.txt

corpus: $(TEST) ## Build the sample documents from their sources
	$(BIN)/python corpus/build.py

clean: ## Remove the environment (documents and indexes stay in data/)
	rm -rf .venv build
