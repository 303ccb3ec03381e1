//! The server itself and its calendar units.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Access, Extra, UnitKind};

/// What the server says about itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ServerInfo {
    /// Version of the protocol, `1.0`. A client stops at a major version it does not know.
    pub protocol: String,
    /// Product, for display.
    pub product: String,
    /// Version of the product, for display.
    #[serde(default)]
    pub version: String,
    /// Id of the installation; a test system cloned from production has another one.
    pub installation: String,
    /// Changes when the server went back in time (was restored from a backup); opaque.
    pub epoch: String,
    /// The server's clock.
    pub time: DateTime<Utc>,
    /// Limits of requests.
    pub limits: Limits,
    /// Types whose appointments can neither be deleted nor moved through this protocol.
    #[serde(default)]
    pub protected_types: Vec<String>,
    /// Members this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

/// Limits of requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Most entries on a page, at most 1000.
    pub page: u32,
    /// Most writes, ids, tokens or UIDs in one request, at most 200.
    pub batch: u32,
    /// Most bytes of a request body.
    pub body_bytes: u64,
    /// How long the answer to an idempotency key is kept.
    pub key_memory_seconds: u64,
    /// Most bytes of a file; `None` where the server takes none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_bytes: Option<u64>,
    /// How long a file is kept that no appointment names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_memory_seconds: Option<u64>,
}

/// A file that the server has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredFile {
    /// SHA-256 of its bytes, in lower-case hexadecimal digits.
    pub digest: String,
    /// Bytes.
    pub size: u64,
}

/// One column of the calendar.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Unit {
    /// The server's id; case matters.
    pub id: String,
    /// What it stands for.
    pub kind: UnitKind,
    /// Name, for display.
    pub name: String,
    /// The owner's mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// What the caller may do with it.
    pub access: Access,
    /// Members this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

/// Some of the calendar units, by id.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UnitPage {
    /// The units.
    pub units: Vec<Unit>,
    /// `after` of the next page; absent on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}
