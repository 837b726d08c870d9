# Everything runs from .venv, which the first command makes. PYTHON chooses the interpreter.

PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
PIP = $(BIN)/python -m pip --disable-pip-version-check --quiet
WORKERS ?= 2

LOWEST = .venv-lowest
# What a dependency can break; kills, real model servers and crowds of processes try our own code.
# Of the domain only what reads schedules has a library beneath it.
# PYTHONTZPATH is empty there, so that the time zones are those of the package too.
# What a database does with our queries is no library's doing, and the report's library has one release.
LOWEST_TESTS = $(addprefix tests/,console settings similarity web) \
	$(filter-out %/test_explain.py %/test_queue_states.py,$(wildcard tests/store/test_*.py)) \
	$(wildcard tests/domain/test_cron*.py tests/test_runner*.py tests/test_slots.py) \
	$(addprefix tests/llm/test_,client_memory.py embeddings.py faults_transport.py openai.py) \
	$(addprefix tests/jobs/test_profile_,maintenance.py side_by_side.py) \
	$(addprefix tests/end_to_end/test_,commands.py database_failures.py doctor.py output.py)
# What a version of Python can break, which kills and crowds of processes do not show any better.
QUICK_TESTS = $(filter-out tests/llm/% tests/domain/%,$(LOWEST_TESTS)) \
	$(addprefix tests/,bootstrap domain llm monitoring report) \
	$(addprefix tests/end_to_end/test_,demo.py deploy.py quick.py report.py signals.py)

.DEFAULT_GOAL := help
.PHONY: help demo test test-quick test-lowest check format lint types layers docs bench bench-model bench-runner bench-peers bench-memories eval eval-quick eval-coverage eval-threshold deploy-files install-systemd smoke release release-check clean

help: ## Show this list
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/.installed ## Run the main job on sample data; needs no server and no key
	@$(BIN)/llm-maint demo

test: $(VENV)/.developing ## Run the tests on SQLite and on a real PostgreSQL
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

test-quick: $(VENV)/.developing ## Run the tests without those that kill and crowd processes
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal $(QUICK_TESTS)

test-lowest: $(LOWEST)/.developing ## Run the quicker tests with the oldest dependencies that we allow
	PYTHONTZPATH= $(LOWEST)/bin/python -m pytest -n $(WORKERS) --dist worksteal $(LOWEST_TESTS)

check: format lint types layers test ## Run the whole gate

format: $(VENV)/.developing ## Check the layout of the code
	$(BIN)/ruff format --check .

lint: $(VENV)/.developing ## Check the code with ruff
	$(BIN)/ruff check .

types: $(VENV)/.developing ## Check the types with mypy
	$(BIN)/mypy

layers: $(VENV)/.developing ## Check who imports whom
	$(BIN)/lint-imports --no-logo

docs: $(VENV)/.developing ## Write the documents that are made of the code: manual page, settings, rooms
	$(BIN)/python docs/generate.py

bench: $(VENV)/.developing ## Measure what a tick costs, and the other commands at their start
	$(BIN)/python benchmarks/startup/measure.py

eval: $(VENV)/.developing ## Measure consolidation on sets with truth: scores, a month's cost, attrition
	$(BIN)/python benchmarks/consolidation/evaluate.py --jobs $(WORKERS)
	$(BIN)/python benchmarks/consolidation/cost.py
	$(BIN)/python benchmarks/consolidation/attrition.py

eval-quick: $(VENV)/.developing ## Measure it on the small sets alone
	$(BIN)/python benchmarks/consolidation/evaluate.py --jobs $(WORKERS) --quick

eval-coverage: $(VENV)/.developing ## Measure what each threshold of coverage would do
	$(BIN)/python benchmarks/consolidation/coverage.py

eval-threshold: $(VENV)/.developing ## Show what each similarity threshold finds among memories
	$(BIN)/python benchmarks/memories/threshold.py

bench-model: $(VENV)/.developing ## Measure what requests to a model side by side bring
	$(BIN)/python benchmarks/concurrency.py

bench-runner: $(VENV)/.developing ## Measure throughput beside the peers, then what millions of rows do: half an hour
	$(BIN)/python -m benchmarks.runner.throughput
	$(BIN)/python -m benchmarks.runner.growth

bench-peers: $(VENV)/.developing ## Ask this and two peers the same questions from outside: ten minutes
	$(BIN)/python -m benchmarks.peers.probes

bench-memories: $(VENV)/.developing ## Measure what looks alike among 100,000 memories, and two years of decay
	$(BIN)/python benchmarks/memories/similarity.py
	$(BIN)/python benchmarks/memories/whole_run.py
	$(BIN)/python benchmarks/memories/two_years.py

# Those of the defaults: nothing of this host's environment, and no file of settings, has a say.
DEPLOY = env -i HOME=/nonexistent $(BIN)/llm-maint --quiet deploy
INSTALLED = --program /opt/llm-maint/bin/llm-maint
deploy-files: $(VENV)/.installed ## Write the files in deploy/ anew, as `llm-maint deploy` makes them
	$(DEPLOY) systemd $(INSTALLED) --output deploy/systemd
	$(DEPLOY) systemd $(INSTALLED) --loopback --output deploy/systemd/loopback
	$(DEPLOY) cron $(INSTALLED) > deploy/crontab.example

install-systemd: ## Install and start the systemd timer (as root: for all, else for this user)
	deploy/systemd/install.sh

smoke: $(VENV)/.developing ## Build the wheel and the sdist, and try each in an empty environment
	$(BIN)/python .ci/distributions.py

release: $(VENV)/.developing ## Build, try and tag the version; publishes nothing
	@$(BIN)/python .ci/release.py

release-check: $(VENV)/.developing ## Do all that a release does but the tag, and keep nothing
	@$(BIN)/python .ci/release.py --check

clean: ## Remove what the targets made
	rm -rf $(VENV) $(LOWEST) build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache

%/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "llm-maint needs Python 3.11 or newer: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $*
	$*/bin/python -m pip --disable-pip-version-check --quiet install --upgrade "pip>=25.1"

# The version stands in a file of its own, and pip writes it into what it installs.
SAYS_WHAT_IS_INSTALLED = pyproject.toml llm_maint/__init__.py

$(VENV)/.installed: $(SAYS_WHAT_IS_INSTALLED) | $(BIN)/python
	$(PIP) install --editable .
	@touch $@

$(VENV)/.developing: $(SAYS_WHAT_IS_INSTALLED) | $(BIN)/python
	$(PIP) install --editable . --group dev
	@touch $@ $(VENV)/.installed

# pip knows the newest versions only, so uv names the oldest: ours, not those of what they need.
$(LOWEST)/.developing: PIP = $(LOWEST)/bin/python -m pip --disable-pip-version-check --quiet
$(LOWEST)/.developing: $(SAYS_WHAT_IS_INSTALLED) | $(LOWEST)/bin/python
	$(PIP) install uv
	$(LOWEST)/bin/uv pip compile --quiet --python $(LOWEST)/bin/python --resolution lowest-direct \
		--output-file $(LOWEST)/constraints.txt pyproject.toml
	$(PIP) install --editable . --group dev --constraint $(LOWEST)/constraints.txt
	@touch $@
