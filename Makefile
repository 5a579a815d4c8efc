# make run          set everything up on first use, then train: python -m rlstack.run recipe=multidomain
# make test         set everything up on first use, then run every test
# make test-unit    the tests that run in one process (under a minute)
# make check        formatting, lint, types, import layers
# make setup        only set up; EXTRAS="bench tensorboard wandb" adds optional packages, FLAVOUR=cpu|gpu overrides the choice
# make clean        remove caches and build outputs (runs/ and .venv stay)

PYTHON_IN_VENV := .venv/bin/python
ARGS ?= recipe=multidomain
EXTRAS ?=
SETUP := scripts/setup.sh

# Test processes by the dozen import the same sources: let Python keep their bytecode, whatever the shell says.
test test-unit: export PYTHONDONTWRITEBYTECODE =

.PHONY: help run test test-unit check format setup clean
.DEFAULT_GOAL := help

help:
	@sed -n 's/^# make/make/p' Makefile

run:
	@$(SETUP) $(EXTRAS)
	@exec $(PYTHON_IN_VENV) -m rlstack.run $(ARGS)

test:
	@$(SETUP) dev $(EXTRAS)
	@$(PYTHON_IN_VENV) -m pytest -n 2 --dist loadfile -m "not e2e"
	@exec $(PYTHON_IN_VENV) -m pytest -m e2e

test-unit:
	@$(SETUP) dev $(EXTRAS)
	@exec $(PYTHON_IN_VENV) -m pytest -n 2 --dist loadfile -m "not slow and not process and not e2e and not gpu" $(ARGS_TEST)

check:
	@$(SETUP) dev
	$(PYTHON_IN_VENV) -m ruff format --check .
	$(PYTHON_IN_VENV) -m ruff check .
	$(PYTHON_IN_VENV) -m pyright
	$(PYTHON_IN_VENV) -m pytest tests/packaging/test_layers.py

format:
	@$(SETUP) dev
	$(PYTHON_IN_VENV) -m ruff format .
	$(PYTHON_IN_VENV) -m ruff check --fix .

setup:
	@$(SETUP) dev $(EXTRAS)

clean:
	rm -rf build dist *.egg-info .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
