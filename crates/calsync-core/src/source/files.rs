//! The way of a file from one side to the other: the source that writes asks for the bytes while it writes.
//!
//! Plans, journals and stores name files and never hold them. One file is in memory at a time, and none that is larger
//! than the settings allow.

use async_trait::async_trait;

use super::{SourceError, Write};
use crate::model::Attachment;

/// What reading a file gave.
#[derive(Clone, PartialEq, Eq)]
pub enum FileRead {
    /// The whole file.
    Bytes(Vec<u8>),
    /// It has more bytes than were allowed.
    TooLarge,
    /// There is no such file any more, or it cannot be read as one.
    Gone,
}

/// Bytes are content of appointments, and never shown.
impl std::fmt::Debug for FileRead {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            FileRead::Bytes(bytes) => write!(f, "Bytes({})", bytes.len()),
            FileRead::TooLarge => f.write_str("TooLarge"),
            FileRead::Gone => f.write_str("Gone"),
        }
    }
}

/// Where a source that writes gets the bytes of the files that its writes name.
#[async_trait]
pub trait Files: Send + Sync {
    /// Reads a file of the other side that `write` is to bring along. What is too large or gone is left out of the write,
    /// which goes on without it.
    ///
    /// # Errors
    ///
    /// The file cannot be read now: the write is to be refused with this error.
    async fn read(&self, write: &Write, file: &Attachment) -> Result<FileRead, SourceError>;

    /// Notes that the writing side leaves a file out of `write`. `why` is for people and names no file.
    fn leave_out(&self, write: &Write, why: String);
}

/// No files at all: for writes that name none.
#[derive(Debug, Clone, Copy)]
pub struct NoFiles;

#[async_trait]
impl Files for NoFiles {
    async fn read(&self, _: &Write, _: &Attachment) -> Result<FileRead, SourceError> {
        Ok(FileRead::Gone)
    }

    fn leave_out(&self, _: &Write, _: String) {}
}
