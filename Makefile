# The two commands are `run` and `test`; the rest is heavier and installs what it needs.
VENV := .venv
BIN := $(VENV)/bin
EVENT ?= events/eventbridge-ess-scale-in-success.json

.PHONY: run test

$(VENV)/ready: requirements-dev.txt
	@python3 -c 'import venv, ensurepip' 2>/dev/null || { echo "Python needs its venv module: apt-get install python3-venv" >&2; exit 1; }
	python3 -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	touch $@

run: $(VENV)/ready
	@$(BIN)/python -m show.run $(EVENT)

test: $(VENV)/ready
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -n auto --cov
