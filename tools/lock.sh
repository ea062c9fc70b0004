#!/usr/bin/env bash
# Resolve requirements.in. torch, triton and their CUDA packages stay out: pip brings the build a machine needs.
set -euo pipefail
cd "$(dirname "$0")/.."
cuda='^(nvidia-(cublas|cuda|cudnn|cufft|cufile|curand|cusolver|cusparse|cusparselt|nccl|nvjitlink|nvshmem|nvtx)|cuda-)'
.venv/bin/uv pip compile requirements.in --quiet --upgrade --universal --python-version 3.11 --no-header --no-annotate \
  --no-emit-index-url --no-emit-find-links --no-emit-package torch --no-emit-package triton |
  grep -vE "$cuda" >requirements.lock.new
mv requirements.lock.new requirements.lock
wc -l requirements.lock
