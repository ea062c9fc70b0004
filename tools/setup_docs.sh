#!/usr/bin/env bash
# Make the environment of `make docs`, apart from the pipeline's own: MkDocs with the theme Material.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=$1
. tools/setup_common.sh

echo "setup: making $venv with MkDocs"
rm -rf "$venv"
try "$PYTHON" -m venv "$venv" || fail "$PYTHON -m venv failed"
try .venv/bin/uv pip install --python "$venv/bin/python" --no-deps -r docs/requirements.lock ||
  fail "the packages of docs/requirements.lock could not be installed: is there a network?"
echo "setup: done"
