//! A number for all that ever happened to a part of the world. Parts that went through the same are the same.

use std::hash::{DefaultHasher, Hasher};
use std::io;

use serde::Serialize;

struct Sink(DefaultHasher);

impl io::Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The number after `chain`, when `what` happened.
pub fn mix(chain: u64, tag: &str, what: &impl Serialize) -> u64 {
    let mut sink = Sink(DefaultHasher::new());
    sink.0.write_u64(chain);
    sink.0.write(tag.as_bytes());
    serde_json::to_writer(&mut sink, what).unwrap();
    sink.0.finish()
}
