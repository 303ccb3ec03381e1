//! Decodes an answer of Exchange Web Services from standard input.
//!
//! Prints one JSON line per item or change. A SOAP fault or an error in the answer is a line with `error` and `code` and
//! makes the exit status 1, as does input that is no such answer.
//!
//! ```text
//! cargo run --example decode_ews < response.xml
//! ```

use std::io::{self, Read, Write};
use std::process::ExitCode;

use ews_client::wire::{Limits, decode_answer};

fn main() -> ExitCode {
    let mut input = Vec::new();
    if let Err(error) = io::stdin().lock().read_to_end(&mut input) {
        eprintln!("decode_ews: cannot read standard input: {error}");
        return ExitCode::FAILURE;
    }
    let answer = match decode_answer(&input, &Limits::default()) {
        Ok(answer) => answer,
        Err(error) => {
            eprintln!("decode_ews: {error}");
            return ExitCode::FAILURE;
        }
    };
    let mut out = io::stdout().lock();
    for line in answer.to_json() {
        if writeln!(out, "{line}").is_err() {
            // Whoever read the lines has gone.
            return ExitCode::FAILURE;
        }
    }
    if answer.has_errors() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
