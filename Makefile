.DEFAULT_GOAL := help
.PHONY: help demo test test-fast test-newest lint format bench clean

help:  ## What can be made
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

demo:  ## The whole way on this machine, on generated events
	./spark-submit.sh demo

test:  ## All tests
	tests/run

test-fast:  ## The tests without the long end-to-end parts
	tests/run -m "not slow"

test-newest:  ## What touches Spark most closely, on the newest Spark and Delta
	tests/run-newest

lint:  ## What CI checks before the tests
	scripts/run ruff check
	scripts/run ruff format --check
	scripts/run mypy

format:  ## Put the code in form
	scripts/run ruff check --fix
	scripts/run ruff format

bench:  ## Records and events per second on this machine
	scripts/run python -m benchmarks

clean:  ## Remove everything that was made, the virtual environment and the JARs too
	rm -rf .venv .cache .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
