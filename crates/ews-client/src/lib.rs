//! Exchange Web Services as a calendar client, Exchange 2007 SP1 to Exchange Server SE.
//!
//! [`EwsClient`] speaks to one server for any number of mailboxes; [`ops`] are its operations, [`wire`] is what travels.
//! Usable on its own:
//!
//! ```no_run
//! use ews_client::ops::{FolderRef, SyncFolderItems};
//! use ews_client::{EwsClient, Secret, Target};
//!
//! # async fn example() -> Result<(), ews_client::EwsError> {
//! let password = Secret::new(std::env::var("EWS_PASSWORD").unwrap_or_default());
//! let client = EwsClient::basic("https://mail.example.com/EWS/Exchange.asmx", r"EXAMPLE\sync", password).build()?;
//! let target = Target::by_rights("meier@example.com");
//! let question = SyncFolderItems { folder: FolderRef::Calendar, sync_state: None, max_changes: 512, extended: vec![] };
//! let page = client.sync_folder_items(&target, &question).await?;
//! println!("{} changes, more: {}", page.changes.len(), page.more);
//! # Ok(())
//! # }
//! ```
//!
//! Three rules hold everywhere. Nothing mails anybody unless the caller holds a [`ops::MayNotify`]. A write whose answer
//! was lost is never repeated ([`EwsError::may_have_happened`]). One bad item is a value in the result and never fails
//! the others.

#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects, clippy::string_slice, clippy::unreachable))]

mod auth;
mod client;
mod error;
pub mod ops;
pub mod recurrence;
mod source;
mod tls;
mod trace;
mod transport;
mod version;
pub mod wire;
pub mod zones;

pub use auth::{Authentication, Basic, Secret};
pub use client::{Access, Builder, EwsClient, Target};
pub use error::{ConnectFailure, EwsError, Next, ResponseError};
pub use source::{CategoryColour, ExchangeSource, Invitations, UnfitRules, UnknownColour, read_item};
pub use tls::Trust;
pub use trace::TraceDir;
pub use transport::Traffic;
pub use version::{ServerBuild, Version};
