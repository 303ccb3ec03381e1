#!/usr/bin/env bash
# Our expansion of recurrence rules beside libical's, in one run: fails when ours is slower, or when a window far from the
# start of a series costs too much. Without a C compiler or libical only the windows are measured, and that is said.
#
#   benches/expand-vs-libical.sh
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
peer=$target/peers/libical

build_peer() {
    command -v cc >/dev/null || { echo "skipped: libical, there is no C compiler"; return 1; }
    if ! pkg-config --exists libical 2>/dev/null; then
        { apt-get install -y --no-install-recommends libical-dev pkg-config ||
            { apt-get update && apt-get install -y --no-install-recommends libical-dev pkg-config; }; } >/dev/null 2>&1 || true
    fi
    pkg-config --exists libical 2>/dev/null || { echo "skipped: libical, its development files cannot be had"; return 1; }
    mkdir -p "$(dirname "$peer")"
    # shellcheck disable=SC2046 # words of pkg-config are words
    cc -O2 -o "$peer" "$here/peers/libical.c" $(pkg-config --cflags --libs libical) ||
        { echo "skipped: libical, its program does not compile"; return 1; }
    echo "libical $(pkg-config --modversion libical)"
}

arguments=()
build_peer && arguments=("$peer")
cargo build --quiet --release --manifest-path "$root/Cargo.toml" --example expand_vs_libical
exec "$target/release/examples/expand_vs_libical" "${arguments[@]+"${arguments[@]}"}"
