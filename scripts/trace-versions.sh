#!/usr/bin/env bash
# Runs the demo against a mock Exchange of every version and checks each message against the official schema of that
# version.
#
#   scripts/trace-versions.sh DIR
#
# Needs ../shared/checks/ews-xsd.sh, and says so and skips when it is not there.
set -eu
cd "$(dirname "$0")/.."
dir=${1:?usage: trace-versions.sh DIR}
check=../shared/checks/ews-xsd.sh
if [ ! -f "$check" ]; then
    echo "skipped: $check is not there"
    exit 0
fi
failed=0
for version in exchange2007_sp1 exchange2010_sp2 exchange2013_sp1 exchange2016 exchange_se; do
    rm -rf "$dir/$version"
    mkdir -p "$dir/$version"
    cargo run -q --release --example demo -- --once --json --pairings 2 --appointments 40 \
        --server-version "$version" --trace "$dir/$version" >"$dir/$version.json" 2>"$dir/$version.log" || { tail -n 20 "$dir/$version.log"; failed=1; }
    echo "$version: $(grep -o '"in_step": *[a-z]*' "$dir/$version.json")"
    # Without --version: against the schema of the version that each request names.
    bash "$check" "$dir/$version" || failed=1
done
exit $failed
