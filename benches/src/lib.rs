//! Measurements of what users wait for; see `benches/`. This package has no code of its own.
