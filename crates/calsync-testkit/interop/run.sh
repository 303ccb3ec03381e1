#!/usr/bin/env bash
# Uses the mock Exchange through exchangelib (PyPI), unchanged.
#
#   run.sh [RELEASE ...] [--trace DIR]
#
# Makes a virtual environment under the target folder, builds the mock, and prints `N passed, N failed`. Without Python,
# pip or the package it prints `skipped: REASON` and succeeds.
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
if ! "$venv/bin/python" -c 'import exchangelib, sys; sys.exit(exchangelib.__version__ != "5.6.0")' 2>/dev/null; then
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r "$here/requirements.txt" >/dev/null 2>&1 \
    || skip "exchangelib cannot be installed with pip"
fi
cargo build --quiet --manifest-path "$root/Cargo.toml" -p calsync-testkit --example mock_exchange
exec "$venv/bin/python" "$here/exchangelib_check.py" "$target/debug/examples/mock_exchange" "$@"
