# Everything runs in .venv, which the first target that needs it builds. Needs Python >= 3.11 and make.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && { echo $$p; break; }; done)
VENV ?= .venv
BIN := $(VENV)/bin
TRACES ?=
# Where the real outcomes lie from which make simulate draws.
DATA ?= ../shared/data
# Some of the benchmarks, such as ONLY='growth cluster'.
ONLY ?=
# More options for make lab, such as LAB='--no-browser --port 8888'.
LAB ?=
PYTEST := $(BIN)/python -m pytest
# Notebooks and kernels must take this package from here, whatever the caller's environment says.
export PYTHONPATH :=
export JUPYTER_PLATFORM_DIRS := 1

.PHONY: demo test test-browser lab lint notebooks sample simulate bench clean

demo: $(VENV)/.lab
	$(BIN)/python notebooks/demo.py $(if $(TRACES),"$(TRACES)")

test: $(VENV)/.test
	$(PYTEST) -n 2 --dist worksteal -m "not browser" tests jarvis_lab
	$(PYTEST) -m browser tests/browser
	$(PYTEST) -o addopts= -W default --nbval-lax --nbval-cell-timeout=60 notebooks

test-browser: $(VENV)/.test
	$(PYTEST) -m browser tests/browser

lab: $(VENV)/.lab
	$(BIN)/jupyter lab --notebook-dir=notebooks $(if $(filter 0,$(shell id -u)),--allow-root) $(LAB)

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

notebooks: $(VENV)/.lab
	$(BIN)/python notebooks/build.py

sample: $(VENV)/.lab
	$(BIN)/python data/make_sample.py

simulate: $(VENV)/.lab
	$(BIN)/python benchmarks/simulate_all.py --data "$(DATA)"

bench: $(VENV)/.test
	$(BIN)/python benchmarks/run_all.py $(if $(ONLY),--only $(ONLY))

clean:
	rm -rf $(VENV) demo benchmarks/work .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "jarvis_lab needs Python 3.11 or newer; none was found." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.lab: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet -e '.[lab,cluster]'
	touch $@

$(VENV)/.test: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet -e '.[lab,cluster,test,dev]'
	touch $@ $(VENV)/.lab
