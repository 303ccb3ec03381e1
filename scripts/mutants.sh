#!/usr/bin/env bash
# scripts/mutants.sh decision|engine|store [ARGUMENTS OF cargo-mutants...]
#
# Changes the code in one small way after another, and says which changes no test notices. `decision` is what is decided about one
# appointment, `engine` the round and its driver, `store` the SQLite store. Takes hours: part of it with `--shard 0/8`, or with
# `-F decide.rs`. Results lie in target/mutants/WHAT/mutants.out.
#
# Runs in a copy of the working tree, which may be edited meanwhile. cargo-mutants is installed if it is missing.
set -eu
cd "$(dirname "$0")/.."
what=${1:-}
[ $# -ge 1 ] && shift
case $what in
    decision) package=calsync-core files=('crates/calsync-core/src/sync/*.rs') ;;
    engine) package=calsync-core files=('crates/calsync-core/src/sync/round/*.rs' 'crates/calsync-core/src/drive.rs' 'crates/calsync-core/src/drive/*.rs') ;;
    store) package=calsync-store files=('crates/calsync-store/src/**/*.rs') ;;
    *)
        sed -n '2,8s/^# \{0,1\}//p' "$0"
        exit 2
        ;;
esac
command -v cargo-mutants >/dev/null || cargo install --locked cargo-mutants
arguments=()
for file in "${files[@]}"; do arguments+=(-f "$file"); done
tests=(--lib --test it)
if command -v cargo-nextest >/dev/null; then
    # Stops at the first test that fails. The one that is left out takes as long as all others, and notices nothing besides.
    arguments+=(--test-tool nextest)
    tests+=(-E 'not test(a_crash_during_the_repair_of_a_crash_is_repaired)')
fi
mkdir -p target/mutants
exec cargo mutants -p "$package" "${arguments[@]}" --timeout 300 -o "target/mutants/$what" "$@" -- "${tests[@]}"
