# Everything is installed into .venv in this checkout; nothing else on the machine changes.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: help install demo test lint check format package lowest coverage sbom clean

help: ## list the commands
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

install: .venv/.installed ## create .venv with the library, torch and the developers' tools

.venv/.installed: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; set PYTHON=...")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[torch,medical,geo,reports,ray,remote,service,openvino]' --group dev --group docs --group exporters --group paper
	touch $@

demo: install ## explain the bundled model on the bundled image
	$(BIN)/misure demo --out misure-demo

.PHONY: docs
docs: install ## build the site into build/docs and check that its pages load nothing from elsewhere
	$(BIN)/python -m docs.building.tables --check
	$(BIN)/python -m sphinx -W --keep-going -b html docs build/docs
	$(BIN)/python -m docs.building.offline build/docs

test: install ## run the tests, in two processes
	$(BIN)/python -m pytest -n 2 --dist loadfile

lint: install ## formatting, lint, strict types, import rules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint test ## everything that must hold before a change is shared

format: install ## rewrite the formatting
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

package: install ## build dist/, and test the wheel in an empty environment
	rm -rf dist
	$(BIN)/python -m build --no-isolation
	$(BIN)/python -m pytest tests/packaging

lowest: install ## the core's tests on the wheel with the lowest versions of every dependency
	$(BIN)/python -m benchmarks.versions lowest

coverage: install ## branches of the core that its own tests reach
	$(BIN)/python -m benchmarks.branch_coverage

sbom: package ## build/sbom.json: what the wheel brings with it today, as CycloneDX
	mkdir -p build
	rm -rf build/environment
	$(BIN)/python -m uv venv --quiet build/environment
	$(BIN)/python -m uv pip install --quiet --python build/environment dist/*.whl
	$(BIN)/cyclonedx-py environment --pyproject pyproject.toml --mc-type library --output-reproducible \
		--output-file build/sbom.json build/environment/bin/python

clean: ## remove what the commands above created
	rm -rf .venv misure-demo build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
