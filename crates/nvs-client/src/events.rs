//! The notification stream: server-sent events that say *that* something changed, never what.
//!
//! A notification only makes a round start early; one that is lost costs time, not correctness.

use chrono::{DateTime, Utc};
use reqwest::Response;
use serde::Deserialize;

use crate::error::{NvsError, NvsErrorKind};

const DOING: &str = "read notification stream";
/// An event is a line or two; more than this is something else.
const MAX_BUFFER: usize = 64 << 10;

/// One notification.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The stream is open.
    Hello {
        /// The server's epoch.
        epoch: String,
        /// The server's clock.
        time: DateTime<Utc>,
    },
    /// Something changed in a calendar unit.
    Changed {
        /// Calendar unit.
        unit: String,
    },
    /// The server was restored from a backup.
    Epoch {
        /// The new epoch.
        epoch: String,
    },
    /// Nothing happened; the connection is alive.
    Alive,
}

/// An open stream; dropping it closes the connection.
#[derive(Debug)]
pub struct EventStream {
    response: Response,
    parser: EventParser,
}

impl EventStream {
    pub(crate) fn new(response: Response) -> Self {
        Self { response, parser: EventParser::default() }
    }

    /// Waits for the next notification; `None` when the server ended the stream. Safe to drop while waiting.
    pub async fn next(&mut self) -> Result<Option<Event>, NvsError> {
        loop {
            if let Some(event) = self.parser.event()? {
                return Ok(Some(event));
            }
            match self.response.chunk().await.map_err(|error| NvsError::from_http(DOING, error))? {
                Some(chunk) => self.parser.push(&chunk),
                None => return Ok(None),
            }
        }
    }
}

/// Cuts a stream into events at its blank lines. Knows nothing of connections.
#[derive(Debug, Default)]
pub struct EventParser {
    buffer: Vec<u8>,
    name: String,
    data: String,
}

#[derive(Deserialize)]
struct HelloData {
    epoch: String,
    time: DateTime<Utc>,
}

#[derive(Deserialize)]
struct UnitData {
    unit: String,
}

#[derive(Deserialize)]
struct EpochData {
    epoch: String,
}

impl EventParser {
    /// Takes what came over the line, cut anywhere.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next notification that is complete.
    ///
    /// # Errors
    ///
    /// [`BadAnswer`](NvsErrorKind::BadAnswer): it is too long, or none of the protocol. The stream is of no more use.
    pub fn event(&mut self) -> Result<Option<Event>, NvsError> {
        while let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.buffer.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line);
            let line = line.trim_end_matches(['\r', '\n']);
            if line.is_empty() {
                let name = std::mem::take(&mut self.name);
                let data = std::mem::take(&mut self.data);
                if let Some(event) = event(&name, &data)? {
                    return Ok(Some(event));
                }
            } else if line.starts_with(':') {
                return Ok(Some(Event::Alive));
            } else {
                let (field, value) = line.split_once(':').unwrap_or((line, ""));
                let value = value.strip_prefix(' ').unwrap_or(value);
                match field {
                    "event" => value.clone_into(&mut self.name),
                    "data" => {
                        if !self.data.is_empty() {
                            self.data.push('\n');
                        }
                        self.data.push_str(value);
                    }
                    _ => {}
                }
            }
            bounded(self.data.len())?;
        }
        bounded(self.buffer.len())?;
        Ok(None)
    }
}

fn bounded(length: usize) -> Result<(), NvsError> {
    if length <= MAX_BUFFER {
        return Ok(());
    }
    Err(NvsError::new(
        DOING,
        NvsErrorKind::BadAnswer,
        "an event is too long; check what answers at the nvs url",
    ))
}

fn event(name: &str, data: &str) -> Result<Option<Event>, NvsError> {
    let read = match name {
        "hello" => serde_json::from_str(data).map(|HelloData { epoch, time }| Event::Hello { epoch, time }),
        "changed" => serde_json::from_str(data).map(|UnitData { unit }| Event::Changed { unit }),
        "epoch" => serde_json::from_str(data).map(|EpochData { epoch }| Event::Epoch { epoch }),
        // Kinds of a later version.
        _ => return Ok(None),
    };
    read.map(Some)
        .map_err(|_| NvsError::new(DOING, NvsErrorKind::BadAnswer, "an event does not follow the protocol"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_read_however_the_stream_is_cut() {
        let stream = b": ping\n\nevent: changed\r\ndata: {\"unit\":\"u1\"}\r\n\r\nevent: later\ndata: x\n\nid: 7\nevent: epoch\ndata: {\ndata: \"epoch\":\"e2\"}\n\n";
        for size in 1..stream.len() {
            let mut parser = EventParser::default();
            let mut events = Vec::new();
            for piece in stream.chunks(size) {
                parser.push(piece);
                while let Some(event) = parser.event().unwrap() {
                    events.push(event);
                }
            }
            let expected =
                [Event::Alive, Event::Changed { unit: "u1".into() }, Event::Epoch { epoch: "e2".into() }];
            assert_eq!(events, expected, "cut every {size} bytes");
        }
    }

    #[test]
    fn a_line_without_an_end_is_stopped() {
        let mut parser = EventParser::default();
        parser.push(&vec![b'x'; MAX_BUFFER + 1]);
        assert_eq!(parser.event().unwrap_err().kind, NvsErrorKind::BadAnswer);
    }
}
