# Every step of ours, the same at a desk and in CI. `make` alone lists them.
# Needs Python 3.11 or newer (with venv), git and make. The tools come from .venv, which `make setup` makes.

.DEFAULT_GOAL := help
SHELL := /bin/sh
MAKEFLAGS += --no-print-directory

# Hundreds of tests start a Python: without compiled files each would compile all that it imports.
unexport PYTHONDONTWRITEBYTECODE

# The Python to make .venv from; empty: the first of python3, python3.13, python3.12, python3.11 that runs and fits.
PYTHON ?=
# More arguments for pytest: make test ARGS="-k tenure -x"
ARGS ?=
# In how many processes `make test` runs; 0: in one, as a debugger needs it.
WORKERS ?= 2

BIN := .venv/bin

.PHONY: help
help: ## List these targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: setup
setup: ## Make .venv with all that the other targets need (first time: a download of up to 700 MB)
	@for python in $(PYTHON) python3 python3.13 python3.12 python3.11 python; do \
	  if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 8))' 2>/dev/null; then \
	    exec "$$python" scripts/make_venv.py --python "$(PYTHON)"; \
	  fi; \
	done; \
	echo "setup: no Python answers" >&2; echo "  mend: install Python 3.11, 3.12 or 3.13 (with venv)" >&2; exit 1

.PHONY: demo
demo: setup ## Test the sample notebooks on a cold and a warm engine and on a rehearsed workspace, and show what was done
	@echo "\n--- The notebooks and what can be tested in them: nbh list sample_notebooks\n"
	@$(BIN)/nbh list sample_notebooks
	@echo "\n--- Their tests, on real Spark, with coverage: pytest sample_notebooks --cov=sample_notebooks\n"
	@$(BIN)/nbh spark stop >/dev/null
	@$(BIN)/python -m pytest sample_notebooks --cov=sample_notebooks --cov-branch -v $(ARGS)
	@echo "\n--- The same again, on the engine that the first run left warm: pytest sample_notebooks\n"
	@$(BIN)/python -m pytest sample_notebooks -q $(ARGS)
	@$(BIN)/nbh spark status || test -n "$$CI$$TF_BUILD" # in CI no engine outlives its run
	@echo "\n--- The same on a Databricks workspace that is made on this machine: pytest sample_notebooks --databricks-env=rehearsal\n"
	@$(BIN)/python -m pytest sample_notebooks --databricks-env=rehearsal -q $(ARGS)

.PHONY: connect
connect: setup ## Make .venv-connect, with databricks-connect, which can't share .venv with pyspark (first time: a download of up to 125 MB)
	@$(BIN)/python scripts/make_venv.py --venv .venv-connect --lock locks/connect.lock --python $(CURDIR)/$(BIN)/python

.PHONY: test
test: connect ## Run all tests
	@$(BIN)/python -m pytest -n $(WORKERS) $(ARGS)

.PHONY: deep
deep: connect ## Run the random comparisons and seeded faults at length, and plain Spark beside its recorded answers (minutes)
	@NBH_EXAMPLES=20000 NBH_PROBES=live NBH_SEEDS=1000 NBH_ENGINE_BESIDE=install $(BIN)/python -m pytest tests/unit/extract/test_against_python.py \
	  tests/unit/extract/test_differential.py tests/spark/test_probes.py tests/remote/test_seeded_faults.py \
	  tests/spark/test_databricks_connect.py $(ARGS)
	@NBH_SEEDS=100 $(BIN)/python -m pytest tests/remote/test_killed_at_any_call.py $(ARGS)
	@NBH_SEEDS=330 $(BIN)/python -m pytest tests/remote/test_faults_at_any_step.py $(ARGS)

.PHONY: lowest
lowest: setup ## Run all tests with the oldest version of each dependency that is taken (an hour); ARGS="tests/unit" for some
	@$(BIN)/uv venv -q --allow-existing --python $(BIN)/python .venv-lowest
	@$(BIN)/uv pip compile -q --resolution lowest-direct -c locks/oldest.in --extra local --extra mlflow --extra rehearsal --extra remote \
	  --extra snapshot --group test --group sample pyproject.toml -o .venv-lowest/oldest.txt
	@$(BIN)/uv pip sync -q --python .venv-lowest/bin/python .venv-lowest/oldest.txt
	@$(BIN)/uv pip install -q --python .venv-lowest/bin/python --no-deps -e .
	@.venv-lowest/bin/python -m pytest -n $(WORKERS) $(ARGS)

.PHONY: public
public: setup ## Run public projects' notebook tests, fetched by git, and compare the verdicts (minutes); ARGS="--from PATTERN" for a mirror
	@$(BIN)/python scripts/try_public.py $(ARGS)

.PHONY: golden
golden: setup ## Ask plain Spark all probes and record its answers anew (minutes); after a change of tests/data/probes or of a version
	@PYTHONPATH=.:scripts $(BIN)/python tests/spark/probe_recordings.py

.PHONY: coverage
coverage: connect ## Run all tests and measure our own code (coverage.xml is in Cobertura's format)
	@$(BIN)/python -m coverage run -m pytest $(ARGS); status=$$?; \
	$(BIN)/python -m coverage xml --quiet && $(BIN)/python -m coverage report --skip-covered --skip-empty && exit $$status

.PHONY: bench
bench: setup ## Measure what the harness costs, beside what else could be used (about 17 minutes; peers: a download of 110 MB)
	@$(BIN)/python -m benchmarks $(ARGS)

.PHONY: check
check: setup ## Look for faults without running the code: style, types, import layers, spelling, pipeline
	@failed=""; \
	run() { echo "--- $$*"; "$$@" || failed="$$failed $$1"; }; \
	run $(BIN)/ruff check --quiet; \
	run $(BIN)/ruff format --check --quiet; \
	run $(BIN)/mypy; \
	run $(BIN)/lint-imports --no-logo; \
	run $(BIN)/codespell; \
	run $(BIN)/python scripts/check_pipeline.py; \
	if [ -n "$$failed" ]; then echo "check: failed:$$failed"; exit 1; fi

LOCK = uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --custom-compile-command "make lock" $(LOCKARGS)

.PHONY: lock
lock: export PATH := $(PATH):$(CURDIR)/$(BIN)
lock: ## Resolve the locks again after a change of dependencies (needs uv); LOCKARGS=--upgrade takes newer versions
	@command -v uv >/dev/null || { echo "lock: uv is not on PATH" >&2; echo "  mend: .venv/bin/python -m pip install uv" >&2; exit 1; }
	$(LOCK) --extra local --extra mlflow --extra rehearsal --extra remote --extra snapshot --group dev pyproject.toml -o requirements.lock
	$(LOCK) --group test -c requirements.lock pyproject.toml -o locks/light.lock
	sed -n '/^\(py4j\|numpy\|pyarrow\)==/!s/ \\$$//p' requirements.lock | grep == > .venv/shared.txt # those three it wants older
	$(LOCK) --extra connect --extra remote --extra rehearsal --group client -c .venv/shared.txt pyproject.toml -o locks/connect.lock
	$(LOCK) --group pyproject.toml:build -c requirements.lock -o locks/build.lock
