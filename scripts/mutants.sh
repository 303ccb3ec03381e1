#!/usr/bin/env bash
# scripts/mutants.sh decision|engine|store [ARGUMENTS OF cargo-mutants...]
#
# Changes the code in one small way after another, and says which changes no test notices. `decision` is what is decided about one
# appointment, `engine` the round and its driver, `store` the SQLite store. Takes hours: part of it with `-F sync/decide.rs`; not
# with `--shard`, whose shares are other ones in the second pass. Results lie in target/mutants/WHAT/mutants.out.
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
case " $* " in *" --shard"*)
    echo "--shard: the second pass would run other changes than those that the first one missed; take -F FILE" >&2
    exit 2
    ;;
esac
command -v cargo-mutants >/dev/null || cargo install --locked cargo-mutants
arguments=()
for file in "${files[@]}"; do arguments+=(-f "$file"); done
# To be given to what builds the tests as well: else every example is built for each change.
all=(--cargo-arg=--lib --cargo-arg=--test=it)
mkdir -p target/mutants

run() { cargo mutants -p "$package" "${arguments[@]}" --timeout 300 -o "target/mutants/$what" "$@"; }

if ! command -v cargo-nextest >/dev/null || [ "$what" = store ]; then
    run "${all[@]}" "$@"
    exit
fi
# Nextest stops at the first test that fails. What a quick test notices needs no slow one: first all changes against the quick
# tests, then what is left (`--iterate`) against all that have to do with it. The one that is always left out takes as long as all
# others, and notices nothing besides.
arguments+=(--test-tool nextest)
related='not test(a_crash_during_the_repair_of_a_crash_is_repaired) and not test(/^(model::|recur)/)'
slow='test(/at_every_request|whatever_people_and_rules_do|cut_off_anywhere|overtaken_and_harms_nothing|is_cut$|cutting_rounds_anywhere/)'
status=0
run --cargo-arg=--test=it "$@" -- -E "$related and not $slow" || status=$?
# 2: some were missed. Everything else is an end.
[ $status = 2 ] || exit $status
run "${all[@]}" "$@" --iterate -- -E "$related"
