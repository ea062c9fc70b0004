#!/usr/bin/env bash
# Resolve requirements.in and bench/requirements.in with as few changes as possible; UPGRADE=1 takes the newest versions.
# The locks leave out torch, triton and their CUDA packages: pip installs the build that a machine needs.
set -euo pipefail
cd "$(dirname "$0")/.."
cuda='^(nvidia-(cublas|cuda|cudnn|cufft|cufile|curand|cusolver|cusparse|cusparselt|nccl|nvjitlink|nvshmem|nvtx)|cuda-)'
cp requirements.lock requirements.lock.new
compile() {
  .venv/bin/uv pip compile "$1" ${UPGRADE:+--upgrade} --quiet --universal --python-version 3.11 --no-header \
    --no-annotate --no-emit-index-url --no-emit-find-links --output-file "$2" "${@:3}"
}
compile requirements.in requirements.lock.new --no-emit-package torch --no-emit-package triton
compile bench/requirements.in bench/requirements.lock
grep -vE "$cuda" requirements.lock.new >requirements.lock
rm requirements.lock.new
wc -l requirements.lock bench/requirements.lock
