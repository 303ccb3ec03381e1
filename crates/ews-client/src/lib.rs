//! Exchange Web Services as a calendar client, Exchange 2007 SP1 to Exchange Server SE.

mod version;
pub mod wire;

pub use version::{ServerBuild, Version};
