#!/usr/bin/env bash
# Uses the mock Exchange through exchangelib (PyPI), unchanged: alone, and with calsyncd between it and the mock NVS.
#
#   run.sh [RELEASE ...] [--trace DIR]
#
# Makes a virtual environment under the target folder, builds the programs, and prints `N passed, N failed` for both parts.
# Without Python, pip or the packages it prints `skipped: REASON` and succeeds.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
venv=$target/interop-venv

skip() { echo "skipped: $1"; exit 0; }

command -v python3 >/dev/null || skip "python3 is not installed"
if [ ! -x "$venv/bin/python" ]; then
  python3 -m venv "$venv" >/dev/null 2>&1 || { rm -rf "$venv"; skip "python3 has no venv module"; }
fi
if ! "$venv/bin/python" -c 'import dateutil, exchangelib, sys; sys.exit(exchangelib.__version__ != "5.6.0")' 2>/dev/null; then
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r "$here/requirements.txt" >/dev/null 2>&1 \
    || skip "exchangelib and python-dateutil cannot be installed with pip"
fi
manifest=$root/Cargo.toml
cargo build --quiet --manifest-path "$manifest" -p calsync-testkit --example mock_exchange
cargo build --quiet --manifest-path "$manifest" -p calsyncd -p calsync-examples --bin calsyncd --example mock_servers
releases=() before="" status=0
for argument in "$@"; do
  [[ $before != --trace && $argument == exchange* ]] && releases+=("$argument")
  before=$argument
done
programs=$target/debug
"$venv/bin/python" "$here/exchangelib_check.py" "$programs/examples/mock_exchange" "$@" || status=1
"$venv/bin/python" "$here/both_sides_check.py" "$programs/examples/mock_servers" "$programs/calsyncd" \
  "${releases[@]+"${releases[@]}"}" || status=1
exit $status
