use super::super::examples::{answered, elsewhen, lone, made, pair, work};
use super::super::{Reply, Request};
use super::*;
use crate::ids::{ContentHash, Uid};
use crate::link::{Hold, LinkMemory};
use crate::sync::examples::{at_place, called, left, once};

/// The two were in step, and that of B is gone.
fn gone(memory: LinkMemory) -> Link {
    let mut link = Link { memory, ..pair(&called("b-own", once())) };
    link.halves.b.as_mut().unwrap().go(false);
    link
}

/// The link after items were looked for that moved, of these lone ones.
fn after_moves(link: &Link, lone: &[Link], consumed: &[LinkId]) -> Link {
    let mut work = work();
    let (port, mut pending) = (work.port.clone(), Pending::default());
    let mut consumed = consumed.iter().copied().collect();
    let look = work.find_moved(vec![link.clone()], &mut pending, &mut consumed);
    let links = answered(&port, look, |request| {
        let Request::LoneLinks(of, _) = request else { unreachable!() };
        Reply::Links(lone.iter().filter(|lone| lone.lone_side() == Some(*of)).cloned().collect())
    });
    links[0].clone()
}

fn key(link: &Link, side: Side) -> &str {
    link.halves.get(side).as_ref().unwrap().key.as_str()
}

/// An item of B that may be what is gone.
fn other(series: Series, receipt: Option<Receipt>) -> Link {
    lone(Side::B, "b2", &called("other", series), receipt)
}

fn known_double(mut link: Link) -> Link {
    link.hold = Some(Hold {
        why: String::new(),
        since: DateTime::UNIX_EPOCH,
        guard: None,
        kind: HoldKind::OurDouble,
        about: ContentHash::of(&[]),
        answer: None,
    });
    link
}

fn created(mut link: Link, side: Side, second: i64) -> Link {
    let half = link.halves.get_mut(side).as_mut().unwrap();
    let Some(Observation::Present(sighting)) = &mut half.seen else { unreachable!() };
    sighting.created = DateTime::from_timestamp(second, 0);
    link
}

fn own_uid() -> LinkMemory {
    LinkMemory { own_uid: true, ..LinkMemory::default() }
}

#[test]
fn what_is_gone_is_found_again_under_another_key() {
    let plain = || gone(LinkMemory::default());
    let called = |uid: &str| lone(Side::B, "b2", &called(uid, elsewhen()), None);
    let mut unseen = gone(LinkMemory { unseen_uid: true, ..own_uid() });
    unseen.halves.b.as_mut().unwrap().shadow.as_mut().unwrap().series = once();
    let mut both_gone = gone(own_uid());
    both_gone.halves.a.as_mut().unwrap().go(false);
    let had = LinkMemory { uids: [Uid::new("before")].into(), ..LinkMemory::default() };
    let by_hand = left(1, &once(), &once());
    let cases = vec![
        (plain(), called("b-own"), "by its UID"),
        (plain(), called("u"), "by the UID of its counterpart"),
        (gone(had), called("before"), "by a UID that it had before"),
        (plain(), other(once(), Some(by_hand.clone())), "by our receipt, at its time"),
        (plain(), known_double(other(elsewhen(), Some(by_hand))), "as the second one beside it"),
        (both_gone, other(elsewhen(), Some(made(1))), "as what a create made late"),
        (plain(), other(elsewhen(), Some(made(3))), "as what was made when this store did not look"),
        (unseen, other(elsewhen(), Some(made(0))), "as what moved before its UID was known"),
    ];
    for (link, lone, how) in cases {
        assert_eq!(key(&after_moves(&link, &[lone], &[]), Side::B), "b2", "{how}");
    }
}

#[test]
fn what_is_gone_is_not_taken_for_something_else() {
    let same = lone(Side::B, "b2", &called("b-own", once()), None);
    let mut also_gone = same.clone();
    also_gone.halves.b.as_mut().unwrap().go(true);
    let copy = other(elsewhen(), Some(made(0)));
    for (lone, consumed, what) in [
        (copy, vec![], "a copy that a person made"),
        (also_gone, vec![], "another one that is gone"),
        (same.clone(), vec![same.id], "one that was found for another"),
    ] {
        let after = after_moves(&gone(own_uid()), &[lone], &consumed);
        assert!(key(&after, Side::B) == "b1" && after.halves.b.as_ref().unwrap().is_gone(), "{what}");
    }
}

#[test]
fn of_two_under_one_uid_the_one_that_is_as_it_was_moved() {
    for (alike, another) in [("b2", "b3"), ("b3", "b2")] {
        let lone = |key, series| lone(Side::B, key, &called("b-own", series), None);
        let two = [lone(alike, once()), lone(another, elsewhen())];
        assert_eq!(key(&after_moves(&gone(own_uid()), &two, &[]), Side::B), alike);
    }
}

#[test]
fn what_was_made_late_is_in_step_unless_somebody_edited_it() {
    let after = |series, before| after_moves(&gone(own_uid()), &[other(series, Some(made(before)))], &[]);
    let late = after(once(), 1);
    assert_eq!((late.is_dirty(), late.generation), (false, 1));
    let edited = after(at_place(&once(), "Ulm"), 1);
    assert!(edited.is_dirty(), "the edit is carried");
    let moved = after(once(), 0);
    assert_eq!((key(&moved, Side::B), moved.generation), ("b2", 0), "nothing was made");
}

#[test]
fn a_receipt_says_which_of_the_items_made_of_another_it_is_in() {
    let (work, link) = (work(), pair(&called("b-own", once())));
    let as_which =
        |receipt| work.made_as(&other(elsewhen(), Some(receipt)), Side::B, link.halves.a.as_ref().unwrap());
    for made_before in [0, 1, EARLIER - 1] {
        assert_eq!(as_which(made(made_before)), Some(made_before));
    }
    assert_eq!(as_which(made(EARLIER)), None, "so many are not tried");
    assert_eq!(as_which(Receipt { token: CreateToken::from_wire("t"), ..made(0) }), None);
    let of_another = Receipt { counterpart_uid: Some(Uid::new("v")), ..made(0) };
    assert_eq!(as_which(of_another), None);
}

#[test]
fn what_was_made_before_and_what_was_made_late_is_told_by_the_token() {
    let link = |memory| Link { generation: 1, ..gone(memory) };
    let (work, item) = (work(), |before| other(elsewhen(), Some(made(before))));
    let before = |of, memory| work.is_made_before(&item(of), &link(memory), Side::B);
    let had = || LinkMemory { uids: [Uid::new("before")].into(), ..LinkMemory::default() };
    assert_eq!([0, 1, 2].map(|of| before(of, LinkMemory::default())), [true, false, false]);
    assert!(!before(0, had()), "it would be known by its UID");
    let late = [0, 1, 2, 3].map(|of| work.is_made_late(&item(of), &link(had()), Side::B));
    assert_eq!(late, [false, false, true, false]);
}

#[test]
fn what_was_put_together_recalls_that_its_server_gives_uids_of_its_own() {
    let recalled = |uid: &str, memory, receipt| {
        let mut link = Link { memory, ..pair(&once()) };
        link.halves.b = lone(Side::B, "b1", &called(uid, once()), Some(receipt)).halves.b;
        work().recall_made(&mut link);
        (link.memory.own_uid, link.generation)
    };
    let none = LinkMemory::default;
    let says = Receipt { own_uid: Some(Uid::new("b-own")), ..made(2) };
    assert_eq!(recalled("b-own", none(), made(2)), (true, 2));
    assert_eq!(recalled("u", none(), made(2)), (false, 2), "it kept the UID");
    assert_eq!(recalled("b-own", none(), says.clone()), (false, 2), "no copy says that");
    assert_eq!(recalled("b-own", own_uid(), says), (true, 2), "it was known");
}

#[test]
fn of_several_named_ones_the_counterpart_is_the_likeliest() {
    let work = work();
    let naming = |link: &Link, side: Side| {
        let half = link.halves.get(side).as_ref().unwrap();
        Receipt { counterpart: half.key.clone(), ..left(1, half.latest().unwrap().1, &once()) }
    };
    let counterpart = |link: &Link, mine: &[&Link], theirs: &[&Link]| {
        work.named(link, Side::A, mine, theirs, &Left::default()).map(|lone| key(lone, Side::B).to_owned())
    };
    let theirs = |key, uid: &str, second, receipt| {
        created(lone(Side::B, key, &called(uid, once()), receipt), Side::B, second)
    };
    let plain = lone(Side::A, "a1", &once(), None);
    let named = naming(&plain, Side::A);
    let older_copy = theirs("b2", "copy", 1, Some(named.clone()));
    let same_uid = theirs("b3", "u", 2, Some(named.clone()));
    let found = counterpart(&plain, &[], &[&older_copy, &same_uid]);
    assert_eq!(found.as_deref(), Some("b3"), "the one with its UID");

    let mutual = theirs("b4", "other", 3, Some(named));
    let link = lone(Side::A, "a1", &once(), Some(naming(&mutual, Side::B)));
    let found = counterpart(&link, &[], &[&same_uid, &mutual]);
    assert_eq!(found.as_deref(), Some("b4"), "the one that it names, too");

    let silent = theirs("b5", "other", 1, None);
    let named = naming(&silent, Side::B);
    let copied = created(lone(Side::A, "a1", &once(), Some(named.clone())), Side::A, 1);
    let copy = created(lone(Side::A, "a2", &called("copy", once()), Some(named)), Side::A, 2);
    let found = counterpart(&copied, &[&copy], &[&silent]);
    assert_eq!(found.as_deref(), Some("b5"), "a copy changes nothing for what was copied");
    assert_eq!(counterpart(&copy, &[&copied], &[&silent]), None, "a copy has no claim");
    assert_eq!(counterpart(&copied, &[], &[&known_double(silent)]), None, "a double is nobody's");
}

#[test]
fn what_a_create_made_too_late_is_what_it_made_and_no_copy_of_it() {
    let work = work();
    let at = |second| DateTime::from_timestamp(second, 0).unwrap();
    let deleted = |b: Option<&str>| Tombstone {
        link: pair(&once()).id,
        uid: Uid::new("u"),
        keys: PerSide { a: Some(ItemKey::new("a1")), b: b.map(ItemKey::new) },
        at: at(100),
    };
    let is_late = |uid: &str, series, second, b| {
        let item = created(lone(Side::B, "b2", &called(uid, series), Some(made(0))), Side::B, second);
        work.is_late(&item, Side::B, &deleted(b))
    };
    assert!(is_late("other", once(), 100, Some("b1")), "just as it was made");
    assert!(is_late("u", elsewhen(), 100, Some("b1")), "with the UID of which it was made");
    assert!(!is_late("other", elsewhen(), 100, Some("b1")), "a copy that was moved");
    assert!(!is_late("other", once(), 99, Some("b1")), "it was there before");
    assert!(is_late("other", once(), 99, None), "nobody ever learned of one");
}

#[test]
fn what_an_earlier_create_is_found_to_have_made_shows_whether_the_server_gives_uids_of_its_own() {
    for (uid, own_uid) in [("b-own", true), ("u", false)] {
        let mut work = work();
        let port = work.port.clone();
        let op = WriteOp::Create { token: made(0).token, series: Box::new(once()) };
        let write = PlannedWrite { op, reason: String::new(), before: None, losing: None };
        let writes = PerSide { a: None, b: Some(write) };
        let link = lone(Side::A, "a1", &once(), None);
        let plan = LinkPlan { writes, ..LinkPlan::default() };
        let mut cases = [Case { link, likeness: None, suspicion: None, plan }];
        let there = lone(Side::B, "b1", &called(uid, once()), Some(made(0)));
        let found = answered(&port, work.look_before_create(&mut cases), |request| match request {
            Request::FindCreated(..) => {
                let item = there.halves.b.as_ref().unwrap().item().unwrap();
                Reply::Found(Ok(vec![Seen::Present(Box::new(item))]))
            }
            _ => Reply::Links(Vec::new()),
        });
        let link = &cases[0].link;
        assert_eq!((found, key(link, Side::B), link.memory.own_uid), (vec![0], "b1", own_uid));
    }
}
