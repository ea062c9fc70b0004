#!/usr/bin/env bash
# Resolve requirements.in with as few changes as it asks for; UPGRADE=1: to the newest versions it allows.
# torch, triton and their CUDA packages stay out: pip brings the build a machine needs.
set -euo pipefail
cd "$(dirname "$0")/.."
cuda='^(nvidia-(cublas|cuda|cudnn|cufft|cufile|curand|cusolver|cusparse|cusparselt|nccl|nvjitlink|nvshmem|nvtx)|cuda-)'
cp requirements.lock requirements.lock.new
.venv/bin/uv pip compile requirements.in ${UPGRADE:+--upgrade} --quiet --universal --python-version 3.11 --no-header \
  --no-annotate --no-emit-index-url --no-emit-find-links --no-emit-package torch --no-emit-package triton \
  --output-file requirements.lock.new
grep -vE "$cuda" requirements.lock.new >requirements.lock
rm requirements.lock.new
wc -l requirements.lock
