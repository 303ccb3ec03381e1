//! Client of the Calender Sync Protocol, and the NVS side of calsync.
//!
//! [`wire`] has the documents as they travel, [`NvsClient`] one method per operation. The protocol is described in
//! `docs/calender-sync-protocol.yaml` (OpenAPI 3.1) and, with its reasons, in `docs/protocol/nvs.md`.

#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects, clippy::string_slice, clippy::unreachable))]

mod client;
mod error;
mod events;
mod source;
mod tls;
mod trace;
mod traffic;
mod transport;
pub mod wire;

pub use client::{Answered, MAX_BATCH, MAX_PAGE, NvsClient, digest_of};
pub use error::{NvsError, NvsErrorKind};
pub use events::{Event, EventParser, EventStream};
pub use source::{NvsSource, read_item};
pub use tls::ClientIdentity;
pub use trace::Trace;
pub use traffic::Traffic;
pub use transport::{NvsSettings, Token};
