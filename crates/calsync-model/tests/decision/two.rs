//! Two processes on one link, and the lease that goes from one to the other.

use std::time::Instant;

use calsync_core::defects::{Defect, with};
use calsync_core::ids::Side;

use super::contest::{Contest, Late, Terms};
use super::lease::{Without, search};
use super::rules::Rules;
use super::starts::{Since, Start};

/// One link in step.
const IN_STEP: [Start; 1] = [Start::InStep(Side::A, Since::Nothing, Since::Nothing)];
/// The same, with a deed that no process has seen yet.
const MET: [Start; 4] = [
    Start::InStep(Side::A, Since::Edited, Since::Nothing),
    Start::InStep(Side::B, Since::Nothing, Since::Deleted),
    Start::NewOn(Side::A),
    Start::NewOn(Side::B),
];

const fn terms(deeds: usize, faults: usize, late: Late) -> Terms {
    Terms { deeds, faults, rounds: faults + 1, late, fenced: true }
}

/// The first finding, without these safeguards.
fn contest(starts: &[Start], terms: Terms, without: &[Defect]) -> Option<String> {
    let search = || {
        with(without.iter().copied(), || {
            starts.iter().find_map(|start| {
                let began = Instant::now();
                let mut contest = Contest::new(*start, Rules::PLAIN, terms);
                contest.run();
                let (count, seconds) = (contest.count, began.elapsed().as_secs());
                if without.is_empty() {
                    println!("model, two processes, {start:?}, {terms:?}: {count:?} in {seconds} s");
                }
                contest.wrong
            })
        })
    };
    // Each step is a frame.
    let big = std::thread::Builder::new().stack_size(256 << 20);
    std::thread::scope(|scope| big.spawn_scoped(scope, search).unwrap().join().unwrap())
}

#[test]
fn two_processes_leave_nothing_wrong() {
    // An unoptimised build gets a smaller part.
    let depth = if cfg!(debug_assertions) { 1 } else { 2 };
    assert_eq!(contest(&IN_STEP, terms(depth, depth, Late::Ends), &[]), None);
    assert_eq!(contest(&MET, terms(1, depth, Late::Ends), &[]), None);
}

#[test]
fn a_write_that_arrives_under_a_claim_that_is_over_loses_nothing() {
    assert_eq!(contest(&IN_STEP, terms(1, 1, Late::Arrives), &[]), None);
    assert_eq!(contest(&MET, terms(1, 1, Late::Arrives), &[]), None);
}

#[test]
#[ignore = "takes minutes"]
fn two_processes_with_two_deeds_and_three_faults_leave_nothing_wrong() {
    assert_eq!(contest(&IN_STEP, terms(2, 3, Late::Ends), &[]), None);
    assert_eq!(contest(&MET, terms(1, 3, Late::Ends), &[]), None);
    assert_eq!(contest(&IN_STEP, terms(2, 2, Late::Arrives), &[]), None);
    assert_eq!(contest(&MET, terms(1, 2, Late::Arrives), &[]), None);
}

/// Found with one deed and one fault.
const FOUND: [&[Defect]; 17] = [
    &[Defect::NoRecovery],
    &[Defect::RecoveryAssumesDone],
    &[Defect::RecoveryAsksNobody],
    &[Defect::RecoveryAsksNobody, Defect::NoLookBeforeCreate],
    &[Defect::NoJournal],
    &[Defect::NoIntents],
    &[Defect::NoBeforeImage],
    &[Defect::UnknownIsWritten],
    &[Defect::RefusedIsWritten],
    &[Defect::RefusedIsInStep],
    &[Defect::ChangedSinceIsOurs],
    &[Defect::TokenBeforeData],
    &[Defect::UnlistedNotRead],
    &[Defect::WholeRecordWins],
    &[Defect::DeletionBeatsEdit],
    &[Defect::UpdateUnconditional],
    &[Defect::DeleteUnconditional],
];

#[test]
fn what_is_taken_out_is_found_by_two_processes() {
    for without in FOUND {
        let starts = [&IN_STEP[..], &MET].concat();
        let found = contest(&starts, terms(1, 1, Late::Ends), without);
        let found = found.unwrap_or_else(|| panic!("nobody would notice that {without:?} is planted"));
        println!("model, two processes, {without:?}: {}", found.chars().take(80).collect::<String>());
    }
}

#[test]
fn a_process_that_writes_on_after_its_lease_is_found() {
    let found = contest(&IN_STEP, terms(1, 1, Late::Wrong), &[]);
    assert!(found.unwrap().starts_with("a write under a claim that was over"));
}

#[test]
#[cfg_attr(debug_assertions, ignore = "takes a minute without optimisation")]
fn a_store_that_takes_steps_from_anybody_is_found() {
    // The version of the head is the layer behind the fence: each does without the other.
    let terms = Terms { fenced: false, ..terms(0, 1, Late::Arrives) };
    assert!(contest(&[Start::NewOn(Side::A)], terms, &[Defect::CommitVersionIgnored]).is_some());
}

#[test]
fn a_lease_goes_from_one_process_to_another_and_no_write_arrives_after_that() {
    let count = search(Without::Nothing).unwrap();
    println!("model, lease: {count:?}");
    assert!(count.taken > 0 && count.arrived > 0);
    for without in [
        Without::Margin,
        Without::Looking,
        Without::CountingFromSending,
        Without::CountingFromSeeing,
        Without::SignsOfLife,
        Without::Patience,
    ] {
        let found = search(without).expect_err("somebody would have to notice");
        println!("model, lease, without {without:?}: {found}");
    }
}
