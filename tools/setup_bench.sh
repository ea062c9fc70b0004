#!/usr/bin/env bash
# Install what `make bench` compares with, in an environment of its own: datatrove, the packages that the benchmarks
# import from our Python (bench/borrowed.txt), and the fastText command-line tool, built from source.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=$1
fasttext=fasttext==0.9.3
log=$(mktemp)
sources=$(mktemp -d)
trap 'rm -rf "$log" "$sources"' EXIT

fail() { echo "setup: $*" >&2; exit 1; }
try() { "$@" >"$log" 2>&1 || { grep -v '^WARNING' "$log" | tail -n 3 >&2; return 1; }; }

echo "setup: making $venv with the tools that the benchmarks compare with (about a minute)"
rm -rf "$venv"
try .venv/bin/python -m venv "$venv" || fail "python -m venv failed"
try .venv/bin/uv pip install --python "$venv/bin/python" --no-deps -r bench/requirements.lock ||
  fail "the packages of bench/requirements.lock could not be installed: is there a network?"
try .venv/bin/uv pip install --python .venv/bin/python --target "$venv/borrowed" --no-deps -r bench/borrowed.txt ||
  fail "the packages of bench/borrowed.txt could not be installed: is there a network?"

# The options of fastText's own Makefile. Without a compiler, a `fasttext` on the PATH does too (Debian has one).
if command -v g++ >/dev/null; then
  try "$venv/bin/pip" download --disable-pip-version-check --no-deps --no-binary fasttext -d "$sources" "$fasttext" ||
    fail "the source of $fasttext could not be downloaded: is there a network?"
  tar -xzf "$sources"/fasttext-*.tar.gz -C "$sources" --strip-components=1
  try g++ -std=c++17 -pthread -march=native -O3 -funroll-loops -DNDEBUG "$sources"/src/*.cc -o "$venv/bin/fasttext" ||
    fail "the fasttext tool could not be built"
else
  echo "setup: no g++: the fasttext tool is not built (apt-get install g++, or fasttext)" >&2
fi
echo "setup: done"
