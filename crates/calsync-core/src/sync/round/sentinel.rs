//! Notices that a side, or our own store, went back in time, and goes on rightly.
//!
//! A mark lies in each calendar that can hold one, and the store remembers it. It is read once both sides are read and before
//! anything is settled or written; the number to be written is stored before the first write and put there after the last
//! one; a quiet round touches it not at all. What shows less than it should was put back, and the pairing waits for a
//! person; what shows more says that the store was: then both sides are read from the beginning and the receipts in the
//! items stand. `docs/adr/0008-marks.md` has the reasons.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::{Became, LINKS, Mode, Pending, Stop, Work};
use crate::ids::{LinkId, PerSide, Side};
use crate::link::{Head, KnownMark, Link, Marks, WentBack, Which, Wish};
use crate::source::{Mark, SourceError, SourceErrorKind};
use crate::store::Commit;
use crate::sync::rebase::led_by;

const LOOK: &str = "look at the mark of the calendar";

/// How many numbers that may arrive yet are remembered; each takes a lost answer.
const LATE: usize = 8;

/// What a mark says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    /// What is expected.
    Fine,
    /// A number arrived of which that was not known.
    Arrived,
    /// Older than remembered.
    WentBack,
    /// Newer than remembered.
    Newer,
    /// None, where there was one.
    Absent,
    /// That of another installation.
    Foreign,
}

fn word(known: &KnownMark, shown: Option<&Mark>, ours: &str) -> Word {
    match (&known.shown, shown) {
        (None, None) => Word::Fine,
        (Some(_), None) => Word::Absent,
        (known, Some(shown)) if known.as_ref() == Some(shown) => Word::Fine,
        (_, Some(shown)) if shown.installation != ours => Word::Foreign,
        (_, Some(shown)) if known.open == Some(shown.number) || known.late.contains(&shown.number) => {
            Word::Arrived
        }
        (Some(known), Some(shown)) if shown.number < known.number => Word::WentBack,
        (Some(_) | None, Some(_)) => Word::Newer,
    }
}

impl Head {
    /// Chooses the side whose values stand from now on, as after something went back in time: both sides are read from
    /// the beginning, nothing is deleted, and what the other side shows is overruled.
    fn led_by(&self, lead: Side, now: DateTime<Utc>) -> Commit {
        let which = self.marks.went_back.map_or(Which::Side(lead.other()), |went_back| went_back.which);
        let since = self.marks.went_back.map_or(now, |went_back| went_back.since);
        let went_back = Some(WentBack { which, since, lead: Some(lead) });
        Commit {
            forget_tokens: PerSide { a: true, b: true },
            marks: Some(Marks { went_back, ..self.marks.clone() }),
            ..Commit::default()
        }
    }
}

/// Why a round ends where this went back.
fn stop(which: Which) -> Option<Stop> {
    let (side, kind) = match which {
        Which::Side(side) => (side, SourceErrorKind::WentBack),
        Which::Absent(side) => (side, SourceErrorKind::Emptied),
        Which::Foreign(side) => (side, SourceErrorKind::Foreign),
        Which::State | Which::Again(_) => return None,
    };
    Some(Stop::Source(side, SourceError::new(LOOK, kind)))
}

impl Work {
    /// Ends the round at once while a person has to choose. A side that is itself again needs nobody: it is read anew.
    pub(super) async fn wait_for_choice(&mut self) -> Result<(), Stop> {
        let Some(went_back) = self.head.marks.went_back else { return Ok(()) };
        self.report.went_back = Some(went_back);
        let (true, Some(stop)) = (went_back.waits(), stop(went_back.which)) else { return Ok(()) };
        let (Which::Side(side) | Which::Absent(side) | Which::Foreign(side)) = went_back.which else {
            return Ok(());
        };
        let known = self.head.marks.known.get(side);
        if self.input.capabilities.get(side).sentinel
            && known.shown.is_some()
            && let Ok(Some(shown)) = self.port.mark(side).await?
            && matches!(
                word(known, Some(&shown), &self.input.settings.installation),
                Word::Fine | Word::Arrived
            )
        {
            let mut forget_tokens = PerSide::default();
            *forget_tokens.get_mut(side) = true;
            let went_back = Some(WentBack { which: Which::Again(side), ..went_back });
            self.report.went_back = went_back;
            let marks = Marks { went_back, ..self.head.marks.clone() };
            return self.commit(Commit { forget_tokens, marks: Some(marks), ..Commit::default() }).await;
        }
        Err(stop)
    }

    /// Takes up that a person chose who leads; of two such orders the later one stands.
    /// Where nothing went back there is nothing to choose, and the order is refused like any other that cannot be done.
    pub(super) async fn take_lead(&mut self) -> Result<(), Stop> {
        if self.head.marks.went_back.is_none() {
            return Ok(());
        }
        let mut chosen = None;
        let mut orders_done = Vec::new();
        for order in &self.head.orders {
            if let Wish::Lead(side) = order.what {
                chosen = Some(side);
                orders_done.push(order.id);
            }
        }
        let Some(lead) = chosen else { return Ok(()) };
        for order in &orders_done {
            self.report.order(*order, None, Became::CarriedOut, format!("{lead} leads"));
        }
        let commit = self.head.led_by(lead, self.input.now);
        self.commit(Commit { orders_done, ..commit }).await
    }

    /// Remembers that something went back; a failure of a side that says so itself leads here too.
    pub(super) async fn notice(&mut self, which: Which) -> Result<(), Stop> {
        let went_back = Some(WentBack { which, since: self.input.now, lead: None });
        self.report.went_back = went_back;
        self.commit_marks(|marks| marks.went_back = went_back).await
    }

    async fn commit_marks(&mut self, change: impl FnOnce(&mut Marks)) -> Result<(), Stop> {
        let mut marks = self.head.marks.clone();
        change(&mut marks);
        if marks == self.head.marks {
            return Ok(());
        }
        self.commit(Commit { marks: Some(marks), ..Commit::default() }).await
    }

    /// After both sides were read from the beginning: brings every link about which there is something to decide under
    /// the side that leads, and goes on as usual.
    pub(super) async fn come_through(&mut self) -> Result<(), Stop> {
        let Some(went_back) = self.head.marks.went_back else { return Ok(()) };
        let mut led = self.head.marks.led.clone();
        if let Some(lead) = went_back.lead {
            let mut after = None;
            let mut consumed = BTreeSet::new();
            loop {
                // Every link with two sides has one on A.
                let links = self.port.unlisted_links(Side::A, u32::MAX, after, LINKS).await?;
                let Some(last) = links.last() else { break };
                after = Some(last.id);
                let links: Vec<Link> =
                    links.into_iter().filter(|link| link.lone_side().is_none() && link.is_dirty()).collect();
                if links.is_empty() {
                    continue;
                }
                let mut pending = Pending::default();
                for link in self.find_moved(links, &mut pending, &mut consumed).await? {
                    self.leading.insert(link.id, lead);
                    if let Some(link) = led_by(&link, lead, &self.setting()) {
                        pending.put.push(link);
                    } else {
                        led.insert(link.id, lead);
                        pending.put.push(link);
                    }
                }
                self.commit(pending.into_commit()).await?;
            }
        }
        let mut known = self.head.marks.known.clone();
        if went_back.lead.is_some() {
            // What the sides show now is where they are marked on from.
            let mut number = self.head.marks.next_number();
            for side in self.marked_sides() {
                let shown = self.read_mark(side).await?;
                number = number.max(shown.as_ref().map_or(0, |mark| mark.number.saturating_add(1)));
                known.get_mut(side).shown = shown;
            }
            for side in self.marked_sides() {
                known.get_mut(side).open = Some(number);
            }
        }
        self.commit_marks(|marks| *marks = Marks { known, went_back: None, led }).await
    }

    /// Brings links that could not be read when a side was chosen to lead under it, now that they can.
    pub(super) async fn lead_late(&mut self, links: Vec<Link>) -> Result<Vec<Link>, Stop> {
        if self.head.marks.led.is_empty() {
            return Ok(links);
        }
        let mut marks = self.head.marks.clone();
        let mut put = Vec::new();
        let links: Vec<Link> = links
            .into_iter()
            .map(|link| {
                let Some(side) = marks.led.get(&link.id).copied() else { return link };
                let Some(link_now) = led_by(&link, side, &self.setting()) else { return link };
                marks.led.remove(&link.id);
                self.leading.insert(link.id, side);
                put.push(link_now.clone());
                link_now
            })
            .collect();
        if !put.is_empty() {
            self.commit(Commit { put, marks: Some(marks), ..Commit::default() }).await?;
        }
        Ok(links)
    }

    /// The side that leads in this link.
    pub(super) fn leads(&self, link: LinkId) -> Option<Side> {
        self.leading.get(&link).copied()
    }

    fn marked_sides(&self) -> Vec<Side> {
        Side::BOTH.into_iter().filter(|side| self.input.capabilities.get(*side).sentinel).collect()
    }

    /// The mark of a side; none where the account may not look.
    async fn read_mark(&mut self, side: Side) -> Result<Option<Mark>, Stop> {
        match self.port.mark(side).await? {
            Ok(shown) => Ok(shown),
            Err(error) if is_denied(&error.kind) => {
                *self.report.unmarked.get_mut(side) = Some(error.kind.to_string());
                Ok(self.head.marks.known.get(side).shown.clone())
            }
            Err(error) => Err(Stop::Source(side, error)),
        }
    }

    /// Looks at the marks, once in a round and before anything is settled.
    pub(super) async fn look_at_marks(&mut self) -> Result<(), Stop> {
        if self.marks_seen {
            return Ok(());
        }
        self.marks_seen = true;
        let mut marks = self.head.marks.clone();
        let mut went_back = None;
        let mut older = false;
        for side in self.marked_sides() {
            let shown = self.read_mark(side).await?;
            let known = marks.known.get(side).clone();
            let ours = &self.input.settings.installation;
            match word(&known, shown.as_ref(), ours) {
                Word::Fine => {}
                Word::Foreign => went_back = Some(Which::Foreign(side)),
                Word::Absent => went_back = went_back.or(Some(Which::Absent(side))),
                Word::WentBack => went_back = went_back.or(Some(Which::Side(side))),
                Word::Arrived => {
                    let next = marks.next_number();
                    let known = marks.known.get_mut(side);
                    let number = shown.as_ref().map(|mark| mark.number);
                    // A late one may have come over a newer one, which is written again then.
                    let over = known.shown.as_ref().map(|mark| mark.number) > number;
                    known.late.retain(|late| Some(*late) != number);
                    known.open =
                        if over { Some(next) } else { known.open.filter(|open| Some(*open) != number) };
                    known.shown = shown;
                }
                Word::Newer => {
                    older = true;
                    let known = marks.known.get_mut(side);
                    known.open = None;
                    known.shown = shown;
                }
            }
        }
        if let Some(which) = went_back {
            self.notice(which).await?;
            return stop(which).map_or(Ok(()), Err);
        }
        // A first sync reads everything from the beginning as it is.
        if older && self.head.first_sync_done {
            let went_back = Some(WentBack { which: Which::State, since: self.input.now, lead: None });
            self.report.went_back = went_back;
            marks.went_back = went_back;
            let forget_tokens = PerSide { a: true, b: true };
            self.commit(Commit { forget_tokens, marks: Some(marks), ..Commit::default() }).await?;
            return Err(Stop::StartOver);
        }
        self.commit_marks(|now| *now = marks).await
    }

    /// Stores the number that both sides are given at the end of this round, before anything is written to either.
    pub(super) async fn open_marks(&mut self) -> Result<(), Stop> {
        if self.marks_open || self.input.mode == Mode::Plan {
            return Ok(());
        }
        self.marks_open = true;
        let sides = self.marked_sides();
        let number = self.head.marks.next_number();
        self.commit_marks(|marks| {
            for side in sides {
                marks.known.get_mut(side).open = Some(number);
            }
        })
        .await
    }

    /// Gives the sides the number that was stored for them, if there is one.
    pub(super) async fn set_marks(&mut self) -> Result<(), Stop> {
        let open = |work: &Work, side: Side| work.head.marks.known.get(side).open;
        let sides: Vec<Side> =
            self.marked_sides().into_iter().filter(|side| open(self, *side).is_some()).collect();
        if sides.is_empty() || self.input.mode == Mode::Plan {
            return Ok(());
        }
        match self.look_at_marks().await {
            // The next round begins anew.
            Err(Stop::StartOver) => return Ok(()),
            looked => looked?,
        }
        for side in sides {
            let known = self.head.marks.known.get(side).clone();
            let Some(number) = known.open else { continue };
            // A number is sent once: what was sent before may still arrive.
            let number = if known.late.contains(&number) { self.head.marks.next_number() } else { number };
            self.commit_marks(|marks| {
                let known = marks.known.get_mut(side);
                known.open = Some(number);
                known.late.push(number);
                let spare = known.late.len().saturating_sub(LATE);
                known.late.drain(..spare);
            })
            .await?;
            let new = Mark { installation: self.input.settings.installation.clone(), number };
            match self.port.set_mark(side, known.shown, new.clone()).await? {
                Ok(()) => {
                    self.commit_marks(|marks| {
                        let known = marks.known.get_mut(side);
                        known.late.retain(|late| *late != number);
                        (known.shown, known.open) = (Some(new), None);
                    })
                    .await?;
                }
                Err(error) if is_denied(&error.kind) => {
                    *self.report.unmarked.get_mut(side) = Some(error.kind.to_string());
                    self.commit_marks(|marks| {
                        let known = marks.known.get_mut(side);
                        known.late.retain(|late| *late != number);
                        known.open = None;
                    })
                    .await?;
                }
                // Somebody was faster: what that means is found out at once.
                Err(error) if error.kind == SourceErrorKind::Stale => {
                    self.marks_seen = false;
                    match self.look_at_marks().await {
                        Err(Stop::StartOver) => return Ok(()),
                        looked => looked?,
                    }
                }
                // Whoever asks to wait is left alone.
                Err(error) if matches!(error.kind, SourceErrorKind::Throttled(_)) => {
                    return Err(Stop::Source(side, error));
                }
                // The next round does it.
                Err(_) => {}
            }
        }
        Ok(())
    }
}

/// Whether a side will never hold a mark as things are.
fn is_denied(kind: &SourceErrorKind) -> bool {
    matches!(kind, SourceErrorKind::Denied(_) | SourceErrorKind::Rejected(_) | SourceErrorKind::Protocol(_))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(number: u64) -> Mark {
        Mark { installation: "ours".to_owned(), number }
    }

    #[test]
    fn what_a_mark_says() {
        let known = |shown: Option<u64>, open, late: &[u64]| KnownMark {
            shown: shown.map(mark),
            open,
            late: late.to_vec(),
        };
        let say = |known: &KnownMark, shown: Option<u64>| word(known, shown.map(mark).as_ref(), "ours");
        let (new, five) = (known(None, None, &[]), known(Some(5), Some(7), &[3]));
        assert_eq!(say(&new, None), Word::Fine);
        assert_eq!(say(&new, Some(1)), Word::Newer, "the store was lost");
        assert_eq!(say(&five, Some(5)), Word::Fine);
        assert_eq!(say(&five, Some(4)), Word::WentBack);
        assert_eq!(say(&five, Some(3)), Word::Arrived, "late, and no restore");
        assert_eq!(say(&five, Some(7)), Word::Arrived, "its answer was lost");
        assert_eq!(say(&five, Some(6)), Word::Newer, "nobody remembers having sent it");
        assert_eq!(say(&five, Some(8)), Word::Newer);
        assert_eq!(say(&five, None), Word::Absent, "never taken for a restore");
        let foreign = Mark { installation: "theirs".to_owned(), number: 5 };
        assert_eq!(word(&five, Some(&foreign), "ours"), Word::Foreign);
        assert_eq!(word(&new, Some(&foreign), "ours"), Word::Foreign);
        let renamed = KnownMark { shown: Some(foreign), ..five };
        assert_eq!(say(&renamed, Some(5)), Word::Newer, "under this name it was never sent");
    }
}
