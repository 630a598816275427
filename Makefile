# Two commands do everything on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
EXTRAS ?= dev
VENV ?= .venv
BIN = $(VENV)/bin
CONSTRAINTS ?= constraints.txt
export MLFLOW_EXPERIMENT_NAME ?= birdml

.PHONY: demo docs test test-steps test-parts lowest python fuzz lint bench services release-check

$(VENV)/installed: pyproject.toml $(CONSTRAINTS)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --constraint $(CONSTRAINTS) --editable '.[$(EXTRAS)]'
	touch $@

# The main job on built-in data: prepare, train, predict, ensemble, submit; ends with a table.
demo: $(VENV)/installed
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/mlflow run . --env-manager local

test: $(VENV)/installed
	$(MAKE) --jobs 2 test-steps test-parts

# Half of the time each, side by side: the steps that users type, and the parts they are made of.
test-steps: $(VENV)/installed
	OMP_NUM_THREADS=1 $(BIN)/pytest tests/steps tests/ensemble tests/test_entry_points.py

test-parts: $(VENV)/installed
	OMP_NUM_THREADS=1 $(BIN)/pytest tests --ignore tests/steps --ignore tests/ensemble \
		--ignore tests/test_entry_points.py

lint: $(VENV)/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The tests once with the lowest versions that pyproject.toml promises; torch stays as tried.
lowest:
	mkdir -p .venv-lowest
	$(PYTHON) -m tests.lowest > .venv-lowest/constraints.txt
	$(MAKE) test VENV=.venv-lowest CONSTRAINTS=.venv-lowest/constraints.txt

# The tests under another Python: make python PYTHON=python3.13
python:
	$(MAKE) test VENV=.venv-$(notdir $(PYTHON))

# The documentation as a site, in site/; a warning is an error.
docs: $(VENV)/installed
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build

# 10 000 broken inputs for each reader; a few are part of `make test`.
fuzz: $(VENV)/installed
	HYPOTHESIS_PROFILE=fuzz $(BIN)/pytest tests/fuzz

# Every benchmark once, ours and its reference in turn; writes benchmarks/results.json.
bench: $(VENV)/installed
	$(BIN)/python -m benchmarks

# Tests against a real database, object store and browser; installs them with apt where missing.
services: $(VENV)/installed
	$(BIN)/pip install --quiet --constraint $(CONSTRAINTS) --editable '.[dev,server,ray,s3]'
	$(BIN)/python -m tests.services

# Builds the site, sdist and wheel, checks them, and runs the demo from the wheel, away from here.
release-check: $(VENV)/installed docs
	$(BIN)/python -m tests.release
