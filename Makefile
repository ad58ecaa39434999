.DEFAULT_GOAL := help
.PHONY: help setup match test bench soak app docs lint

PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.stamp
FILE ?= examples/targets/trumpet.flac
OUT ?= out/match
BUDGET ?=

help: ## Show this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

setup: $(STAMP) ## Create .venv with pinned dependencies

$(STAMP): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev,app]'
	touch $(STAMP)

match: setup ## Match a recording: make match FILE=bass.wav BUDGET=2000 OUT=out/bass
	$(BIN)/myna match "$(FILE)" --out "$(OUT)" $(if $(BUDGET),--budget $(BUDGET))

test: setup lint ## Lint, type-check and run the tests, those in a browser where there is Chromium
	$(BIN)/python -m pytest -n 2
	@if command -v chromium >/dev/null; then $(BIN)/python -m pytest -m browser; \
	else echo "no Chromium here: the tests in a browser are left out" >&2; fi

bench: setup ## Measure the engine, the ears, the environment and the matcher: tables, then the same as JSON
	$(BIN)/python benchmarks/engine.py --out out/bench/engine.json
	$(BIN)/python benchmarks/features.py
	$(BIN)/python benchmarks/env.py --out out/bench/env.json
	$(BIN)/python benchmarks/matching.py
	@cat out/bench/engine.json out/bench/env.json
	@$(BIN)/python benchmarks/features.py --json 2>/dev/null
	@$(BIN)/python benchmarks/matching.py --json 2>/dev/null

soak: setup ## Run the long tests (minutes to hours)
	MYNA_SOAK=1 $(BIN)/python -m pytest -m soak

app: setup ## Open the app in the browser
	$(BIN)/myna app

docs: setup ## Build the documentation into site/, without the network
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict
	@echo "open site/index.html, or: python -m http.server -d site"

lint: setup ## Check style, formatting and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
