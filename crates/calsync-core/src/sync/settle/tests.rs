use super::super::decide::PlannedWrite;
use super::*;
use crate::ids::CreateToken;
use crate::model::Overlay;
use crate::sync::Private;
use crate::sync::examples::{
    at, at_place, called, daily, half, hides, left, masked, moved, once, place, private, says, setting,
    shows, subject, with, without,
};

/// What is in step after a write from `base` to `written`, of which the server showed `read`.
fn given_back(base: &Series, written: &Series, read: &Series) -> Series {
    as_given_back(base, &base.diff(written), read)
}

#[test]
fn only_what_was_written_is_as_the_server_shows_it() {
    let written = at_place(&once(), "Ulm");
    let mut read = at_place(&once(), "ULM");
    assert_eq!(given_back(&once(), &written, &read), read, "in its own way");
    read.event.subject = "von jemand anderem".to_owned();
    assert_eq!(given_back(&once(), &written, &read), at_place(&once(), "ULM"));
}

#[test]
fn of_an_instance_only_what_was_written_is_as_the_server_shows_it() {
    let base = with(&daily(5), 1, says("Bonn", "alt"));
    let written = with(&daily(5), 1, says("Ulm", "alt"));
    let read = with(&daily(5), 1, says("ULM", "von jemand anderem"));
    assert_eq!(given_back(&base, &written, &read), with(&daily(5), 1, says("ULM", "alt")));
    let elsewhere = with(&written, 2, place("von jemand anderem"));
    assert_eq!(given_back(&base, &written, &elsewhere), written);
    assert_eq!(given_back(&base, &written, &without(&written, 1)), with(&daily(5), 1, subject("alt")));
}

#[test]
fn an_instance_that_says_what_the_master_says_may_be_dropped() {
    let base = with(&daily(5), 1, place("Ulm"));
    let written = at_place(&base, "Ulm");
    assert_eq!(given_back(&base, &written, &without(&written, 1)), without(&written, 1));
    // And the other way round: an instance that keeps what the master said before.
    let kept = with(&at_place(&daily(5), "Ulm"), 2, place(""));
    assert_eq!(given_back(&daily(5), &at_place(&daily(5), "Ulm"), &kept), at_place(&daily(5), "Ulm"));
    // It says something else: somebody took it away.
    let base = with(&daily(5), 1, place("Bonn"));
    let written = at_place(&base, "Ulm");
    assert_eq!(given_back(&base, &written, &without(&written, 1)), written);
}

#[test]
fn where_a_series_was_moved_away_from_there_is_no_instance() {
    let base = with(&with(&daily(5), 0, place("Ulm")), 3, place("Bonn"));
    let written = moved(&base, 2);
    let read = moved(&daily(5), 2);
    // The first day is none of its days any more; the fourth is one still, and somebody took away what was said of it.
    let mut left = read.clone();
    left.overrides.insert(at(&daily(5), 3), place("Bonn"));
    assert_eq!(given_back(&base, &written, &read), left);
    assert_eq!(given_back(&base, &written, &left), left);
}

#[test]
fn a_new_rule_makes_the_instances_anew() {
    let base = with(&daily(5), 1, place("Bonn"));
    let read = with(&daily(7), 1, place("Bonn"));
    assert_eq!(given_back(&base, &with(&daily(7), 1, place("Bonn")), &read), read);
    assert_eq!(given_back(&base, &with(&daily(7), 1, place("Bonn")), &daily(7)), daily(7));
}

#[test]
fn what_an_instance_says_only_because_the_master_no_longer_does_is_unsaid() {
    let place_of = |over: Option<Override>| match over {
        Some(Override::Changed(overlay)) => overlay.place,
        Some(Override::Cancelled) | None => None,
    };
    let (bonn, touched) = (says("Bonn", "anders"), [Field::Place, Field::Span]);
    let unsaid = |before: Option<&Override>, written: Option<&OverridePatch>, touched: &[Field]| {
        place_of(without_unsaid(&bonn, before, written, touched))
    };
    let change = |to: &str| {
        let patch = Overlay::default().diff(&Overlay { place: Some(to.to_owned()), ..Overlay::default() });
        OverridePatch::Change(patch)
    };
    let said = Some("Bonn".to_owned());
    assert_eq!(unsaid(None, None, &touched), None);
    assert_eq!(unsaid(None, None, &[Field::Subject]), said, "not written in the master");
    assert_eq!(unsaid(Some(&place("Ulm")), None, &touched), said, "it had one of its own");
    assert_eq!(unsaid(None, Some(&change("Bonn")), &touched), said, "it was given one");
    assert_eq!(unsaid(None, Some(&OverridePatch::Cancel), &touched), said, "as the server has it");
    assert_eq!(without_unsaid(&Override::Cancelled, None, None, &touched), Some(Override::Cancelled));
    assert_eq!(without_unsaid(&place("Bonn"), None, None, &touched), None, "nothing is left of it");
    // When it takes place is never said by the master alone.
    let mut moved_too = Overlay { place: Some("Bonn".to_owned()), ..Overlay::default() };
    moved_too.span = Some(moved(&once(), 2).event.span);
    let left = without_unsaid(&Override::Changed(moved_too.clone()), None, None, &touched);
    assert_eq!(left, Some(Override::Changed(Overlay { place: None, ..moved_too })));
}

#[test]
fn what_a_person_did_to_an_instance_moves_along_with_the_series() {
    let base = daily(5);
    let current = with(&base, 1, place("von einer Person"));
    let names = (at(&base, 1), at(&moved(&base, 3), 1));
    let mut patch = base.diff(&moved(&base, 3));
    patch.overrides.insert(names.1, whole(Some(&place("von einer Person"))));
    assert_eq!(taken_along(&base, &current, &patch), [names]);
    assert_eq!(taken_along(&current, &current, &patch), [], "nobody did that just now");
    let other = with(&base, 1, place("etwas anderes"));
    assert_eq!(taken_along(&base, &other, &patch), [], "that is not what was taken along");
    assert_eq!(taken_along(&base, &current, &base.diff(&at_place(&base, "Ulm"))), [], "nothing moves");
    assert_eq!(alone(&base, &current, &patch), moved(&base, 3));
}

#[test]
fn what_was_half_made_and_says_otherwise_was_changed_by_a_person() {
    let mut sent = with(&at_place(&daily(5), "Ulm"), 1, place("Bonn"));
    sent.event.customer = "K-17".to_owned();
    // Neither the customer nor the instance was written yet.
    let half = at_place(&daily(5), "Ulm");
    assert_eq!(as_begun(&half, &sent), half);
    let edited = at_place(&daily(5), "Kiel");
    assert_eq!(as_begun(&edited, &sent), half);
    assert_eq!(as_begun(&moved(&half, 3), &sent), half, "when it is, is always said");
    assert_eq!(as_begun(&with(&half, 2, place("neu")), &sent), half);
    assert_eq!(as_begun(&with(&half, 1, place("Bonn")), &sent), with(&half, 1, place("Bonn")));
}

#[test]
fn a_copy_is_masked_if_nothing_private_was_written_to_it() {
    let pairing = PairingId::new("meier");
    let (masks, passes) = (hides(Private::Mask), hides(Private::Pass));
    let original = private(at_place(&once(), "Praxis"));
    let found = Link::found(&pairing, Side::A, half("a1", &original, &original));
    let of =
        |settings: &Settings, before: Option<Side>, written: &Series, planned: bool, unheld: &[Field]| {
            let link = Link { masked: before, ..found.clone() };
            masked_as(&link, Side::B, written, planned, &setting(&pairing, settings, unheld))
        };
    let (copy, plain, a) = (masked(original.clone()), original.clone(), Some(Side::A));
    let with_place = at_place(&copy, "Praxis");
    assert_eq!(of(&masks, None, &copy, true, &[]), a);
    assert_eq!(of(&masks, None, &copy, false, &[]), a, "the rule says so");
    assert_eq!(of(&masks, None, &plain, true, &[]), None, "what was planned is not what was written");
    assert_eq!(of(&masks, None, &with_place, true, &[]), None);
    assert_eq!(of(&masks, None, &with_place, true, &[Field::Place]), a, "B does not hold it");
    assert_eq!(of(&passes, None, &copy, true, &[]), a, "the rule is another one since");
    assert_eq!(of(&passes, None, &copy, false, &[]), None, "a person called it that");
    assert_eq!(of(&passes, a, &copy, false, &[]), a);
    assert_eq!(of(&passes, a, &plain, false, &[]), None, "it shows all again");
    assert_eq!(of(&passes, Some(Side::B), &plain, false, &[]), Some(Side::B), "that is about the other side");
}

#[test]
fn a_write_to_an_original_masks_nothing() {
    let pairing = PairingId::new("meier");
    let masks = hides(Private::Mask);
    let setting = setting(&pairing, &masks, &[]);
    let original = private(at_place(&once(), "Praxis"));
    let copy = masked(original.clone());
    let mut link = Link::found(&pairing, Side::A, half("a1", &original, &original));
    link.halves.b = Some(half("b1", &copy, &copy));
    assert_eq!(masked_as(&link, Side::A, &original, false, &setting), None);
    link.masked = Some(Side::A);
    assert_eq!(masked_as(&link, Side::A, &original, false, &setting), Some(Side::A));
}

/// The item of a half that was read just now.
fn item(half: &Half) -> Item {
    let Sighting { revision, series, receipt, created, modified, access, .. } = half.sighted_anew().unwrap();
    Item { key: half.key.clone(), revision, series, receipt, created, modified, access }
}

#[test]
fn earlier_names_and_those_that_the_server_gives_are_remembered() {
    let pairing = PairingId::new("meier");
    let made = |was: Option<&str>, now: &str, own_uid: bool| {
        let mut link = Link::found(&pairing, Side::A, half("a1", &once(), &once()));
        link.memory.own_uid = own_uid;
        link.halves.b = was.map(|was| Half {
            seen: Some(Observation::Gone),
            ..half("b1", &called(was, once()), &called(was, once()))
        });
        let copy = called(now, once());
        let lone = Link::found(&pairing, Side::B, half("b2", &copy, &copy));
        settle_made(&mut link, &lone, Side::B);
        assert_eq!(link.halves.b.map(|half| half.key.as_str().to_owned()), Some("b2".to_owned()));
        (link.memory.own_uid, link.memory.uids.iter().map(|uid| uid.as_str().to_owned()).collect::<Vec<_>>())
    };
    assert_eq!(made(None, "u", false), (false, vec![]));
    assert_eq!(made(None, "vom Server", false), (true, vec![]));
    assert_eq!(made(Some("u"), "u", false), (false, vec![]));
    assert_eq!(made(Some("früher"), "u", true), (true, vec!["früher".to_owned()]), "it did so before");
    assert_eq!(made(Some("früher"), "vom Server", true), (true, vec!["früher".to_owned()]));
}

#[test]
fn a_server_that_names_what_was_half_made_is_remembered() {
    let (pairing, settings) = (PairingId::new("meier"), Settings::default());
    let link = Link::found(&pairing, Side::A, half("a1", &once(), &once()));
    let own_uid = |link: &Link, now: &str| {
        let item = item(&half("b1", &called(now, once()), &called(now, once())));
        let adopted =
            adopt_half_made(link, Side::B, &item, Some(&once()), false, &setting(&pairing, &settings, &[]));
        adopted.memory.own_uid
    };
    assert!(!own_uid(&link, "u"));
    assert!(own_uid(&link, "vom Server"));
    let known = LinkMemory { own_uid: true, ..LinkMemory::default() };
    assert!(own_uid(&Link { memory: known, ..link }, "u"), "it did so before");
}

#[test]
fn what_was_parted_is_known_by_all_its_names() {
    let mut link = Link::found(&PairingId::new("meier"), Side::A, half("a1", &once(), &once()));
    let copy = called("zuletzt", once());
    link.halves.b = Some(half("b1", &copy, &copy));
    link.memory.uids = [Uid::new("früher")].into();
    let After::Keep(parted) = parted(&link, Side::B) else { panic!("its original is still there") };
    assert_eq!(parted.memory.uids, [Uid::new("früher"), Uid::new("zuletzt")].into());
    assert_eq!(parted.lone_side(), Some(Side::A));
}

#[test]
fn an_instance_that_was_written_is_found_where_the_series_was_before_a_person_moved_it() {
    let (base, current) = (daily(5), moved(&daily(5), 10));
    let patch = current.diff(&with(&current, 1, place("Ulm")));
    assert_eq!(alone(&base, &current, &patch), with(&base, 1, place("Ulm")));
    // Moved by a day most names are days of both.
    let current = moved(&daily(5), 2);
    for days in [3, 4] {
        let patch = current.diff(&with(&current, days, place("Ulm")));
        assert_eq!(alone(&base, &current, &patch).overrides.len(), 1, "{days}");
    }
}

/// A link whose B shows what an update left that was given up.
fn with_given_up(put_back: bool, shadow: bool) -> Link {
    let there = at_place(&once(), "Ulm");
    let mut link = Link::found(&PairingId::new("meier"), Side::A, half("a1", &once(), &there));
    let left = left(6, &once(), &there);
    let mut b = shows(half("b1", &once(), &there), &left);
    if let Some(Observation::Present(sighting)) = &mut b.seen {
        sighting.put_back = put_back;
    }
    b.shadow = b.shadow.filter(|_| shadow);
    let op = WriteOp::Update {
        key: b.key.clone(),
        expected: crate::ids::Revision::new("0"),
        patch: Box::new(once().diff(&there)),
        current: Box::new(once()),
    };
    let write = crate::source::Write { link: link.id, op, receipt: left };
    link.memory.give_up(&Intent { side: Side::B, write, at: DateTime::UNIX_EPOCH, order: None });
    link.halves.b = Some(b);
    link
}

#[test]
fn an_update_that_was_given_up_and_arrived_is_no_edit() {
    let (pairing, settings) = (PairingId::new("meier"), Settings::default());
    let arrived = |link: &Link| settle_arrived(link, &setting(&pairing, &settings, &[]));
    let settled = arrived(&with_given_up(false, true)).unwrap();
    assert!(!settled.is_dirty(), "{settled:?}");
    assert_eq!(settled.writes, 6);
    assert_eq!(arrived(&with_given_up(true, true)), None, "a person put it back");
    assert_eq!(arrived(&with_given_up(false, false)), None, "it was never in step");
}

/// What becomes of the link when `plan` was carried out.
fn settled(link: &Link, plan: &LinkPlan, on_b: Option<Outcome>) -> Link {
    let (pairing, settings) = (PairingId::new("meier"), hides(Private::Mask));
    let outcomes = PerSide { a: None, b: on_b };
    match settle(link, plan, &outcomes, &setting(&pairing, &settings, &[])) {
        After::Keep(next) => *next,
        After::End => panic!("it ended"),
    }
}

fn writes_to_b(op: WriteOp) -> LinkPlan {
    let write = PlannedWrite { op, reason: String::new(), before: None, losing: None };
    LinkPlan { writes: PerSide { a: None, b: Some(write) }, ..LinkPlan::default() }
}

#[test]
fn what_was_deleted_before_anybody_saw_its_uid_is_remembered() {
    let ulm = at_place(&once(), "Ulm");
    let create = WriteOp::Create { token: CreateToken::from_wire("t"), series: Box::new(once()) };
    let update = WriteOp::Update {
        key: "b1".into(),
        expected: "1".into(),
        patch: Box::new(once().diff(&ulm)),
        current: Box::new(once()),
    };
    let unseen = |before: bool, op: &WriteOp| {
        let (mut link, b) = (
            Link::found(&PairingId::new("meier"), Side::A, half("a1", &once(), &once())),
            half("b1", &once(), &once()),
        );
        let gone = Outcome::WrittenAndGone(Box::new(item(&b)));
        link.halves.b = matches!(op, WriteOp::Update { .. }).then_some(b);
        link.memory.unseen_uid = before;
        settled(&link, &writes_to_b(op.clone()), Some(gone)).memory.unseen_uid
    };
    assert!(unseen(false, &create));
    assert!(!unseen(false, &update), "its UID was seen");
    assert!(unseen(true, &update), "not that of the one before");
}

#[test]
fn nothing_is_masked_without_a_counterpart_or_a_secret() {
    let hidden = private(at_place(&once(), "Praxis"));
    let masked_after = |original: &Series, lone: bool| {
        let mut link = Link::found(&PairingId::new("meier"), Side::A, half("a1", original, original));
        let copy = masked(hidden.clone());
        link.halves.b = Some(half("b1", &copy, &copy)).filter(|_| !lone);
        settled(&link, &LinkPlan { masked: Some(Side::A), ..LinkPlan::default() }, None).masked
    };
    assert_eq!(masked_after(&hidden, false), Some(Side::A));
    assert_eq!(masked_after(&hidden, true), None);
    assert_eq!(masked_after(&once(), false), None);
}

#[test]
fn what_was_left_alone_stays_so_while_it_is_alone() {
    let lone = Link::found(&PairingId::new("meier"), Side::A, half("a1", &once(), &once()));
    let left = |link: &Link, before: bool, now: bool| {
        let memory = LinkMemory { left_alone: before, ..LinkMemory::default() };
        let plan = LinkPlan { left_alone: now, ..LinkPlan::default() };
        settled(&Link { memory, ..link.clone() }, &plan, None).memory.left_alone
    };
    assert!(left(&lone, true, false));
    assert!(left(&lone, false, true));
    assert!(!left(&lone, false, false));
    let mut pair = lone.clone();
    pair.halves.b = Some(half("b1", &once(), &once()));
    assert!(!left(&pair, true, true), "it has a counterpart");
}
