#!/usr/bin/env bash
# The sandbox's tests as other users and in other surroundings than the one that runs `make test`.
# Needs root, setpriv (util-linux) and bwrap (bubblewrap); what cannot be done here is named.
set -euo pipefail
cd "$(dirname "$0")/.."
python=.venv/bin/python
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
chmod 777 "$home"
export OMP_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE=1 HOME=$home TMPDIR=$home
failed=0

run() { # what it is, then the command that surrounds Python
  echo "--- $1"
  shift
  if ! "$@" "$python" -c 'import pytest, subprocess, sys; subprocess.run([sys.executable, "-V"], check=True)' \
    >/dev/null 2>"$home/why"; then
    echo "not run: $(tail -n 1 "$home/why")"
    return
  fi
  "$@" "$python" -m pytest -q -p no:cacheprovider -rs tests/test_sandbox.py tests/test_sandbox_escape.py || failed=1
}

run "as $(id -un)" env
run "as an ordinary user" setpriv --reuid=65534 --regid=65534 --clear-groups
inside=(--unshare-user --disable-userns --dev-bind / / --proc /proc --chdir "$PWD")
run "in a container without user namespaces" bwrap "${inside[@]}"
run "in a container without namespaces or capabilities" bwrap "${inside[@]}" --cap-drop ALL
exit $failed
