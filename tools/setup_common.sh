# Sourced by the scripts that make environments beside the pipeline's own. setup.sh has its own copy, because it runs first and alone.
log=$(mktemp)
trap 'rm -f "$log"' EXIT

fail() { echo "setup: $*" >&2; exit 1; }
try() { "$@" >"$log" 2>&1 || { grep -v '^WARNING' "$log" | tail -n 3 >&2; return 1; }; }
