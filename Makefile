# make demo    run the quickstart on the local queue, without a key, and say where the videos are
# make lab     open JupyterLab on the notebooks
# make test    lint, types, and all tests
# make bench   print the tables of benchmarks/

PYTHON ?= python3.11
# How many processes share the tests.
TESTERS ?= 4
VENV := .venv
BIN := $(VENV)/bin
export DECART_BACKEND := local
# The store of a notebook that is run here is beside it, whatever the folders above have.
demo test docs: export DECART_STORE := decart_runs
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Kernels are found in the environment, not in the user's home.
export JUPYTER_PREFER_ENV_PATH := 1
# The kernel would warn that it speaks over TCP: it does, and to this machine only.
NBCONVERT := $(BIN)/jupyter nbconvert --log-level=ERROR --ExecutePreprocessor.extra_arguments=--log-level=40

.PHONY: demo lab test bench clean

demo: $(VENV)/.lab
	@rm -rf build/demo && mkdir -p build/demo && cp notebooks/01_quickstart.ipynb build/demo
	@$(NBCONVERT) --execute --inplace --to notebook build/demo/01_quickstart.ipynb
	@$(NBCONVERT) --to html build/demo/01_quickstart.ipynb
	@echo "The executed notebook: build/demo/01_quickstart.ipynb (and .html, for a browser)"
	@echo "The videos:"
	@ls build/demo/decart_runs/*.mp4 | sed 's/^/  /'

lab: $(VENV)/.lab
	$(BIN)/jupyter lab notebooks

test: $(VENV)/.test
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	@rm -rf build/notebooks && mkdir -p build/notebooks && cp notebooks/*.ipynb build/notebooks
	@# Most of the tests wait for kernels, browsers and other processes: more of them run at once than there are cores.
	$(BIN)/python -m pytest -n $(TESTERS) --dist loadfile --durations 20 --durations-min 5 --session-timeout 4200 --nbval-lax --nbval-current-env tests build/notebooks

bench: $(VENV)/.test
	@for table in benchmarks/*.py; do echo "== $$table"; $(BIN)/python -m benchmarks.$$(basename $$table .py) || exit 1; done

clean:
	rm -rf $(VENV) .cache build dist

$(VENV)/bin/python:
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is missing; name another with make PYTHON=python3.12 …"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.lab: pyproject.toml | $(VENV)/bin/python
	$(BIN)/pip install --quiet --editable '.[lab]'
	@touch $@

$(VENV)/.test: pyproject.toml | $(VENV)/bin/python
	$(BIN)/pip install --quiet --editable '.[lab,test]'
	@touch $@ $(VENV)/.lab
