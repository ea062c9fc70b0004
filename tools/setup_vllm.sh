#!/usr/bin/env bash
# Make the environment of vLLM's servers, apart from the pipeline's own: it needs other versions of the same packages.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=$1
. tools/setup_common.sh

if command -v nvidia-smi >/dev/null && nvidia-smi -L 2>/dev/null | grep -q GPU; then
  build=gpu needed_mb=20000
else
  build=cpu needed_mb=8000
  [ "$(uname -m)" = x86_64 ] && grep -qw avx2 /proc/cpuinfo ||
    fail "no NVIDIA GPU is found, and vLLM on a CPU needs an x86-64 processor with AVX2"
fi
free_mb=$(df -Pm . | awk 'NR == 2 { print $4 }')
[ "$free_mb" -ge "$needed_mb" ] || fail "${free_mb} MB are free here, and vLLM needs $needed_mb"

echo "setup: making $venv with vLLM (several minutes; $build)"
rm -rf "$venv"
try "$PYTHON" -m venv "$venv" || fail "$PYTHON -m venv failed"
try "$venv/bin/pip" install --disable-pip-version-check uv || fail "uv could not be installed: is there a network?"
if [ "$build" = cpu ]; then # the lock leaves torch out, so that pip chooses its build
  torch=$(sed -n 's/^\(torch==[0-9.]*\).*/\1/p' requirements.in)
  try "$venv/bin/pip" install --disable-pip-version-check "$torch" || fail "$torch could not be installed: is there a network?"
fi
try "$venv/bin/uv" pip install --python "$venv/bin/python" --no-deps -r "configs/vllm/$build.lock" ||
  fail "the packages of configs/vllm/$build.lock could not be installed: is there a network?"
try "$venv/bin/python" -c 'import vllm' || fail "vLLM is installed and cannot be imported"
echo "setup: done"
