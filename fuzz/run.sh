#!/usr/bin/env bash
# fuzz/run.sh                          lists the targets
# fuzz/run.sh all replay               every input of the corpora once, on any toolchain
# fuzz/run.sh TARGET|all SECONDS       fuzzes for so long, each target
# fuzz/run.sh TARGET|all RUNSx         fuzzes for so many executions, each target (20000000x)
# fuzz/run.sh TARGET minimise          makes the committed corpus out of everything found so far
#
# Needs Rust and a C++ compiler, nothing else: coverage is compiled in by the stable compiler, and libFuzzer comes with its
# crate. Nothing is installed. What is found grows in target/fuzz/TARGET, beside the committed corpus, which is only read;
# an input that breaks something is written to target/fuzz/TARGET-findings and the run exits with 1.
# Environment: FUZZ_JOBS (jobs of the build), FUZZ_ARGS (further arguments of libFuzzer).
set -eu
cd "$(dirname "$0")"
targets=$(sed -n '/^\[\[bin\]\]/{n;s/^name = "\(.*\)"/\1/p}' Cargo.toml)

usage() {
    sed -n '2,6s/^# //p' run.sh
    echo "targets:" $targets
    exit 2
}
[ $# -ge 1 ] || usage
which=$1
how=${2:-60}
[ "$which" = all ] || echo "$targets" | grep -qx "$which" || usage

if ! command -v cargo >/dev/null; then
    echo "cargo is missing: install Rust, https://rustup.rs" >&2
    exit 3
fi
if [ "$how" = replay ]; then
    # Not optimised: the workspace has most of these libraries built like that, and the inputs are small.
    exec cargo test -q --test replay
fi
if ! command -v c++ >/dev/null && ! command -v g++ >/dev/null && ! command -v clang++ >/dev/null; then
    echo "a C++ compiler is missing, libFuzzer is made with it: install g++ or clang" >&2
    exit 3
fi

host=$(rustc -vV | sed -n 's/^host: //p')
# Coverage as cargo-fuzz asks for it, without a sanitizer: the code is safe Rust, so what it could find are panics, and
# these are found anyway. All of it works on a stable compiler. A target directory of its own, and --target, keep build
# scripts and the ordinary builds out of it.
export RUSTFLAGS="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing -Ccodegen-units=1"
export CARGO_TARGET_DIR=target
build=(cargo build --release --target "$host" ${FUZZ_JOBS:+-j "$FUZZ_JOBS"})
[ "$which" = all ] || build+=(--bin "$which")
"${build[@]}"

run() {
    local target=$1 found=target/fuzz/$1 findings=target/fuzz/$1-findings corpus=corpus/$1 max=4096 dict=()
    mkdir -p "$found" "$findings" "$corpus"
    [ -f "dict/$target.dict" ] && dict=("-dict=dict/$target.dict")
    case $target in round) max=1024 ;; rule | ews_recurrence) max=512 ;; esac
    local binary=target/$host/release/$target
    local args=("${dict[@]}" -max_len=$max -timeout=5 -rss_limit_mb=2048 "-artifact_prefix=$findings/" -print_final_stats=1)
    case $how in
        minimise)
            local small
            small=$(mktemp -d)
            "$binary" -merge=1 "${args[@]}" "$small" "$corpus" "$found"
            # Few and small: what reaches new code, up to 200 bytes each.
            rm -f "$corpus"/*
            find "$small" -type f -size -1024c -print0 | xargs -0 -r cp -t "$corpus"
            rm -rf "$small"
            ;;
        *x) "$binary" "${args[@]}" "-runs=${how%x}" ${FUZZ_ARGS:-} "$found" "$corpus" ;;
        *) "$binary" "${args[@]}" "-max_total_time=$how" ${FUZZ_ARGS:-} "$found" "$corpus" ;;
    esac
}

status=0
if [ "$which" = all ]; then
    for target in $targets; do
        echo "== $target"
        run "$target" || status=1
    done
else
    run "$which" || status=1
fi
exit $status
