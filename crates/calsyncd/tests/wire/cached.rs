//! What stands in a calendar, read again only where it changed: the world looks often.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use calsync_core::source::Access;
use calsync_sim::Standing;
use calsync_testkit::whole::Whole;

#[derive(Default)]
pub(crate) struct Cached(Mutex<HashMap<String, Standing>>);

impl Cached {
    /// What is there under this name in this revision; `read` reads it anew.
    pub(crate) fn get(
        &self,
        key: &str,
        revision: u64,
        read: impl FnOnce() -> Option<(u64, Whole)>,
    ) -> Option<Standing> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(standing) = known.get(key).filter(|standing| standing.revision == revision) {
            return Some(standing.clone());
        }
        let (revision, whole) = read()?;
        let standing = Standing {
            key: key.to_owned(),
            revision,
            series: Arc::new(whole.series),
            receipt: None,
            access: if whole.received { Access::Personal } else { Access::Full },
            composed: false,
        };
        known.insert(key.to_owned(), standing.clone());
        Some(standing)
    }

    /// Forgets everything: revisions may be given again.
    pub(crate) fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
