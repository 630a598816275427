# Two commands do everything on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
EXTRAS ?= dev
BIN = .venv/bin
export MLFLOW_EXPERIMENT_NAME ?= birdml

.PHONY: demo docs test test-steps test-parts fuzz lint bench services release-check

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[$(EXTRAS)]'
	touch $@

# The main job on built-in data: prepare, train, predict, ensemble, submit; ends with a table.
demo: .venv/installed
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/mlflow run . --env-manager local

test: .venv/installed
	$(MAKE) --jobs 2 test-steps test-parts

# Half of the time each, side by side: the steps that users type, and the parts they are made of.
test-steps: .venv/installed
	OMP_NUM_THREADS=1 $(BIN)/pytest tests/steps tests/ensemble tests/test_entry_points.py

test-parts: .venv/installed
	OMP_NUM_THREADS=1 $(BIN)/pytest tests --ignore tests/steps --ignore tests/ensemble \
		--ignore tests/test_entry_points.py

lint: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The documentation as a site, in site/; a warning is an error.
docs: .venv/installed
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[dev,docs]'
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build

# 10 000 broken inputs for each reader; a few are part of `make test`.
fuzz: .venv/installed
	HYPOTHESIS_PROFILE=fuzz $(BIN)/pytest tests/fuzz

# Every benchmark once, ours and its reference in turn; writes benchmarks/results.json.
bench: .venv/installed
	$(BIN)/python -m benchmarks

# Tests against a real database, object store and browser; installs them with apt where missing.
services: .venv/installed
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[dev,server,ray,s3]'
	$(BIN)/python -m tests.services

# Builds sdist and wheel, checks them, and runs the demo from the wheel, away from this folder.
release-check: .venv/installed
	$(BIN)/python -m tests.release
