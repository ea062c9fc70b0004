#!/usr/bin/env bash
# Make the virtual environment: pip installs torch (in the build that this machine needs), uv the rest from the lock.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=$1
# The old environment, which is deleted below, must not be the Python that makes the new one.
PATH=${PATH//"$PWD/$venv/bin:"/}
log=$(mktemp)
trap 'rm -f "$log"' EXIT

fail() { echo "setup: $*" >&2; exit 1; }
try() { "$@" >"$log" 2>&1 || { grep -v '^WARNING' "$log" | tail -n 3 >&2; return 1; }; }

command -v git >/dev/null || fail "git is missing: install it (Debian, Ubuntu: apt-get install git)"
command -v "$PYTHON" >/dev/null || fail "$PYTHON is missing: install Python 3.11, or name another one: make PYTHON=/path/to/python3.11 ..."
"$PYTHON" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2])' ||
  fail "$("$PYTHON" --version) is too old: Python 3.11 or newer is needed; name another one: make PYTHON=/path/to/python3.11 ..."
"$PYTHON" -c 'import venv, ensurepip' 2>/dev/null ||
  fail "$PYTHON cannot make virtual environments: install python3-venv (Debian, Ubuntu: apt-get install python3-venv)"
free_mb=$(df -Pm . | awk 'NR == 2 { print $4 }')
[ "$free_mb" -ge 4000 ] || fail "${free_mb} MB are free here, and the packages and the sample run need 4000"

echo "setup: making $venv with the pinned packages (about a minute)"
rm -rf "$venv"
try "$PYTHON" -m venv "$venv" || fail "$PYTHON -m venv failed"
torch=$(sed -n 's/^\(torch==[0-9.]*\).*/\1/p' requirements.in)
try "$venv/bin/pip" install --disable-pip-version-check "$torch" uv || fail "$torch could not be installed: is there a network?"
try "$venv/bin/uv" pip install --python "$venv/bin/python" --no-deps -r requirements.lock ||
  fail "the packages of requirements.lock could not be installed: is there a network?"
echo "setup: done"
