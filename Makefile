# `make` lists the commands. `run` and `test` do all their set-up themselves.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
EVENT ?= events/eventbridge-ess-scale-in-success.json

.DEFAULT_GOAL := help

.PHONY: run check test test-python test-all prove explore chaos fuzz mutation bench traffic serve test-page pictures lock package try-package base validate clean help

$(VENV)/ready: requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { echo "slb-swap needs Python 3.10 or later; name one: make PYTHON=python3.12 ..." >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "Python needs its venv module: apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

run: $(VENV)/ready  ## one delivery on a local cloud (EVENT=FILE STATE=FILE TARGETS=FILE, or EVENT=list), and what came of it
	@$(BIN)/python -m show.run $(EVENT) $(if $(STATE),--state $(STATE)) $(if $(TARGETS),--targets $(TARGETS))

check: $(VENV)/ready  ## the quick loop: format, lint, types, layers, and the tests of pure code
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports >/dev/null || $(BIN)/lint-imports
	$(BIN)/pytest -n auto tests/core tests/triggers tests/test_settings.py tests/test_outcome.py tests/test_context.py

# What covers handler/ to 100 % alone is measured; the rest of the tests need not be.
COVERING := tests/core tests/running tests/triggers tests/cloud tests/main tests/security $(wildcard tests/test_*.py)

test: $(VENV)/ready  ## style, types, layers, and all tests; those that cover handler/ with its coverage
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -n auto --cov=handler $(COVERING)
	$(BIN)/pytest -n auto tests $(addprefix --ignore=,$(COVERING))

test-python: $(VENV)/ready  ## the tests that cover handler/, and one whole delivery, on another PYTHON= in a VENV= of its own
	$(BIN)/pytest -n auto $(COVERING) tests/e2e/test_main_job.py

# ---- the rest; what it takes may be given: make chaos SCHEDULES=100 SEED=7

JOBS ?= 2
SEED ?= 1
SCHEDULES ?= 10000
FOR ?= 600
COUNT ?= 100000
BOUNDS ?= full
MUTATE ?=
RUNTIME ?= python3.10

test-all:  ## `make test` on each of Python 3.10 to 3.13 that is found
	@.ci/pythons | grep . >/dev/null || { echo "none of Python 3.10 to 3.13 is found" >&2; exit 1; }
	@.ci/pythons | { failed=0; while read -r version python; do \
		echo "== Python $$version"; \
		$(MAKE) --no-print-directory test PYTHON="$$python" VENV=".venv-$$version" </dev/null || failed=1; \
	done; exit $$failed; }

prove: $(VENV)/ready  ## every small world, under every reading; every sequence of deliveries within bounds
	$(BIN)/python -m tests.prove --bounds $(BOUNDS) --jobs $(JOBS)
	$(BIN)/python -m tests.explore --bounds $(BOUNDS) --jobs $(JOBS)

explore: $(VENV)/ready  ## sequences of deliveries at random, FOR=600 seconds; what fails is made small, to be replayed
	$(BIN)/python -m tests.explore --for $(FOR) --seed $(SEED) --jobs $(JOBS)

chaos: $(VENV)/ready  ## random schedules against real processes
	$(BIN)/python -m tests.chaos --schedules $(SCHEDULES) --seed $(SEED) --jobs $(JOBS)

fuzz: $(VENV)/ready  ## mutated deliveries
	$(BIN)/python -m tests.fuzz.fuzz_deliveries --count $(COUNT) --seed $(SEED)
	$(BIN)/python -m tests.fuzz.fuzz_writes --count $(COUNT) --seed $(SEED)

mutation: $(VENV)/ready  ## mutants of handler/core that no test notices; MUTATE="handler.core.deciding.backoff*" for some
	$(BIN)/mutmut run --max-children $(JOBS) $(MUTATE)
	@$(BIN)/mutmut results | grep -v 'not checked' || echo "none survives"

build/bench/ready: bench/requirements.txt | $(VENV)/ready
	$(BIN)/pip install --quiet --disable-pip-version-check --upgrade --require-hashes --target build/bench -r $< || { mkdir -p build/bench && echo "boto3 cannot be installed here: its row is left out" >&2; }
	@touch $@

bench: $(VENV)/ready build/bench/ready  ## what it costs, as ratios; SHORT=1 for fewer rounds
	$(BIN)/python -m bench.run $(if $(SHORT),--short)

traffic: $(VENV)/ready  ## every server replaced under real traffic, beside what others do; SHORT=1, or ARGS="--rate 2000"
	@show/debian haproxy h2load=nghttp2-client nginx=nginx-light
	$(BIN)/python -m show.traffic $(if $(SHORT),--short) $(ARGS)

$(VENV)/show: requirements-show.txt $(VENV)/ready
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-show.txt
	@touch $@

serve: $(VENV)/ready  ## the local cloud with the function, and a page to watch and try it (ARGS="--state FILE")
	@$(BIN)/slb-swap local $(ARGS)

test-page: $(VENV)/show  ## the page in Chromium, and the picture
	@show/debian chromium
	WITH_BROWSER=1 $(BIN)/pytest -n auto tests/show

pictures: $(VENV)/show  ## those of docs/pictures, made anew
	@show/debian chromium haproxy h2load=nghttp2-client nginx=nginx-light
	$(BIN)/python -m show.pictures

lock: $(VENV)/ready  ## pin what ships and what developers need, with hashes
	$(BIN)/pip install --quiet --disable-pip-version-check uv
	for name in requirements requirements-dev requirements-show; do $(BIN)/uv pip compile --quiet --universal --no-strip-extras --python-version 3.10 --generate-hashes --no-header $$name.in -o $$name.txt; done
	for name in scripts/validate bench; do $(BIN)/uv pip compile --quiet --universal --python-version 3.10 --generate-hashes --no-header $$name/requirements.in -o $$name/requirements.txt; done

$(VENV)-validate/ready: scripts/validate/requirements.txt
	@command -v node >/dev/null || { echo "make validate needs Node.js: apt-get install nodejs" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)-validate
	$(VENV)-validate/bin/pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

validate: $(VENV)-validate/ready  ## the templates, by the ROS CDK, the SDK of FC 3.0 and checks of our own; and that what is broken is caught
	@$(VENV)-validate/bin/python -m scripts.validate

package: $(VENV)/ready  ## the zip for Function Compute, in build/; RUNTIME=python3.12, TARGETS=targets.json
	@$(BIN)/python -m scripts.package $(RUNTIME) $(if $(TARGETS),--targets $(TARGETS)) $(if $(BEFORE),--before $(BEFORE))

try-package: $(VENV)/ready  ## every delivery of events/ to the package, alone, on both templates and runtimes; SHORT=1 for a few
	@$(BIN)/python -m tests.alone $(if $(SHORT),--short)

base: $(VENV)/ready  ## build/base.yml: roles, queue, log and alarms alone, for functions that Serverless Devs deploys
	@mkdir -p build && $(BIN)/python -m scripts.base > build/base.yml && echo build/base.yml

clean:  ## everything that can be made again
	rm -rf .venv* build bench/out mutants htmlcov .coverage* .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*## /  \1: /p' $(MAKEFILE_LIST)
