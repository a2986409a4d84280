# `make demo` and `make test` work on a fresh machine with Python 3.10 or newer; nothing else is needed.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
DEMO = demo/harbour.mp4

# The tests start Python hundreds of times. Where it may not keep what it compiled, each start compiles mrvideo anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test check check-pythons clean

demo: $(VENV)/.installed
	$(BIN)/mrvideo index $(DEMO)
	$(BIN)/python demo/ask.py $(DEMO)

# Types beside the tests, which wait for sockets and processes at times. The viewer's tests in processes of their own,
# over the demo film as the others have indexed it.
test: $(VENV)/.installed-dev $(VENV)/.installed-litellm
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	told="$$(mktemp)" && demo="$$(mktemp -d)" || exit 1; export MRVIDEO_TEST_DEMO="$$demo/indexed"; \
	$(BIN)/pyright --pythonpath $(BIN)/python >"$$told" & types=$$!; \
	trap 'kill $$types 2>/dev/null; rm -rf "$$told" "$$demo"' EXIT; \
	$(BIN)/pytest -n 2 --dist loadgroup --ignore tests/web && $(BIN)/pytest -n 2 --dist loadgroup tests/web; \
	tests=$$?; wait $$types; typed=$$?; cat "$$told"; exit $$((tests > typed ? tests : typed))

# What is quick: style, and types beside all tests but the slow ones; those of the viewer are slow, every one.
check: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	told="$$(mktemp)"; $(BIN)/pyright --pythonpath $(BIN)/python >"$$told" & types=$$!; \
	trap 'kill $$types 2>/dev/null; rm -f "$$told"' EXIT; \
	$(BIN)/pytest -n 2 --dist loadgroup -m "not slow" --ignore tests/web; tests=$$?; \
	wait $$types; typed=$$?; cat "$$told"; exit $$((tests > typed ? tests : typed))

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
