# All commands; CI uses them too. Every path is relative, so that the folder's name may contain a space.

# With this set Python writes no bytecode, and every start takes twice as long.
unexport PYTHONDONTWRITEBYTECODE
unexport PYTHONHOME PYTHONPATH

# Several commands (make -j lint test) run one after the other, so that their output stays readable.
.NOTPARALLEL:
.DEFAULT_GOAL := help
.PHONY: help check test test-all lint bench matrix mutation soak report lab pictures pins clean set-up

PYTHON = .venv/bin/python
TESTS = tests
JOBS = 4

help:  ## list the commands
	@echo "Commands. The first one installs what is missing into .venv. ARGS=... passes options on."
	@sed -n 's/^\([a-z-]*\): .*## \(.*\)/  make \1|\2/p' Makefile | awk -F '|' '{ printf "%-15s %s\n", $$1, $$2 }'

check: set-up  ## start the lab and run every check against it
	$(PYTHON) -m pytest --env lab $(ARGS)

test: set-up  ## run the project's own tests (TESTS=tests/probes for some)
	$(PYTHON) -m pytest -n $(JOBS) --dist worksteal -m "not slow" $(TESTS) $(ARGS)

test-all: set-up  ## the slow tests that `make test` leaves out
	$(PYTHON) -m pytest -n $(JOBS) --dist worksteal -m slow $(TESTS) $(ARGS)

lint: set-up  ## check style, format and types
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy

bench: set-up  ## measure the speed, in ratios
	$(PYTHON) -m bench $(ARGS)

matrix: set-up  ## run every fault against every check: docs/detection.md (half an hour)
	$(PYTHON) -m quality.matrix --write $(ARGS)

mutation: set-up  ## change checks, and count the changes that tests detect: docs/mutation.md (an hour)
	$(PYTHON) -m quality.mutation --write $(ARGS)

soak: set-up  ## make hundreds of runs, and find what they leave behind (an hour)
	$(PYTHON) -m quality.soak $(ARGS)

report: set-up  ## write the newest run as HTML with trends, in reports/out/report (needs node)
	$(PYTHON) -m runbook_checks.cli.allure_report $(ARGS)

lab: set-up  ## run the lab and print its addresses; Ctrl-C stops it
	$(PYTHON) -m runbook_checks_lab $(ARGS)

pictures: set-up  ## renew the images in docs/pictures (needs node and Chromium)
	$(PYTHON) -m docs.pictures

pins: set-up  ## renew the hashed requirements from pyproject.toml (needs uv)
	$(PYTHON) -m tools.pins

clean:  ## remove installed packages, caches and reports
	rm -rf .venv .cache .toolbox reports/out .mypy_cache .ruff_cache .pytest_cache .hypothesis .schemathesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

set-up:
	@for python in python3 python3.13 python3.12 python3.11; do \
		if $$python -I -c "import sys; sys.exit(sys.version_info < (3, 11))" 2>/dev/null; then exec $$python tools/setup.py; fi; \
	done; echo "set-up: needs Python 3.11 or newer on PATH: install one." >&2; exit 1
