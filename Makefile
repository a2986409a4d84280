# `make demo` and `make test` work on a fresh machine with Python 3.10 or newer; nothing else is needed.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
DEMO = demo/harbour.mp4

.PHONY: demo test check check-pythons clean

demo: $(VENV)/.installed
	$(BIN)/mrvideo index $(DEMO)
	$(BIN)/python demo/ask.py $(DEMO)

test: $(VENV)/.installed-dev $(VENV)/.installed-litellm
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/pytest -n 2 --dist loadgroup --ignore tests/web
	$(BIN)/pytest -n 2 --dist loadgroup tests/web

# What is quick: style, types, and all tests but the slow ones.
check: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/pytest -n 2 --dist loadgroup -m "not slow" --ignore tests/web
	$(BIN)/pytest -n 2 --dist loadgroup -m "not slow" tests/web

# Python 3.10 to 3.13, as far as they are here: newest and lowest dependencies.
check-pythons:
	$(PYTHON) .ci/check_pythons.py

$(VENV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -e ".[web]"
	touch $@

$(VENV)/.installed-dev: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -e ".[dev]"
	touch $@ $(VENV)/.installed

# A server that tests talk to. It wants other versions of what mrvideo stands on, so it lives apart.
$(VENV)/.installed-litellm: Makefile | $(VENV)/.installed-dev
	$(PYTHON) -m venv $(VENV)/litellm
	$(VENV)/litellm/bin/pip install --quiet --disable-pip-version-check "litellm[proxy]==1.106.2"
	ln -sf ../litellm/bin/litellm $(BIN)/litellm
	touch $@

clean:
	rm -rf $(VENV) build dist site *.egg-info .pytest_cache .ruff_cache
