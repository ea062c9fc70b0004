#!/usr/bin/env bash
# Make the environment of `make serve-model` and `make test-llm`, apart from the pipeline's own: llama.cpp, built.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=$1
. tools/setup_common.sh

free_mb=$(df -Pm . | awk 'NR == 2 { print $4 }')
[ "$free_mb" -ge 300 ] || fail "${free_mb} MB are free here, and llama.cpp needs 300"

echo "setup: making $venv with llama.cpp"
rm -rf "$venv"
try "$PYTHON" -m venv "$venv" || fail "$PYTHON -m venv failed"
try "$venv/bin/pip" install --disable-pip-version-check --only-binary=:all: xllamacpp==2026.10.11549 ||
  fail "xllamacpp 2026.10.11549 could not be installed: is there a network, and a wheel for this machine?"
echo "setup: done"
