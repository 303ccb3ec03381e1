//! Spans of time as people write them: `90s`, `5m`, `1h30m`.

use std::time::Duration;

/// Reads a span of time; `None` where it cannot be understood. A number alone is refused: its unit would be a guess.
pub fn parse(text: &str) -> Option<Duration> {
    let text = text.trim();
    let mut total = Duration::ZERO;
    let mut rest = text;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, tail) = rest.split_at(digits);
        let letters = tail.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(letters);
        let seconds = match unit {
            "ms" => {
                total = total.checked_add(Duration::from_millis(number.parse().ok()?))?;
                rest = tail.trim_start();
                continue;
            }
            "s" => 1,
            "m" | "min" => 60,
            "h" => 3600,
            "d" => 86_400,
            _ => return None,
        };
        let part = number.parse::<u64>().ok()?.checked_mul(seconds)?;
        total = total.checked_add(Duration::from_secs(part))?;
        rest = tail.trim_start();
    }
    Some(total)
}

/// Writes what [`parse`] reads.
pub fn show(span: Duration) -> String {
    let seconds = span.as_secs();
    let parts =
        [(seconds / 86_400, "d"), (seconds / 3600 % 24, "h"), (seconds / 60 % 60, "m"), (seconds % 60, "s")];
    let mut out = String::new();
    for (count, unit) in parts.into_iter().filter(|(count, _)| *count > 0) {
        out = format!("{out}{count}{unit}");
    }
    match span.subsec_millis() {
        0 if out.is_empty() => "0s".to_owned(),
        0 => out,
        millis => format!("{out}{millis}ms"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_read_back_as_it_was_written() {
        for text in ["0s", "90s", "5m", "1h30m", "2d", "250ms", "1d2h3m4s"] {
            let span = parse(text).unwrap();
            assert_eq!(parse(&show(span)), Some(span), "{text}");
        }
        assert_eq!(show(Duration::from_secs(300)), "5m");
    }

    #[test]
    fn a_number_without_a_unit_is_not_guessed() {
        for text in ["", "5", "m", "5x", "-5m", "1.5h", "99999999999999999999s"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
