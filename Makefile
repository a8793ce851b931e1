# make demo    run the quickstart on the local queue, without a key, and say how to open what it made
# make lab     open JupyterLab on copies of the notebooks, in build/lab
# make test    lint, types, and all tests
# make docs    the manual and the reference, in build/docs
# make bench   print the tables of benchmarks/

PYTHON ?= python3.11
# How many processes share the tests.
TESTERS ?= 6
VENV := .venv
BIN := $(VENV)/bin
export DECART_BACKEND := local
# The store of a notebook that is run here is beside it, whatever the folders above have.
demo test docs: export DECART_STORE := decart_runs
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Python keeps what it has compiled, whatever the environment says: a run of the tests starts it hundreds of times.
export PYTHONDONTWRITEBYTECODE :=
# Kernels are found in the environment, not in the user's home.
export JUPYTER_PREFER_ENV_PATH := 1
# The kernel would warn that it speaks over TCP: it does, and to this machine only.
NBCONVERT := $(BIN)/jupyter nbconvert --log-level=ERROR --ExecutePreprocessor.extra_arguments=--log-level=40

OPEN := $(if $(filter Darwin,$(shell uname)),open,xdg-open)
# JupyterLab refuses to run as root, as in a container, unless it is told to.
AS_ROOT := $(if $(filter 0,$(shell id -u)),--allow-root)

.PHONY: demo lab test docs bench clean

demo: $(VENV)/.lab
	@rm -rf build/demo && mkdir -p build/demo && cp notebooks/01_quickstart.ipynb build/demo
	@echo "Running notebooks/01_quickstart.ipynb: the local queue renders its videos, about 20 seconds ..."
	@$(NBCONVERT) --execute --inplace --to notebook build/demo/01_quickstart.ipynb
	@echo "Writing it as a web page with the videos in it ..."
	@$(NBCONVERT) --to html build/demo/01_quickstart.ipynb
	@echo "Done. The videos:"
	@ls build/demo/decart_runs/*.mp4 | sed 's/^/  /'
	@echo "Open the page in a browser:   $(OPEN) build/demo/01_quickstart.html"
	@echo "Go on by hand in JupyterLab:  make lab"

lab: $(VENV)/.lab
	@$(BIN)/python tools/copy_notebooks.py notebooks build/lab
	@echo "JupyterLab opens build/lab, with copies of the notebooks, in a browser; Ctrl-C, twice, stops it."
	$(BIN)/jupyter lab $(AS_ROOT) build/lab/01_quickstart.ipynb

test: $(VENV)/.test
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	@# Most of the tests wait for kernels, browsers and other processes: more of them run at once than there are cores.
	$(BIN)/python -m pytest -n $(TESTERS) --durations 20 --durations-min 5 --session-timeout 4200 tests

bench: $(VENV)/.test
	@for table in benchmarks/*.py; do echo "== $$table"; $(BIN)/python -m benchmarks.$$(basename $$table .py) || exit 1; done

docs: $(VENV)/.docs
	@echo "Building the manual and the reference: the notebooks are run, about 3 minutes ..."
	@rm -rf build/docs build/docs-source && mkdir -p build/docs-source/notebooks
	@cp -R docs/. build/docs-source && cp notebooks/*.ipynb build/docs-source/notebooks
	$(BIN)/python -m sphinx --fail-on-warning --keep-going --quiet build/docs-source build/docs
	@echo "Done. Open it in a browser:  $(OPEN) build/docs/index.html"

# What somebody has made in build/lab stays.
clean:
	rm -rf $(VENV) .cache dist
	@[ ! -d build ] || find build -mindepth 1 -maxdepth 1 ! -name lab -exec rm -rf {} +
	@[ ! -d build/lab ] || echo "build/lab is kept, with the notebooks and videos in it."

$(VENV)/bin/python:
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is missing; name another with make PYTHON=python3.12 …"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.lab: pyproject.toml | $(VENV)/bin/python
	@echo "Installing decart_nb and JupyterLab into $(VENV), once: a minute or two ..."
	@$(BIN)/pip install --quiet --editable '.[lab]'
	@touch $@

$(VENV)/.test: pyproject.toml | $(VENV)/bin/python
	@echo "Installing what the tests need into $(VENV), once: a few minutes ..."
	@$(BIN)/pip install --quiet --editable '.[lab,test]'
	@touch $@ $(VENV)/.lab $(VENV)/.docs

$(VENV)/.docs: pyproject.toml | $(VENV)/bin/python
	@echo "Installing what the manual needs into $(VENV), once: a minute or two ..."
	@$(BIN)/pip install --quiet --editable '.[lab,docs]'
	@touch $@ $(VENV)/.lab
