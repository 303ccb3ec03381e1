//! Every state of one link, with what two people can do to it at every moment of a round, under every setting, with a crash
//! or a lost answer at every request. The real round runs over the real memory store.
#![allow(clippy::pedantic, reason = "a search that only tests see")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    unreachable_pub,
    reason = "a test that fails this way says where"
)]

mod calendar;
mod chain;
mod contest;
mod explore;
mod judge;
mod lease;
mod people;
mod play;
mod rules;
mod starts;
mod two;
mod worker;
mod world;

use std::collections::BTreeMap;
use std::time::Instant;

use calsync_core::defects::{Defect, with};
use calsync_core::link::Direction;
use calsync_core::sync::{Leaving, Private};

use explore::{Depth, Explorer, Tally, Wrong};
use rules::Rules;
use starts::Start;

fn run(starts: &[Start], rules: &[Rules], depth: Depth) -> (Tally, Vec<Wrong>) {
    let mut tally = Tally::default();
    let mut wrong = Vec::new();
    for start in starts {
        for rules in rules {
            let mut explorer = Explorer::new(*start, rules);
            explorer.run(depth);
            tally.add(explorer.tally);
            wrong.append(&mut explorer.wrong);
        }
    }
    (tally, wrong)
}

fn assert_right(what: &str, rules: &[Rules], depth: Depth) {
    let began = Instant::now();
    let (tally, wrong) = run(&Start::all(), rules, depth);
    println!("model, {what}: {tally:?} in {} s", began.elapsed().as_secs());
    let mut kinds: BTreeMap<String, &Wrong> = BTreeMap::new();
    for wrong in &wrong {
        let kind: String = wrong.what.chars().filter(|c| !c.is_ascii_digit()).take(50).collect();
        let deeds: Vec<_> =
            wrong.path.iter().filter_map(|step| step.split_once("Deed")).map(|step| step.1).collect();
        kinds.entry(format!("{kind} {:?} {deeds:?}", wrong.start)).or_insert(wrong);
    }
    for wrong in kinds.values().take(40) {
        println!("{}: {:?}, {:?}, {:?}", wrong.what, wrong.start, wrong.rules, wrong.path);
    }
    assert!(tally.judged > 0 && wrong.is_empty(), "{} cases of {} kinds are wrong", wrong.len(), kinds.len());
}

#[test]
fn a_deed_and_a_crash_or_a_lost_answer_at_every_moment_leave_nothing_wrong() {
    assert_right("a deed and a fault", &[Rules::PLAIN], Depth { deeds: 1, faults: 1, rounds: 1 });
}

#[test]
#[cfg_attr(debug_assertions, ignore = "takes minutes without optimisation")]
fn two_deeds_at_every_moment_leave_nothing_wrong() {
    assert_right("two deeds", &[Rules::PLAIN], Depth { deeds: 2, faults: 0, rounds: 1 });
}

#[test]
fn a_deed_at_every_moment_leaves_nothing_wrong_in_every_direction() {
    let directions = [Direction::Both, Direction::AToB, Direction::BToA];
    let rules = directions.map(|direction| Rules { direction, ..Rules::PLAIN });
    assert_right("a deed in every direction", &rules, Depth { deeds: 1, faults: 0, rounds: 1 });
}

#[test]
#[cfg_attr(debug_assertions, ignore = "takes minutes without optimisation")]
fn a_deed_at_every_moment_leaves_nothing_wrong_under_every_setting() {
    assert_right("a deed under every setting", &Rules::all(), Depth { deeds: 1, faults: 0, rounds: 1 });
}

#[test]
#[ignore = "takes half an hour; `CALSYNC_MODEL_PART=2/8` takes the second eighth of the settings"]
fn two_deeds_at_every_moment_leave_nothing_wrong_under_every_setting() {
    let part = std::env::var("CALSYNC_MODEL_PART").unwrap_or_else(|_| "1/1".to_owned());
    let (nth, of) = part.split_once('/').expect("CALSYNC_MODEL_PART=NTH/OF");
    let (nth, of): (usize, usize) = (nth.parse().unwrap(), of.parse().unwrap());
    let mine =
        Rules::all().into_iter().enumerate().filter(|(at, _)| at % of == nth - 1).map(|(_, rules)| rules);
    let mine: Vec<Rules> = mine.collect();
    let what = format!("two deeds under every setting, part {part}");
    assert_right(&what, &mine, Depth { deeds: 2, faults: 0, rounds: 1 });
}

/// What one deed finds, beside what two processes find (`two.rs`).
const FOUND: [Defect; 9] = [
    Defect::OutrunIgnored,
    Defect::MovesNotFound,
    Defect::NoUidMatch,
    Defect::NoContentMatch,
    Defect::CopyIsOurs,
    Defect::DirectionIgnored,
    Defect::EditAgainstDirection,
    Defect::MaskedCopyCarriedBack,
    Defect::LeavingDeletes,
];

#[test]
#[cfg_attr(debug_assertions, ignore = "takes minutes without optimisation")]
fn what_is_taken_out_of_the_decision_is_found() {
    for defect in FOUND {
        let found = with([defect], first_wrong);
        let found = found.unwrap_or_else(|| panic!("nobody would notice that {defect:?} is planted"));
        println!("model, {defect:?}: {found}");
    }
}

/// The first finding of the smaller searches.
fn first_wrong() -> Option<String> {
    let one_way = Rules { direction: Direction::AToB, ..Rules::PLAIN };
    let masked = Rules { private: Private::Mask, ..Rules::PLAIN };
    let window = Rules { window: Some(Leaving::Keep), ..Rules::PLAIN };
    let few = Depth { deeds: 1, faults: 0, rounds: 1 };
    let searches = [(Rules::PLAIN, few), (one_way, few), (masked, few), (window, few)];
    searches.iter().find_map(|(rules, depth)| {
        Start::all().into_iter().find_map(|start| {
            let wrong = run(&[start], &[*rules], *depth).1.into_iter().next()?;
            Some(format!("{}, {:?}", wrong.what, wrong.start))
        })
    })
}
