//! The decision about one link: what follows from what is on each side, in writes and steps.
//!
//! [`decide`] takes the [`verdict`] of the table and turns it into a plan under the settings of the pairing. It is pure.

use chrono::{DateTime, Utc};

use super::agreed::replaced_by;
use super::merge::{Merged, Versions, merge};
use super::original::{guarded, original, told_nothing};
use super::parting::{is_out_of_scope, leaving, part, still_shows};
use super::plan::{Action, Likeness, Reason, Step};
use super::restate::restate;
use super::round::LeftOut;
use super::rules::Rules;
use super::settings::{ChangeGuard, ClockOffsets, ReadOnlyEdit, Settings};
use super::verdict::{State, Verdict, verdict};
use super::view::{Past, Private, View};
use super::{about, attachments, breaker, protected};
use crate::defects::{Defect, planted};
use crate::ids::{ContentHash, CreateToken, PairingId, PerSide, Side, Uid};
use crate::link::{Answer, DeletionGuard, Direction, Half, HoldKind, Link};
use crate::model::{Attachments, Event, Field, Mark, OverridePatch, Series, SeriesPatch};
use crate::source::{Access, WriteOp};
use crate::store::{Losing, LostBy};

/// What a decision depends on besides the link.
#[derive(Debug, Clone, Copy)]
pub(super) struct Context<'a> {
    pub(super) pairing: &'a PairingId,
    pub(super) settings: &'a Settings,
    /// The settings under which links in step are as they are, where the rules changed since.
    pub(super) before: Option<&'a Settings>,
    pub(super) now: DateTime<Utc>,
    pub(super) offsets: ClockOffsets,
    /// Deletions seen on this side are too many to be meant.
    pub(super) hold_deletions: PerSide<bool>,
    /// Changes seen on this side are too many to be meant.
    pub(super) hold_changes: PerSide<bool>,
    /// Whether a side can be told by a mark what was tried.
    pub(super) marks: PerSide<bool>,
    /// Fields that a side cannot hold.
    pub(super) unheld: PerSide<&'a [Field]>,
    /// How long a UID may be that a side takes over ([`crate::source::Capabilities::kept_uid`]).
    pub(super) kept_uid: PerSide<usize>,
    /// Why the link's lone item gets no counterpart.
    pub(super) suspicion: Option<Suspicion>,
    /// By what a pair was recognised, for links that have just been put together.
    pub(super) likeness: Option<Likeness>,
    /// The side that was chosen to lead in this link, after a side went back in time.
    pub(super) leads: Option<Side>,
}

/// Why an item that has no counterpart must not simply get one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Suspicion {
    /// It was deleted on both sides before, and this is an old copy.
    CameBack,
    /// It was deleted again and again, and again it is there: one program makes what another deletes.
    MadeAgain,
    /// We made it twice: its counterpart is in step with another item of the same identity.
    OurDouble,
}

/// A write before it has a receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PlannedWrite {
    pub(super) op: WriteOp,
    pub(super) reason: String,
    pub(super) before: Option<Series>,
    /// What people did on that side and this write takes away.
    pub(super) losing: Option<Losing>,
}

impl PlannedWrite {
    /// With what is lost of the half that is written.
    fn losing(mut self, half: &Half, side: Side, paths: Vec<String>, by: LostBy) -> PlannedWrite {
        if !paths.is_empty()
            && let Some((_, series)) = half.latest()
        {
            let modified = half.sighting().and_then(|sighting| sighting.modified);
            self.losing = Some(Losing { side, series: series.clone(), modified, paths, by });
        }
        self
    }
}

/// What a person is asked before anything is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Question {
    pub(super) kind: HoldKind,
    /// What was decided.
    pub(super) reason: Reason,
    pub(super) about: ContentHash,
    /// The guard that holds a deletion.
    pub(super) guard: Option<DeletionGuard>,
}

impl Question {
    /// About the appointment as a whole.
    pub(super) fn whole(link: &Link, kind: HoldKind, reason: Reason) -> Question {
        Question { kind, about: about::whole(link, kind, &reason), reason, guard: None }
    }

    /// What a person said to just this question.
    pub(super) fn answer(&self, link: &Link) -> Option<Answer> {
        link.hold.as_ref().filter(|hold| hold.about == self.about).and_then(|hold| hold.answer)
    }
}

/// What is to be done about a link, and what becomes of it then.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct LinkPlan {
    pub(super) steps: Vec<Step>,
    pub(super) writes: PerSide<Option<PlannedWrite>>,
    /// Changes of this side that stay observed.
    pub(super) held: PerSide<SeriesPatch>,
    /// The write to this side takes back changes made there.
    pub(super) reverts: PerSide<bool>,
    /// What is written is this mark on this side, and nothing else.
    pub(super) marks: Option<(Side, Mark)>,
    /// The counterpart that is gone is not made again when the rules change.
    pub(super) left_alone: bool,
    /// A person said how writing to and fro ends: it is counted from the beginning.
    pub(super) calms: bool,
    /// What a person is asked; the link stays as it is but for what `writes` does.
    pub(super) hold: Option<Question>,
    /// What a person answered is used, whatever is asked besides.
    pub(super) answered: bool,
    /// Why what a person answered cannot be done, so that the same is asked again.
    pub(super) refused: Option<&'static str>,
    /// A person wants the counterpart to stay, though the appointment is out of scope.
    pub(super) stays: bool,
    /// The side with the original, where the other side has a masked copy from now on.
    pub(super) masked: Option<Side>,
    /// Halves that are dropped: their item is gone and is not made again.
    pub(super) drop: PerSide<bool>,
    /// Why this side cannot hold what was planned for it; nothing is sent there.
    pub(super) unfit: PerSide<Option<String>>,
    /// The link ends, and this is remembered.
    pub(super) bury: bool,
    /// Nothing changes at all, not even what is remembered.
    pub(super) untouched: bool,
    /// Files that are too large to go along.
    pub(super) left_out: Vec<LeftOut>,
}

/// Decides about one link.
pub(super) fn decide(link: &Link, context: &Context<'_>) -> LinkPlan {
    let halves = &link.halves;
    let states = PerSide::from_fn(|side| State::of(halves.get(side).as_ref()));
    let mut plan = LinkPlan {
        masked: original(link, context.pairing, context.settings),
        stays: link.memory.stays && is_out_of_scope(link, context),
        ..LinkPlan::default()
    };
    let verdict = verdict(states.a, states.b);
    if let Some(side) = too_many_changes(link, verdict, states, context, &plan) {
        match answered(link, HoldKind::Changes, &Reason::TooManyChanges(side)) {
            Some(Answer::Approve | Answer::Prefer(_)) => plan.answered = true,
            Some(Answer::Reject) => {
                take_back(link, side, context, &mut plan);
                return plan;
            }
            None => {
                hold(link, HoldKind::Changes, Reason::TooManyChanges(side), &mut plan);
                return plan;
            }
        }
    }
    if let Some((side, mark)) = protected::to_mark(link, verdict, context, &plan) {
        protected::write_mark(link, side, mark, &mut plan);
        return plan;
    }
    if matches!(verdict, Verdict::InStep | Verdict::Carry(_) | Verdict::Merge)
        && let Some((side, why)) = leaving(link, context)
        && part(link, side, why, context, &mut plan)
    {
        return plan;
    }
    match verdict {
        Verdict::Read => plan.untouched = true,
        Verdict::InStep => restate(link, context, &mut plan),
        Verdict::Forget => plan.bury = true,
        // Nobody makes an original again from its masked copy.
        Verdict::Create(copy) if link.masked == Some(copy.other()) && link.lone_side().is_none() => {
            delete(link, copy.other(), Reason::DeletionBeatsEdit(copy.other()), context, &mut plan);
        }
        Verdict::Create(from) => {
            let reason = context.leads.map_or(Reason::NewOn(from), Reason::Leads);
            create(link, from, reason, context, &mut plan);
        }
        Verdict::Pair => pair(link, context, &mut plan),
        Verdict::Carry(from) => {
            let reason = context.leads.map_or(Reason::ChangedOn(from), Reason::Leads);
            carry(link, &reason, context, &mut plan);
        }
        Verdict::Merge => carry(link, &Reason::ChangedOnBoth, context, &mut plan),
        Verdict::Delete(gone) => delete(link, gone, Reason::DeletedOn(gone), context, &mut plan),
        Verdict::Contest(gone) => {
            // Nobody makes an original again from its masked copy.
            let carried = context.settings.direction.writes(gone) && guarded(link, plan.masked) != Some(gone);
            if context.settings.deletion_wins || !carried || planted(Defect::DeletionBeatsEdit) {
                delete(link, gone, Reason::DeletionBeatsEdit(gone), context, &mut plan);
            } else {
                create(link, gone.other(), Reason::EditBeatsDeletion(gone), context, &mut plan);
            }
        }
    }
    attachments::within_limits(link, context.settings.attachments, &mut plan);
    breaker::stop(link, context, &mut plan);
    plan
}

/// The side whose changes wait because they are too many to be meant. What became private does not wait to be masked.
fn too_many_changes(
    link: &Link,
    verdict: Verdict,
    states: PerSide<State>,
    context: &Context<'_>,
    plan: &LinkPlan,
) -> Option<Side> {
    let carries = matches!(verdict, Verdict::Carry(_) | Verdict::Merge);
    if !carries || plan.masked.is_some_and(|original| still_shows(link, original, context)) {
        return None;
    }
    let settings = context.settings;
    let waits = link.hold.as_ref().filter(|hold| hold.kind == HoldKind::Changes);
    let waits = waits.filter(|_| settings.change_guard != ChangeGuard::Off);
    let held_before =
        |side: Side| waits.is_some_and(|hold| hold.why == Reason::TooManyChanges(side).to_string());
    Side::BOTH.into_iter().find(|side| {
        *states.get(*side) == State::Changed
            && settings.direction.writes(side.other())
            && (held_before(*side) || *context.hold_changes.get(*side))
    })
}

/// What a person said to this question, as long as it is still the same.
pub(super) fn answered(link: &Link, kind: HoldKind, reason: &Reason) -> Option<Answer> {
    let hold = link.hold.as_ref().filter(|hold| hold.kind == kind)?;
    hold.answer.filter(|_| hold.about == about::whole(link, kind, reason))
}

/// Takes back what was changed on this side, where it may be written; what the other side changed is carried.
fn take_back(link: &Link, side: Side, context: &Context<'_>, plan: &mut LinkPlan) {
    let writes = context.settings.direction.writes(side);
    let settings = Settings {
        direction: match side {
            Side::A => Direction::BToA,
            Side::B => Direction::AToB,
        },
        read_only_edit: if writes { ReadOnlyEdit::Revert } else { ReadOnlyEdit::Ignore },
        ..context.settings.clone()
    };
    carry(link, &Reason::Reverted(side), &Context { settings: &settings, ..*context }, plan);
}

pub(super) fn step(link: &Link, action: Action, reason: Reason) -> Step {
    Step { link: link.id, action, reason, paths: Vec::new(), conflicts: Vec::new(), notes: Vec::new() }
}

/// Leaves the link as it is until a person said what to do.
pub(super) fn hold(link: &Link, kind: HoldKind, reason: Reason, plan: &mut LinkPlan) {
    wait(link, Question::whole(link, kind, reason), plan);
}

pub(super) fn wait(link: &Link, question: Question, plan: &mut LinkPlan) {
    plan.steps.push(step(link, Action::Hold, question.reason.clone()));
    plan.hold = Some(question);
}

/// Asks the same again, since what was answered cannot be done.
pub(super) fn refuse(link: &Link, question: Question, why: &'static str, plan: &mut LinkPlan) {
    plan.refused = Some(why);
    wait(link, question, plan);
}

/// Makes a counterpart of the item of `from`.
fn create(link: &Link, from: Side, reason: Reason, context: &Context<'_>, plan: &mut LinkPlan) {
    let target = from.other();
    let Some(half) = link.halves.get(from) else { return };
    let Some((_, series)) = half.latest() else { return };
    if let Some(suspicion) = context.suspicion
        && is_suspect(link, from, suspicion, context, plan)
    {
        return;
    }
    let masks = context.settings.outward.get(target).private != Private::Pass;
    let masked = masks && half.receipt().is_some_and(|receipt| receipt.masked);
    if masked && link.halves.get(target).is_none() {
        // Nobody makes an original again from its masked copy.
        plan.left_alone = true;
        plan.steps.push(step(link, Action::Leave, Reason::NotCarried(from)));
        return;
    }
    if let Some(why) = context.settings.out_of_scope(from, series, context.now) {
        *plan.drop.get_mut(target) = link.halves.get(target).is_some();
        plan.steps.push(step(link, Action::Leave, Reason::OutOfScope(from, why)));
        return;
    }
    if !context.settings.direction.writes(target) && !planted(Defect::DirectionIgnored) {
        // An item that nobody wants to carry is not an error and no reason to look again: it is in step as it is.
        *plan.drop.get_mut(target) = link.halves.get(target).is_some();
        plan.steps.push(step(link, Action::Leave, Reason::NotCarried(from)));
        return;
    }
    // What it was a copy of is gone, or what was to be the original beside it and never masked it. Made again, that one is the copy.
    if plan.masked != Some(from)
        && link.halves.get(target).is_some()
        && context.settings.hides(from, series)
        && !planted(Defect::OriginalForgotten)
    {
        plan.masked = Some(from);
    }
    let token = CreateToken::derive(context.pairing, target, &half.key, next_generation(link, target));
    // Its text may have been made of a counterpart that is gone.
    let past = Past {
        was: half.shadow.as_ref().map(|shadow| &shadow.series),
        theirs: link.halves.get(target).as_ref().and_then(|half| half.latest()).map(|(_, series)| series),
    };
    let mut shown = View::new(context.settings, from, plan.masked).show(series, past).into_owned();
    if context.suspicion == Some(Suspicion::OurDouble) {
        // An appointment of its own from now on: under one UID the four would be taken for two.
        shown.uid = Uid::new(token.as_str());
    } else if let Some(uid) = uid_before(link, target, context) {
        shown.uid = uid;
    }
    let op = WriteOp::Create { token, series: Box::new(shown) };
    *plan.writes.get_mut(target) =
        Some(PlannedWrite { op, reason: reason.to_string(), before: None, losing: None });
    plan.steps.push(step(link, Action::Create(target), reason));
}

/// The UID that the counterpart on `target` had before it was gone: made again under that one, it is known as the same if somebody
/// puts back what was gone. Where this store never had it, our receipt in what was made of it tells, if the server gave that a UID
/// of its own.
fn uid_before(link: &Link, target: Side, context: &Context<'_>) -> Option<Uid> {
    let gone = link.halves.get(target).as_ref();
    let own_uid = |named: &Uid| named.as_str().len() > *context.kept_uid.get(target.other());
    let named = || {
        let receipt = link.halves.get(target.other()).as_ref()?.receipt()?;
        receipt.counterpart_uid.clone().filter(own_uid)
    };
    let uid = gone.map_or_else(named, |gone| gone.uid().cloned())?;
    let length = uid.as_str().len();
    (length > 0 && length <= *context.kept_uid.get(target)).then_some(uid)
}

/// What becomes of a lone item that must not simply get a counterpart. Says whether that is all there is to decide.
fn is_suspect(
    link: &Link,
    from: Side,
    suspicion: Suspicion,
    context: &Context<'_>,
    plan: &mut LinkPlan,
) -> bool {
    let (question, deletes, keeps) = match suspicion {
        Suspicion::CameBack => {
            let question = Question::whole(link, HoldKind::CameBack, Reason::CameBack(from));
            (question, Answer::Reject, Answer::Approve)
        }
        Suspicion::OurDouble => {
            let question = Question::whole(link, HoldKind::OurDouble, Reason::OurDouble(from));
            (question, Answer::Approve, Answer::Reject)
        }
        Suspicion::MadeAgain => return is_made_again(link, plan),
    };
    match question.answer(link) {
        Some(answer) if answer == keeps => return false,
        Some(answer) if answer == deletes => {
            let half = link.halves.get(from).as_ref();
            let untouched = half.and_then(|half| half.sighting()).is_some_and(|sighting| {
                let receipt = sighting.receipt.as_ref();
                receipt.is_some_and(|receipt| receipt.says(&sighting.series, context.unheld.get(from)))
            });
            let full = half.is_some_and(|half| half.access == Access::Full);
            if !context.settings.direction.writes(from) || !full {
                refuse(link, question, "it may not be deleted there: delete it by hand", plan);
            } else if suspicion == Suspicion::OurDouble && !untouched {
                let why = "it is no longer as it was made: look at both, and delete one by hand";
                refuse(link, question, why, plan);
            } else {
                write_deletion(link, from, question.reason, plan);
            }
        }
        Some(_) | None => wait(link, question, plan),
    }
    true
}

/// Waits before the next copy of what is always deleted again. Rejected, it stays where it was made until somebody edits it.
fn is_made_again(link: &Link, plan: &mut LinkPlan) -> bool {
    let question = Question::whole(link, HoldKind::Oscillation, Reason::Oscillation);
    match question.answer(link) {
        Some(Answer::Approve | Answer::Prefer(_)) => {
            plan.answered = true;
            return false;
        }
        Some(Answer::Reject) => {
            (plan.answered, plan.left_alone) = (true, true);
            plan.steps.push(step(link, Action::Leave, question.reason));
        }
        None => wait(link, question, plan),
    }
    true
}

/// The generation of the next counterpart on `target`: a new one where there was one before.
pub(super) fn next_generation(link: &Link, target: Side) -> u32 {
    let again = link.halves.get(target).is_some() && !planted(Defect::TokenUsedAgain);
    link.generation.saturating_add(u32::from(again))
}

/// Deletes the counterpart of an item that is gone.
fn delete(link: &Link, gone: Side, reason: Reason, context: &Context<'_>, plan: &mut LinkPlan) {
    let target = gone.other();
    let Some(half) = link.halves.get(target) else { return };
    if let Some(question) = held_back(link, gone, context) {
        match question.answer(link) {
            Some(Answer::Approve) => plan.answered = true,
            Some(Answer::Reject) => return create(link, target, Reason::Rejected(gone), context, plan),
            Some(Answer::Prefer(_)) | None => return wait(link, question, plan),
        }
    }
    let shielded = protected::shielded(link, context.settings) == Some(target);
    let masked = guarded(link, plan.masked) == Some(target) && !planted(Defect::MaskedCopyDeletes);
    let one_way = !context.settings.direction.writes(target) || masked || shielded;
    if one_way || half.access != Access::Full && !planted(Defect::ForeignDeleted) {
        let mut edit = context.settings.read_only_edit;
        if edit == ReadOnlyEdit::Report {
            let question = Question::whole(link, HoldKind::NotCarried, Reason::NotCarried(gone));
            edit = match question.answer(link) {
                Some(Answer::Approve) => ReadOnlyEdit::Ignore,
                Some(Answer::Reject) => ReadOnlyEdit::Revert,
                Some(Answer::Prefer(_)) | None => return wait(link, question, plan),
            };
        }
        match edit {
            ReadOnlyEdit::Revert if context.settings.direction.writes(gone) => {
                *plan.reverts.get_mut(gone) = true;
                let reason = if shielded { Reason::Protected(gone) } else { Reason::Reverted(gone) };
                create(link, target, reason, context, plan);
            }
            ReadOnlyEdit::Revert | ReadOnlyEdit::Ignore | ReadOnlyEdit::Report => {
                *plan.drop.get_mut(gone) = true;
                plan.left_alone = true;
                plan.steps.push(step(link, Action::Leave, Reason::NotCarried(gone)));
            }
        }
        return;
    }
    write_deletion(link, target, reason, plan);
}

/// Whether the guard keeps deletions that come from this side waiting: now, or since it was first met.
pub(super) fn is_held_back(link: &Link, from: Side, context: &Context<'_>) -> bool {
    let held_before = link.hold.as_ref().is_some_and(|hold| hold.guard == Some(context.settings.guard));
    held_before || *context.hold_deletions.get(from)
}

/// What a person is asked about such a deletion.
pub(super) fn held_back(link: &Link, from: Side, context: &Context<'_>) -> Option<Question> {
    is_held_back(link, from, context).then(|| Question {
        guard: Some(context.settings.guard),
        ..Question::whole(link, HoldKind::Deletion, Reason::TooManyDeletions(from))
    })
}

pub(super) fn write_deletion(link: &Link, target: Side, reason: Reason, plan: &mut LinkPlan) {
    let Some(half) = link.halves.get(target) else { return };
    let Some((revision, series)) = half.latest() else { return };
    let op = WriteOp::Delete { key: half.key.clone(), expected: revision.clone() };
    let edited = half.shadow.as_ref().map(|shadow| shadow.series.diff(series).paths()).unwrap_or_default();
    let write = PlannedWrite { op, reason: reason.to_string(), before: Some(series.clone()), losing: None };
    *plan.writes.get_mut(target) = Some(write.losing(half, target, edited, LostBy::Deletion));
    plan.steps.push(step(link, Action::Delete(target), reason));
}

/// Brings two items together that were never in step: nothing is lost where one side says nothing, else the leading
/// side stands.
fn pair(link: &Link, context: &Context<'_>, plan: &mut LinkPlan) {
    let (Some(a), Some(b)) = (&link.halves.a, &link.halves.b) else { return };
    let (Some((_, a)), Some((_, b))) = (a.latest(), b.latest()) else { return };
    let latest = PerSide { a, b };
    // A masked copy has nothing to say about its original.
    let original = guarded(link, plan.masked);
    let lead = original.unwrap_or(context.settings.leading());
    let views = views(context, plan);
    // Each side has a base in its own terms.
    let base = PerSide::from_fn(|side| {
        let past = Past { was: None, theirs: Some(latest.get(side)) };
        let shown = views.get(side.other()).show(latest.get(side.other()), past);
        if side == lead {
            common_base(latest.get(lead), &shown)
        } else {
            common_base(&shown, latest.get(side))
        }
    });
    // Nothing was masked yet: what says the same on both sides and is private is masked now.
    let before = PerSide::from_fn(|side| View::new(context.settings, side, None));
    let versions = Versions::new(PerSide { a: &base.a, b: &base.b }, latest, &before, views);
    let reason = Reason::SameAppointment(context.likeness.unwrap_or(Likeness::Content));
    plan.steps.push(step(link, Action::Pair, reason.clone()));
    // Differences at first sight are no edits: where they may not be carried they are neither taken back nor reported. What
    // our own receipt names was in step once, before the store was lost or went back, and a masked copy is what its original
    // makes it.
    let was_in_step = context.likeness == Some(Likeness::Receipt) || link.is_named() || original.is_some();
    // What is made a masked copy only now was none before, so that nothing was done to one that is to be ignored.
    let masked_now =
        link.masked.is_none() && original.is_some() && context.likeness == Some(Likeness::Receipt);
    let read_only_edit = match context.settings.read_only_edit {
        ReadOnlyEdit::Ignore if masked_now => ReadOnlyEdit::Revert,
        as_set if was_in_step => as_set,
        ReadOnlyEdit::Revert | ReadOnlyEdit::Ignore | ReadOnlyEdit::Report => ReadOnlyEdit::Ignore,
    };
    let settings = Settings { read_only_edit, ..context.settings.clone() };
    let context = Context { settings: &settings, ..*context };
    let merged = merge(&versions, &Rules::new(link, &context, original));
    let outdone = merged.conflicts.iter().filter(|conflict| conflict.winner == Some(lead));
    let outdone: Vec<String> = outdone.map(|conflict| conflict.path.clone()).collect();
    write_merged(link, &latest, merged, &reason, plan);
    // What the side that does not lead says, and is told otherwise now.
    let side = lead.other();
    if let (Some(half), Some(write)) = (link.halves.get(side), plan.writes.get_mut(side).take()) {
        let lost = each_once(overwritten(latest.get(side), &write.op), outdone);
        *plan.writes.get_mut(side) = Some(write.losing(half, side, lost, LostBy::Lead));
    }
}

/// All these paths, each once.
fn each_once(mut paths: Vec<String>, more: Vec<String>) -> Vec<String> {
    let more: Vec<String> = more.into_iter().filter(|path| !paths.contains(path)).collect();
    paths.extend(more);
    paths
}

/// What of a series a write takes away, where it does not only add.
fn overwritten(series: &Series, op: &WriteOp) -> Vec<String> {
    let WriteOp::Update { patch, .. } = op else { return Vec::new() };
    let said = series.event.said();
    let lost = |field: Field| field == Field::Span || said.contains(&field);
    SeriesPatch { master: patch.master.only(lost), ..(**patch).clone() }.paths()
}

/// A version from which both could have come: what the lead says counts as changed there, what it leaves blank
/// counts as added on the other side.
fn common_base(lead: &Series, other: &Series) -> Series {
    let blank = Event::new("", lead.event.span.clone());
    let said = blank.diff(&lead.event).fields();
    let mut base = other.clone();
    base.event
        .diff(&lead.event)
        .only(|field| field != Field::Span && !said.contains(&field))
        .apply(&mut base.event);
    base.overrides.retain(|key, _| lead.overrides.contains_key(key));
    // Files of both sides come together, whatever the lead has.
    base.event.attachments = Attachments::default();
    base
}

/// Carries changes of one side, or of both.
fn carry(link: &Link, reason: &Reason, context: &Context<'_>, plan: &mut LinkPlan) {
    let (Some(a), Some(b)) = (&link.halves.a, &link.halves.b) else { return };
    let (Some(shadow_a), Some(shadow_b)) = (&a.shadow, &b.shadow) else { return };
    let (Some((_, latest_a)), Some((_, latest_b))) = (a.latest(), b.latest()) else { return };
    let shadow = PerSide { a: &shadow_a.series, b: &shadow_b.series };
    let latest = PerSide { a: latest_a, b: latest_b };
    // Where something is masked from now on, or no longer, that is a change of what the other side is shown.
    let before = PerSide::from_fn(|side| View::new(context.settings, side, link.masked));
    let versions = Versions::new(shadow, latest, &before, views(context, plan));
    let mut rules = Rules::new(link, context, told_nothing(link, plan.masked));
    let mut reason = reason.clone();
    let mut merged = merge(&versions, &rules);
    // Conflicts first: of what may not be carried a person is asked when it is known who won.
    while let Some(question) = question_of(&merged) {
        match (question.kind, question.answer(link)) {
            (HoldKind::Conflict, Some(Answer::Prefer(side))) if rules.chosen.is_none() => {
                rules.chosen = Some(side);
                reason = Reason::Chosen(side);
            }
            (HoldKind::NotCarried, Some(Answer::Approve)) => rules.forbidden = ReadOnlyEdit::Ignore,
            (HoldKind::NotCarried, Some(Answer::Reject)) => rules.forbidden = ReadOnlyEdit::Revert,
            _ => break,
        }
        plan.answered = true;
        merged = merge(&versions, &rules);
    }
    write_merged(link, &versions.latest, merged, &reason, plan);
}

/// What a person is asked about changes that wait, if any do.
fn question_of(merged: &Merged) -> Option<Question> {
    let held = &merged.held;
    if held.a.is_empty() && held.b.is_empty() {
        return None;
    }
    let (kind, reason) = if merged.conflicts.iter().any(|conflict| conflict.winner.is_none()) {
        (HoldKind::Conflict, Reason::Conflict)
    } else {
        let side = if held.a.is_empty() { Side::B } else { Side::A };
        (HoldKind::NotCarried, Reason::NotCarried(side))
    };
    Some(Question { kind, about: about::parts(kind, &reason, held), reason, guard: None })
}

pub(super) fn write_merged(
    link: &Link,
    latest: &PerSide<&Series>,
    merged: Merged,
    reason: &Reason,
    plan: &mut LinkPlan,
) {
    for side in Side::BOTH {
        let patch = merged.to.get(side);
        let Some(half) = link.halves.get(side) else { continue };
        let Some((revision, series)) = half.latest() else { continue };
        if patch.is_empty() {
            if *merged.ignored.get(side) {
                plan.steps.push(step(link, Action::Leave, Reason::NotCarried(side)));
            }
            continue;
        }
        let reason = if *merged.reverts.get(side) { Reason::Reverted(side) } else { reason.clone() };
        let op = WriteOp::Update {
            key: half.key.clone(),
            expected: revision.clone(),
            patch: Box::new(patch.clone()),
            current: Box::new((*latest.get(side)).clone()),
        };
        let conflicts = merged.conflicts.iter().filter(|conflict| conflict.winner == Some(side.other()));
        let disputed: Vec<String> = conflicts.clone().map(|conflict| conflict.path.clone()).collect();
        let replaced = || {
            let own = half.shadow.as_ref().map(|shadow| shadow.series.diff(series));
            let mut lost = own.map(|own| replaced_by(own, patch, series)).unwrap_or_default();
            // Nobody misses that a day is cancelled which the new rule does not have.
            lost.overrides
                .retain(|key, change| *change != OverridePatch::Cancel || patch.overrides.contains_key(key));
            lost.paths()
        };
        let (lost, by) = match reason {
            Reason::Reverted(_) => (each_once(replaced(), disputed), LostBy::Direction),
            Reason::Chosen(_) => (disputed, LostBy::Person),
            _ if !disputed.is_empty() => (disputed, LostBy::Policy),
            // Where nothing may be carried from here there is no dispute: what the other side says goes over it.
            _ => (replaced(), LostBy::Direction),
        };
        let write =
            PlannedWrite { op, reason: reason.to_string(), before: Some(series.clone()), losing: None };
        *plan.writes.get_mut(side) = Some(write.losing(half, side, lost, by));
        plan.steps.push(Step {
            paths: patch.paths(),
            conflicts: conflicts.cloned().collect(),
            ..step(link, Action::Update(side), reason)
        });
    }
    if let Some(question) = question_of(&merged) {
        let waiting = merged.conflicts.iter().filter(|conflict| conflict.winner.is_none());
        plan.steps.push(Step {
            paths: merged.held.a.paths().into_iter().chain(merged.held.b.paths()).collect(),
            conflicts: waiting.cloned().collect(),
            ..step(link, Action::Hold, question.reason.clone())
        });
        plan.hold = Some(question);
    }
    plan.held = merged.held;
    plan.reverts = merged.reverts;
}

pub(super) fn views<'a>(context: &Context<'a>, plan: &LinkPlan) -> PerSide<View<'a>> {
    PerSide::from_fn(|side| View::new(context.settings, side, plan.masked))
}
