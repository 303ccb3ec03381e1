//! A client that is watched: what it does not understand has to be the gate's doing. While people act, an item may change
//! between two requests for it; when they rest, every item can be read and every write is taken.

use std::sync::Arc;

use async_trait::async_trait;
use calsync_core::ids::{CalendarKey, ChangeToken, CreateToken, ItemKey};
use calsync_core::model::{Attachment, Series};
use calsync_core::source::{
    CalendarSource, Capabilities, ChangePage, FileRead, Files, Fit, Mark, Seen, SourceError, SourceErrorKind,
    Write, WriteOutcome,
};
use calsync_core::store::Recorded;

use super::gate::Turnpike;

pub(crate) struct Watched<S> {
    inner: S,
    gate: Arc<Turnpike>,
}

impl<S> Watched<S> {
    pub(crate) fn new(inner: S, gate: Arc<Turnpike>) -> Watched<S> {
        Watched { inner, gate }
    }

    fn look<T>(&self, answer: Result<T, SourceError>) -> Result<T, SourceError> {
        let mangled = self.gate.was_mangled();
        if let Err(error) = &answer {
            self.judge(error, mangled);
        }
        answer
    }

    fn judge(&self, error: &SourceError, mangled: bool) {
        let odd = match &error.kind {
            SourceErrorKind::Protocol(_) => !mangled,
            SourceErrorKind::NoCalendar(_) => true,
            SourceErrorKind::Rejected(_) => self.gate.line().is_at_rest(),
            _ => false,
        };
        if odd {
            self.gate.line().violated("protocol", format!("{error}: {:?}", error.source));
        }
    }

    fn look_at_items(&self, answer: Result<Vec<Seen>, SourceError>) -> Result<Vec<Seen>, SourceError> {
        for seen in answer.iter().flatten() {
            if let Seen::Unreadable(why) = seen
                && self.gate.line().is_at_rest()
            {
                self.gate.line().violated("protocol", format!("an item cannot be read: {why}"));
            }
        }
        self.look(answer)
    }
}

#[async_trait]
impl<S: CalendarSource> CalendarSource for Watched<S> {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn fit(&self, calendar: &CalendarKey, series: &Series) -> Fit {
        self.inner.fit(calendar, series)
    }

    async fn changes(
        &self,
        calendar: &CalendarKey,
        since: Option<&ChangeToken>,
    ) -> Result<ChangePage, SourceError> {
        self.look(self.inner.changes(calendar, since).await)
    }

    async fn fetch(&self, calendar: &CalendarKey, keys: &[ItemKey]) -> Result<Vec<Seen>, SourceError> {
        self.look_at_items(self.inner.fetch(calendar, keys).await)
    }

    async fn find_created(
        &self,
        calendar: &CalendarKey,
        tokens: &[CreateToken],
    ) -> Result<Vec<Seen>, SourceError> {
        self.look_at_items(self.inner.find_created(calendar, tokens).await)
    }

    async fn sentinel(&self, calendar: &CalendarKey) -> Result<Option<Mark>, SourceError> {
        self.look(self.inner.sentinel(calendar).await)
    }

    async fn set_sentinel(
        &self,
        calendar: &CalendarKey,
        expected: Option<&Mark>,
        new: &Mark,
    ) -> Result<(), SourceError> {
        self.look(self.inner.set_sentinel(calendar, expected, new).await)
    }

    async fn attachment(
        &self,
        calendar: &CalendarKey,
        key: &ItemKey,
        file: &Attachment,
        max_bytes: u64,
    ) -> Result<FileRead, SourceError> {
        self.look(self.inner.attachment(calendar, key, file, max_bytes).await)
    }

    async fn apply(
        &self,
        calendar: &CalendarKey,
        writes: &[Recorded<Write>],
        files: &dyn Files,
    ) -> Vec<WriteOutcome> {
        let outcomes = self.inner.apply(calendar, writes, files).await;
        let mangled = self.gate.was_mangled();
        for outcome in &outcomes {
            if let WriteOutcome::Refused(error) | WriteOutcome::Unknown(error) = outcome {
                self.judge(error, mangled);
            }
        }
        outcomes
    }

    async fn upkeep(&self, calendar: &CalendarKey) -> Result<u64, SourceError> {
        self.look(self.inner.upkeep(calendar).await)
    }
}
