#!/usr/bin/env bash
# Run the sandbox's tests as other users and in containers.
# Needs root, setpriv (util-linux) and bwrap (bubblewrap). A set-up that this machine cannot make is named and left out.
set -euo pipefail
cd "$(dirname "$0")/.."
python=.venv/bin/python
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
chmod 777 "$home"
export OMP_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE=1 HOME=$home TMPDIR=$home
failed=0

run() { # the set-up's name, then the command that Python is started with
  echo "--- $1"
  shift
  if ! "$@" "$python" -c 'import pytest, subprocess, sys; subprocess.run([sys.executable, "-V"], check=True)' \
    >/dev/null 2>"$home/why"; then
    echo "not run: $(tail -n 1 "$home/why")"
    return
  fi
  "$@" "$python" -m pytest -q -p no:cacheprovider -rs tests/sandbox || failed=1
}

run "as $(id -un)" env
run "as an ordinary user" setpriv --reuid=65534 --regid=65534 --clear-groups
inside=(--unshare-user --disable-userns --dev-bind / / --proc /proc --chdir "$PWD")
run "in a container without user namespaces" bwrap "${inside[@]}"
run "in a container without namespaces or capabilities" bwrap "${inside[@]}" --cap-drop ALL
exit $failed
