# Thin on purpose: the work is in tools/ and in hil itself.
.PHONY: help demo test lint nightly test-ncps clean

BOARDS ?= nucleo-l031 microbit
HISTORY ?=
MINUTES ?= 120
PYTEST ?=

help:
	@echo "make demo       a trained network classifies 40 smartwatch recordings on an emulated Cortex-M0"
	@echo "make test       lint and every test; what CI runs"
	@echo "make lint       what can be checked without running"
	@echo "make nightly    the cases on BOARDS, compared with the nights in HISTORY; leaves night/report.html"
	@echo "make test-ncps  the converter on live networks of ncps (installs torch)"

demo:
	@tools/setup run
	@.venv/bin/hil demo

# One worker more than processors, as many tests wait for what must not answer. Hundreds of processes import hil: they
# keep what they have compiled of it, whatever the shell says.
test: lint
	@env -u PYTHONDONTWRITEBYTECODE .venv/bin/pytest -n $$(($$(nproc) + 1)) --dist loadgroup --no-loadscope-reorder --board=nucleo-l031 --board=microbit

lint:
	@tools/setup dev
	@tools/lint

# PYTEST has more arguments for it, as --hil-backend=hardware.
nightly:
	@tools/setup dev
	@.venv/bin/hil nightly $(addprefix --board ,$(BOARDS)) --minutes $(MINUTES) $(addprefix --history ,$(HISTORY)) \
	    $(addprefix --quarantine ,$(wildcard quarantine.yaml)) -- $(PYTEST) $(wildcard tests/hil/*.hil.yaml)

test-ncps:
	@tools/setup dev
	@.venv/bin/pip install -q -e ".[ncps]"
	@.venv/bin/pytest tests/live_ncps.py

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist
