# The one list of commands; CI calls these too. Every path is relative, so that the folder may have a space in its name.

# Python writes no bytecode with this set, and then every start takes twice as long.
unexport PYTHONDONTWRITEBYTECODE
unexport PYTHONHOME PYTHONPATH

# Commands named together (make -j lint test) run one after the other, so that what they say stays readable.
.NOTPARALLEL:
.DEFAULT_GOAL := help
.PHONY: help check test test-all lint bench matrix mutation soak report lab pictures pins clean set-up

PYTHON = .venv/bin/python
TESTS = tests
JOBS = 4

help:  ## this list
	@echo "Commands; what is missing is installed into .venv on first use. ARGS=... passes options on."
	@sed -n 's/^\([a-z-]*\): .*## \(.*\)/  make \1|\2/p' Makefile | awk -F '|' '{ printf "%-15s %s\n", $$1, $$2 }'

check: set-up  ## start the lab and run every check against it
	$(PYTHON) -m pytest --env lab $(ARGS)

test: set-up  ## the suite's own tests (TESTS=tests/probes for some)
	$(PYTHON) -m pytest -n $(JOBS) --dist worksteal -m "not slow" $(TESTS) $(ARGS)

test-all: set-up  ## the tests that `make test` leaves out because they take long
	$(PYTHON) -m pytest -n $(JOBS) --dist worksteal -m slow $(TESTS) $(ARGS)

lint: set-up  ## style, format and types
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy

bench: set-up  ## how quick it is, in ratios
	$(PYTHON) -m bench $(ARGS)

matrix: set-up  ## every fault against every check: docs/detection.md (takes half an hour)
	$(PYTHON) -m quality.matrix --write $(ARGS)

mutation: set-up  ## is every change to the checks noticed: docs/mutation.md (takes an hour)
	$(PYTHON) -m quality.mutation --write $(ARGS)

soak: set-up  ## hundreds of runs in a row, and what they leave behind (takes an hour)
	$(PYTHON) -m quality.soak $(ARGS)

report: set-up  ## the newest run as HTML with trends, in reports/out/report (needs node)
	$(PYTHON) -m runbook_checks.cli.allure_report $(ARGS)

lab: set-up  ## run the stand-ins by hand, addresses printed; Ctrl-C stops
	$(PYTHON) -m runbook_checks_lab $(ARGS)

pictures: set-up  ## renew the images in docs/pictures (needs node and Chromium)
	$(PYTHON) -m docs.pictures

pins: set-up  ## renew the hashed requirements from pyproject.toml (needs uv)
	$(PYTHON) -m tools.pins

clean:  ## remove what was installed, cached and reported
	rm -rf .venv .cache .toolbox reports/out .mypy_cache .ruff_cache .pytest_cache .hypothesis .schemathesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

set-up:
	@"$$(command -v python3 || command -v python3.13 || command -v python3.12 || command -v python3.11 \
		|| echo python3)" tools/setup.py
