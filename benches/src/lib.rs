//! Measurements of what users wait for; see `benches/`. Beside them stands `expand-vs-libical`, a program.
