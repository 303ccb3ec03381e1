//! Measurements of what users wait for; see `benches/`. Beside them stands `expand_vs_libical`, a program that is built with the examples.
