//! What waits for a person, by what it waits for, and what that person can do about it.
//!
//! Takes the steps of a round, or the links of the state, and gives counts by [`Reason`]; each reason has one piece of
//! advice. A reason that never holds anything has none.

use calsync_core::ids::{PairingId, Side};
use calsync_core::link::Link;
use calsync_core::store::{StateStore, StoreError};
use calsync_core::sync::{Action, Likeness, Outside, Reason, Step};
use serde_json::{Map, Value, json};

use crate::clock;
use crate::fields::side_word;
use crate::texts::{Message, OutputText as T};

/// How many links are looked at together.
const LINKS: usize = 500;

/// What waits, counted by its reason; in the order in which it was met.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Waiting(Vec<(Reason, u64)>);

/// The name of a side in texts.
pub(super) fn side(side: Side) -> Message {
    Message::new(match side {
        Side::A => T::SideNvs,
        Side::B => T::SideExchange,
    })
}

impl Waiting {
    /// What a round holds, or would hold.
    pub(super) fn of_steps(steps: &[Step]) -> Waiting {
        let mut waiting = Waiting::default();
        for step in steps.iter().filter(|step| step.action == Action::Hold) {
            waiting.add(step.reason.clone());
        }
        waiting
    }

    /// What the state says that waits.
    pub(super) async fn of_state(
        state: &impl StateStore,
        pairing: &PairingId,
    ) -> Result<Waiting, StoreError> {
        let mut waiting = Waiting::default();
        let (mut after, now) = (None, clock::now());
        loop {
            let links = state.due_links(pairing, after, now, LINKS).await?;
            let Some(last) = links.last() else { return Ok(waiting) };
            after = Some(last.id);
            links.iter().filter_map(reason_of).for_each(|reason| waiting.add(reason));
        }
    }

    fn add(&mut self, reason: Reason) {
        match self.0.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, count)) => *count += 1,
            None => self.0.push((reason, 1)),
        }
    }

    /// What can be done, one message for each reason.
    pub(super) fn advice(&self, pairing: &PairingId) -> Vec<Message> {
        let of = |(reason, count): &(Reason, u64)| {
            let (_, text, at) = entry(reason)?;
            let message = Message::new(text).with("count", count).with("pairing", pairing);
            Some(match at {
                Some(at) => message.with_message("side", side(at)).with_message("other", side(at.other())),
                None => message,
            })
        };
        self.0.iter().filter_map(of).collect()
    }

    /// For programs: `{"too_many_deletions": {"nvs": 12}, "conflict": 1}`.
    pub(super) fn to_json(&self) -> Value {
        let mut document = Map::new();
        for (reason, count) in &self.0 {
            let Some((word, _, at)) = entry(reason) else { continue };
            match at {
                Some(at) => {
                    let by_side = document.entry(word).or_insert_with(|| json!({}));
                    if let Value::Object(by_side) = by_side {
                        by_side.insert(side_word(at).to_owned(), json!(count));
                    }
                }
                None => drop(document.insert(word.to_owned(), json!(count))),
            }
        }
        Value::Object(document)
    }
}

/// Word, advice and side of a reason to hold something.
fn entry(reason: &Reason) -> Option<(&'static str, T, Option<Side>)> {
    match reason {
        Reason::TooManyDeletions(at) => Some(("too_many_deletions", T::DoTooMany, Some(*at))),
        Reason::Conflict => Some(("conflict", T::DoConflict, None)),
        Reason::CameBack(at) => Some(("came_back", T::DoCameBack, Some(*at))),
        Reason::OurDouble(at) => Some(("made_twice", T::DoOurDouble, Some(*at))),
        Reason::Oscillation => Some(("oscillation", T::DoOscillation, None)),
        Reason::TooManyChanges(at) => Some(("too_many_changes", T::DoTooManyChanges, Some(*at))),
        Reason::NotCarried(at) => Some(("not_carried", T::DoNotCarried, Some(*at))),
        Reason::LeftScope(at, _) => Some(("left_scope", T::DoLeftScope, Some(*at))),
        Reason::NewOn(_)
        | Reason::Leads(_)
        | Reason::ChangedOn(_)
        | Reason::ChangedOnBoth
        | Reason::DeletedOn(_)
        | Reason::EditBeatsDeletion(_)
        | Reason::DeletionBeatsEdit(_)
        | Reason::Reverted(_)
        | Reason::OutOfScope(..)
        | Reason::RulesChanged
        | Reason::Protected(_)
        | Reason::Rejected(_)
        | Reason::Chosen(_)
        | Reason::Undo(_)
        | Reason::SameAppointment(_) => None,
    }
}

/// The state and the journal keep reasons in words: the reason that has these words.
pub(super) fn known(words: &str) -> Option<Reason> {
    let of_side = |side: Side| {
        [
            Reason::NewOn(side),
            Reason::ChangedOn(side),
            Reason::DeletedOn(side),
            Reason::EditBeatsDeletion(side),
            Reason::DeletionBeatsEdit(side),
            Reason::Reverted(side),
            Reason::Protected(side),
            Reason::Rejected(side),
            Reason::Chosen(side),
            Reason::Undo(side),
        ]
    };
    let alike = [Likeness::Receipt, Likeness::Uid, Likeness::Content].map(Reason::SameAppointment);
    let others = Side::BOTH.into_iter().flat_map(of_side).chain(alike);
    let all = others.chain([Reason::ChangedOnBoth, Reason::RulesChanged]);
    all.into_iter().find(|reason| reason.to_string() == words).or_else(|| holding(words))
}

/// The same for what a link waits for.
fn reason_of(link: &Link) -> Option<Reason> {
    holding(&link.hold.as_ref()?.why)
}

fn holding(why: &str) -> Option<Reason> {
    let of_side = |side: Side| {
        [
            Reason::TooManyDeletions(side),
            Reason::TooManyChanges(side),
            Reason::CameBack(side),
            Reason::OurDouble(side),
            Reason::NotCarried(side),
        ]
    };
    let left = Side::BOTH
        .into_iter()
        .flat_map(|side| Outside::ALL.into_iter().map(move |outside| Reason::LeftScope(side, outside)));
    let reasons =
        Side::BOTH.into_iter().flat_map(of_side).chain(left).chain([Reason::Conflict, Reason::Oscillation]);
    reasons.into_iter().find(|reason| reason.to_string() == why)
}

#[cfg(test)]
mod tests {
    use calsync_core::ids::{ContentHash, ItemKey, LinkId};
    use calsync_core::link::{Half, Hold, HoldKind, Observation};
    use calsync_core::source::Access;

    use super::*;
    use crate::texts::Lang;

    const HOLDING: [Reason; 8] = [
        Reason::LeftScope(Side::A, Outside::Past),
        Reason::TooManyDeletions(Side::A),
        Reason::Conflict,
        Reason::CameBack(Side::B),
        Reason::OurDouble(Side::B),
        Reason::NotCarried(Side::A),
        Reason::Oscillation,
        Reason::TooManyChanges(Side::B),
    ];

    fn step(reason: Reason, action: Action) -> Step {
        Step { link: LinkId(1), action, reason, paths: Vec::new(), conflicts: Vec::new(), notes: Vec::new() }
    }

    #[test]
    fn every_reason_to_wait_has_advice_in_both_languages() {
        let mut steps: Vec<Step> = HOLDING.iter().map(|reason| step(reason.clone(), Action::Hold)).collect();
        steps.push(step(Reason::TooManyDeletions(Side::A), Action::Hold));
        steps.push(step(Reason::NotCarried(Side::B), Action::Leave));
        let waiting = Waiting::of_steps(&steps);
        let advice = waiting.advice(&PairingId::new("meier"));
        assert_eq!(advice.len(), HOLDING.len(), "what is left as it is waits for nobody");
        for (message, does) in advice.iter().zip([
            "calsyncd pairing set meier --set leaving=keep",
            "calsyncd pairing set meier --guard-percent 100",
            "calsyncd pairing set meier --conflict",
            "to keep them",
            "delete one of the two",
            "calsyncd pairing set meier --read-only-edit",
            "calsyncd held approve",
            "--set change_guard=off",
        ]) {
            let (en, de) = (message.to_text(Lang::En), message.to_text(Lang::De));
            assert!(en.contains(does), "{en}");
            assert!(en != de && !en.contains('{') && !de.contains('{'), "{en} / {de}");
        }
        let expected = json!({
            "left_scope": {"nvs": 1},
            "too_many_deletions": {"nvs": 2},
            "conflict": 1,
            "came_back": {"exchange": 1},
            "made_twice": {"exchange": 1},
            "not_carried": {"nvs": 1},
            "oscillation": 1,
            "too_many_changes": {"exchange": 1},
        });
        assert_eq!(waiting.to_json(), expected);
    }

    #[test]
    fn the_words_in_the_state_are_understood() {
        let half = Half {
            key: ItemKey::new("k"),
            shadow: None,
            seen: Some(Observation::Gone),
            access: Access::Full,
            listed: 0,
            kept: None,
            last: None,
            fresh: false,
        };
        for reason in HOLDING {
            let mut link = Link::found(&PairingId::new("p"), Side::A, half.clone());
            assert_eq!(reason_of(&link), None);
            link.hold = Some(Hold {
                why: reason.to_string(),
                since: chrono::DateTime::UNIX_EPOCH,
                guard: None,
                kind: HoldKind::Conflict,
                about: ContentHash::of(&[]),
                answer: None,
            });
            assert_eq!(reason_of(&link), Some(reason));
        }
    }
}
