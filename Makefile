.DEFAULT_GOAL := help
.PHONY: help demo test test-all lint format docs bench clean

help:  ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

demo:  ## Run the whole pipeline on this machine, with generated events
	./spark-submit.sh demo

test:  ## Run the tests: every promise at least once
	tests/run

test-all:  ## Run the tests and all slices, other versions of Spark and Delta included
	tests/run
	tests/run-slice all

lint:  ## Run the checks that CI runs before the tests
	scripts/run ruff check
	scripts/run ruff format --check
	scripts/run mypy

format:  ## Format the code
	scripts/run ruff check --fix
	scripts/run ruff format

docs:  ## Generate the documents that come from the code: settings, options of the source
	scripts/run python scripts/generate_docs.py

bench:  ## Measure records and events per second on this machine
	scripts/run python -m benchmarks

clean:  ## Remove everything that is generated, also the virtual environment and the JARs
	rm -rf .venv .cache .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
