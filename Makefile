# Thin on purpose: the work is in tools/ and in hil itself.
.PHONY: help demo test lint test-ncps clean

help:
	@echo "make demo       a trained network classifies 40 smartwatch recordings on an emulated Cortex-M0"
	@echo "make test       lint and every test; what CI runs"
	@echo "make lint       what can be checked without running"
	@echo "make test-ncps  the converter on live networks of ncps (installs torch)"

demo:
	@tools/setup run
	@.venv/bin/hil demo

test: lint
	@.venv/bin/pytest -n auto --dist loadgroup --board=nucleo-l031 --board=microbit

lint:
	@tools/setup dev
	@tools/lint

test-ncps:
	@tools/setup dev
	@.venv/bin/pip install -q -e ".[ncps]"
	@.venv/bin/pytest tests/live_ncps.py

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist
