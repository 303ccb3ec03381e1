//! Makes a failing script as small as it gets: fewer steps first, then plainer ones.

use calsync_testkit::people::{Busy, Draft, Edit, Until};

use super::play::play;
use super::script::{Plain, Script, Shift, Step};
use super::world::World;

/// Tries after which the smallest script so far is good enough.
const TRIES: usize = 500;

/// The smallest failing script that was found, and why it fails.
pub(crate) async fn smallest(world: &World, mut script: Script, mut why: String) -> (Script, String) {
    let mut tries = 0;
    'again: loop {
        for candidate in candidates(&script) {
            tries += 1;
            if tries > TRIES {
                break 'again;
            }
            if let Err(reason) = play(world, &candidate, false).await
                && kind(&reason) == kind(&why)
            {
                (script, why) = (candidate, reason);
                continue 'again;
            }
        }
        break;
    }
    (script, why)
}

/// What went wrong, without what it went wrong about.
fn kind(why: &str) -> &str {
    let end = why.find(|c: char| c == ':' || c == '(' || c.is_ascii_digit()).unwrap_or(why.len());
    why.get(..end).unwrap_or(why)
}

/// Scripts that are a little smaller, the most promising first.
fn candidates(script: &Script) -> Vec<Script> {
    let mut all = Vec::new();
    let with = |steps: Vec<Step>| Script { version: script.version.clone(), steps };
    for k in (0..script.steps.len()).rev() {
        let mut steps = script.steps.clone();
        let gone = steps.remove(k);
        if enters(&gone) {
            // Those entered later move up.
            let number = script.steps[..k].iter().filter(|step| enters(step)).count();
            steps.retain(|step| item_of(step) != Some(number));
            for step in &mut steps {
                if let Some(item) = item_mut(step)
                    && *item > number
                {
                    *item -= 1;
                }
            }
        }
        all.push(with(steps));
    }
    for (k, step) in script.steps.iter().enumerate() {
        for plainer in plainer(step) {
            let mut steps = script.steps.clone();
            steps[k] = plainer;
            all.push(with(steps));
        }
    }
    if script.version != "exchange2016" {
        all.push(Script { version: "exchange2016".to_owned(), steps: script.steps.clone() });
    }
    all
}

fn enters(step: &Step) -> bool {
    matches!(step, Step::Create { .. } | Step::CreateOnBoth { .. })
}

fn item_of(step: &Step) -> Option<usize> {
    match step {
        Step::Create { .. } | Step::CreateOnBoth { .. } | Step::Sync => None,
        Step::Edit { item, .. }
        | Step::Move { item, .. }
        | Step::Delete { item, .. }
        | Step::EditOccurrence { item, .. }
        | Step::MoveOccurrence { item, .. }
        | Step::DeleteOccurrence { item, .. }
        | Step::Turn { item, .. }
        | Step::Split { item, .. } => Some(*item),
    }
}

fn item_mut(step: &mut Step) -> Option<&mut usize> {
    match step {
        Step::Create { .. } | Step::CreateOnBoth { .. } | Step::Sync => None,
        Step::Edit { item, .. }
        | Step::Move { item, .. }
        | Step::Delete { item, .. }
        | Step::EditOccurrence { item, .. }
        | Step::MoveOccurrence { item, .. }
        | Step::DeleteOccurrence { item, .. }
        | Step::Turn { item, .. }
        | Step::Split { item, .. } => Some(item),
    }
}

fn plainer(step: &Step) -> Vec<Step> {
    match step.clone() {
        Step::Sync | Step::Delete { .. } | Step::Turn { into: None, .. } => Vec::new(),
        Step::Create { at, draft } => {
            plainer_drafts(&draft).into_iter().map(|draft| Step::Create { at, draft }).collect()
        }
        Step::CreateOnBoth { draft, edit } => plainer_drafts(&draft)
            .into_iter()
            .map(|draft| Step::CreateOnBoth { draft, edit: edit.clone() })
            .chain(
                plainer_edits(&edit)
                    .into_iter()
                    .map(|edit| Step::CreateOnBoth { draft: draft.clone(), edit }),
            )
            .collect(),
        Step::Edit { at, item, edit } => {
            plainer_edits(&edit).into_iter().map(|edit| Step::Edit { at, item, edit }).collect()
        }
        Step::EditOccurrence { at, item, nth, edit } => plainer_edits(&edit)
            .into_iter()
            .map(|edit| Step::EditOccurrence { at, item, nth, edit })
            .chain(smaller(nth).map(|nth| Step::EditOccurrence { at, item, nth, edit: edit.clone() }))
            .collect(),
        Step::Move { at, item, by } => {
            plainer_shifts(by).into_iter().map(|by| Step::Move { at, item, by }).collect()
        }
        Step::MoveOccurrence { at, item, nth, by } => plainer_shifts(by)
            .into_iter()
            .map(|by| Step::MoveOccurrence { at, item, nth, by })
            .chain(smaller(nth).map(|nth| Step::MoveOccurrence { at, item, nth, by }))
            .collect(),
        Step::Turn { at, item, into: Some(into) } => {
            [Plain { weekly: false, ..into }, Plain { every: 1, ..into }, Plain { count: None, ..into }]
                .into_iter()
                .filter(|plainer| *plainer != into)
                .map(|into| Step::Turn { at, item, into: Some(into) })
                .collect()
        }
        Step::Split { at, item, nth, edit } => plainer_edits(&edit)
            .into_iter()
            .map(|edit| Step::Split { at, item, nth, edit })
            .chain(smaller(nth).map(|nth| Step::Split { at, item, nth, edit: edit.clone() }))
            .collect(),
        Step::DeleteOccurrence { at, item, nth } => {
            smaller(nth).map(|nth| Step::DeleteOccurrence { at, item, nth }).collect()
        }
    }
}

fn smaller(nth: usize) -> impl Iterator<Item = usize> {
    [0, 1, nth / 2].into_iter().filter(move |less| *less < nth)
}

fn plainer_shifts(by: Shift) -> Vec<Shift> {
    [
        Shift { days: 0, ..by },
        Shift { minutes: 0, ..by },
        Shift { longer: 0, ..by },
        Shift { days: by.days.signum(), ..by },
        Shift { minutes: by.minutes.signum() * 60, ..by },
    ]
    .into_iter()
    .filter(|plainer| *plainer != by)
    .collect()
}

/// All drafts in which one thing is as it mostly is.
fn plainer_drafts(draft: &Draft) -> Vec<Draft> {
    let mut all = Vec::new();
    let mut with = |change: &dyn Fn(&mut Draft)| {
        let mut plainer = draft.clone();
        change(&mut plainer);
        if plainer != *draft {
            all.push(plainer);
        }
    };
    with(&|draft| draft.repeat = None);
    with(&|draft| draft.place.clear());
    with(&|draft| draft.notes.clear());
    with(&|draft| draft.category = None);
    with(&|draft| draft.customer = None);
    with(&|draft| draft.reminder = None);
    with(&|draft| draft.private = false);
    with(&|draft| draft.busy = Busy::Busy);
    with(&|draft| "x".clone_into(&mut draft.subject));
    with(&|draft| "Europe/Berlin".clone_into(&mut draft.zone));
    with(&|draft| {
        if let Some(repeat) = &mut draft.repeat {
            repeat.until = Until::Forever;
        }
    });
    with(&|draft| {
        if let Some(repeat) = &mut draft.repeat {
            repeat.every = 1;
        }
    });
    all
}

/// All edits with one change less.
fn plainer_edits(edit: &Edit) -> Vec<Edit> {
    let without = [
        Edit { subject: None, ..edit.clone() },
        Edit { place: None, ..edit.clone() },
        Edit { notes: None, ..edit.clone() },
        Edit { html: None, ..edit.clone() },
        Edit { category: None, ..edit.clone() },
        Edit { busy: None, ..edit.clone() },
        Edit { private: None, ..edit.clone() },
        Edit { reminder: None, ..edit.clone() },
        Edit { customer: None, ..edit.clone() },
    ];
    without.into_iter().filter(|less| less != edit && *less != Edit::default()).collect()
}
