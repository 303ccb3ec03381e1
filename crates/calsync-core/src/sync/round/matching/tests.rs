use super::super::examples::{answered, elsewhen, known_as, lone, made, pair, work};
use super::super::{Reply, Request};
use super::*;
use crate::ids::Uid;
use crate::link::LinkMemory;
use crate::sync::Private;
use crate::sync::examples::{at_place, called, half, hides, left, masked, once, private};

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

fn created(link: Link, side: Side, second: i64) -> Link {
    dated(link, side, second, second)
}

fn dated(mut link: Link, side: Side, created: i64, modified: i64) -> Link {
    let half = link.halves.get_mut(side).as_mut().unwrap();
    let Some(Observation::Present(sighting)) = &mut half.seen else { unreachable!() };
    (sighting.created, sighting.modified) =
        (DateTime::from_timestamp(created, 0), DateTime::from_timestamp(modified, 0));
    link
}

fn case(link: Link) -> Case {
    Case { link, likeness: None, suspicion: None, plan: LinkPlan::default() }
}

/// Answers as a store does that has this link and remembers that.
fn stored(link: Option<&Link>, tombstones: &[Tombstone]) -> impl Fn(&Request) -> Reply {
    move |request| {
        let kept = |is: &dyn Fn(&Link) -> bool| {
            Reply::Links(link.into_iter().filter(|link| is(link)).cloned().collect())
        };
        let item = |link: &Link, side: Side| link.halves.get(side).as_ref().map(|half| half.key.clone());
        match request {
            Request::LinksByKey(side, keys) => {
                kept(&|link| item(link, *side).is_some_and(|key| keys.contains(&key)))
            }
            Request::LinksById(ids) => kept(&|link| ids.contains(&link.id)),
            Request::Tombstones(side, halves) => {
                let names = |it: &&Tombstone| {
                    halves.iter().any(|half| {
                        it.keys.get(*side).as_ref() == Some(&half.key) || half.uid() == Some(&it.uid)
                    })
                };
                Reply::Tombstones(tombstones.iter().filter(names).cloned().collect())
            }
            _ => unreachable!("{request:?}"),
        }
    }
}

/// What is remembered of the items `a1` and `b1`, or of one of them, of a link.
fn buried(link: &Link, a: Option<&str>, b: Option<&str>) -> Tombstone {
    let keys = PerSide { a: a.map(ItemKey::new), b: b.map(ItemKey::new) };
    Tombstone { link: link.id, uid: Uid::new("u"), keys, at: DateTime::from_timestamp(100, 0).unwrap() }
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
        (
            plain(),
            known_as(HoldKind::OurDouble, other(elsewhen(), Some(by_hand))),
            "as the second one beside it",
        ),
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
fn of_two_that_may_have_moved_its_own_uid_tells_then_which_came_now_then_which_is_as_it_was() {
    let item = |key, uid: &str, series, fresh| {
        let mut item = lone(Side::B, key, &called(uid, series), None);
        item.halves.b.as_mut().unwrap().fresh = fresh;
        item
    };
    // Whichever of the two comes first in the store.
    for (it, another) in [("b2", "b3"), ("b3", "b2")] {
        let found = |two: [Link; 2]| key(&after_moves(&gone(own_uid()), &two, &[]), Side::B).to_owned();
        for uid in ["b-own", "u"] {
            let same = |key, series, fresh| item(key, uid, series, fresh);
            assert_eq!(found([same(it, once(), false), same(another, elsewhen(), false)]), it);
            assert_eq!(found([same(it, elsewhen(), true), same(another, once(), false)]), it);
        }
        let two = [item(it, "b-own", elsewhen(), false), item(another, "u", once(), true)];
        assert_eq!(found(two), it);
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
fn what_this_store_did_not_see_made_is_no_copy_of_what_it_knows() {
    let work = work();
    let is_unknown = |memory, receipt| {
        work.is_made_unknown(
            &other(elsewhen(), Some(receipt)),
            &Link { generation: 1, ..gone(memory) },
            Side::B,
        )
    };
    let says = |before| Receipt { own_uid: Some(Uid::new("other")), ..made(before) };
    let none = LinkMemory::default;
    assert!(is_unknown(own_uid(), made(2)) && is_unknown(none(), made(2)), "made later");
    assert!(is_unknown(own_uid(), says(1)), "what says its own UID is no copy");
    assert!(is_unknown(none(), made(1)), "a copy would say another UID");
    assert!(!is_unknown(own_uid(), made(1)), "it may be a copy");
    assert!(!is_unknown(none(), made(0)), "made earlier");
}

#[test]
fn what_moved_before_its_uid_was_known_is_told_by_what_it_names() {
    let is_it = |unseen_uid, uid: &str, receipt| {
        let link = Link { memory: LinkMemory { unseen_uid, ..own_uid() }, ..pair(&called(uid, once())) };
        work().is_moved_unread(&other(elsewhen(), Some(receipt)), &link, Side::B)
    };
    assert!(is_it(true, "u", made(0)));
    assert!(!is_it(false, "u", made(0)), "it was read");
    assert!(!is_it(true, "b-own", made(0)), "its UID is known");
    let of_another = Receipt { counterpart_uid: Some(Uid::new("v")), ..made(0) };
    assert!(!is_it(true, "u", of_another), "it is of another one");
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
    let youngest = theirs("b6", "copy", 4, Some(naming(&copied, Side::A)));
    let found = counterpart(&copied, &[], &[&silent, &youngest]);
    assert_eq!(found.as_deref(), Some("b6"), "the one that names it");
    let found = counterpart(&copied, &[&created(copy.clone(), Side::A, 1)], &[&silent]);
    assert_eq!(found.as_deref(), Some("b5"), "nobody knows which is the copy");
    let found = counterpart(&copied, &[&copy], &[&silent]);
    assert_eq!(found.as_deref(), Some("b5"), "a copy changes nothing for what was copied");
    assert_eq!(counterpart(&copy, &[&copied], &[&silent]), None, "a copy has no claim");
    assert_eq!(
        counterpart(&copied, &[], &[&known_as(HoldKind::OurDouble, silent)]),
        None,
        "a double is nobody's"
    );
}

#[test]
fn what_a_receipt_names_of_others_is_no_counterpart() {
    let work = work();
    let (mine, theirs) = (lone(Side::A, "a1", &once(), None), other(once(), Some(made(0))));
    let is_named = |named: &Link, left: &Left| {
        assert_eq!(
            work.named(&theirs, Side::B, &[], &[named], left),
            work.named(named, Side::A, &[], &[&theirs], left).and(Some(named))
        );
        work.named(&theirs, Side::B, &[], &[named], left).is_some()
    };
    let keys =
        |key| Left { keys: PerSide { a: [ItemKey::new(key)].into(), b: BTreeSet::new() }, ..Left::default() };
    assert!(is_named(&mine, &Left::default()) && is_named(&mine, &keys("a2")));
    assert!(!is_named(&mine, &keys("a1")), "it stands with another one");
    let moved = lone(Side::A, "a9", &once(), None);
    assert!(is_named(&moved, &Left::default()), "by its UID");
    assert!(!is_named(&moved, &keys("a1")), "what is named by its key stands with another one");
    assert!(!is_named(&moved, &keys("a9")), "what has that UID now does");
    assert!(!is_named(&mine, &Left { copies: [theirs.id].into(), ..Left::default() }), "a copy of what went");
    assert!(!is_named(&Link { generation: 1, ..mine }, &Left::default()), "a copy of one that it had before");
}

#[test]
fn a_counterpart_is_the_only_one_with_the_uid_or_in_a_first_sync_the_only_one_alike() {
    let found = |first_sync_done, mine: &[&Link], theirs: &[&Link]| {
        let mut work = work();
        work.head.first_sync_done = first_sync_done;
        let all = |links: &[&Link]| links.iter().map(|link| (*link).clone()).collect();
        let pool = PerSide { a: all(mine), b: all(theirs) };
        let (link, left) = (lone(Side::A, "a1", &once(), None), Left::default());
        let found = work.counterpart(&link, &pool, &left, &BTreeSet::new());
        found.map(|(_, lone, likeness)| (key(&lone, Side::B).to_owned(), likeness))
    };
    let by = |likeness| Some(("b1".to_owned(), likeness));
    let same = lone(Side::B, "b1", &elsewhen(), None);
    let mut had = lone(Side::B, "b1", &called("b-own", elsewhen()), None);
    had.memory.had(&Uid::new("u"));
    assert_eq!(found(true, &[], &[&same]), by(Likeness::Uid));
    assert_eq!(found(true, &[], &[&had]), by(Likeness::Uid), "it had that UID");
    let second = |side| lone(side, "2", &once(), None);
    assert_eq!(found(true, &[], &[&same, &second(Side::B)]), None, "which of the two is not known");
    assert_eq!(found(true, &[&second(Side::A)], &[&same]), None, "nor of which of the two");

    let alike = lone(Side::B, "b1", &called("b-own", once()), None);
    let another = |side, uid: &str, series| lone(side, "2", &called(uid, series), None);
    assert_eq!(found(false, &[], &[&alike]), by(Likeness::Content));
    assert_eq!(found(true, &[], &[&alike]), None, "no first sync");
    assert_eq!(found(false, &[], &[&alike, &another(Side::B, "other", once())]), None, "two there");
    assert_eq!(found(false, &[&another(Side::A, "other", once())], &[&alike]), None, "two here");
    let moved = another(Side::A, "b-own", elsewhen());
    assert_eq!(found(false, &[&moved], &[&alike]), None, "it belongs to what bears its UID");
    assert_eq!(found(false, &[], &[&another(Side::B, "b-own", elsewhen())]), None, "at another time");
}

#[test]
fn what_a_create_made_too_late_is_what_it_made_and_no_copy_of_it() {
    let work = work();
    let is_late = |uid: &str, series, second, b| {
        let item = created(lone(Side::B, "b2", &called(uid, series), Some(made(0))), Side::B, second);
        work.is_late(&item, Side::B, &buried(&pair(&once()), Some("a1"), b))
    };
    assert!(is_late("other", once(), 100, Some("b1")), "just as it was made");
    assert!(is_late("u", elsewhen(), 100, Some("b1")), "with the UID of which it was made");
    assert!(!is_late("other", elsewhen(), 100, Some("b1")), "a copy that was moved");
    assert!(!is_late("other", once(), 99, Some("b1")), "it was there before");
    assert!(is_late("other", once(), 99, None), "nobody ever learned of one");
}

/// The case after its next item of B was asked for and this was found, which may be that of a link that is known.
fn after_look(work: &mut Work, link: Link, masked: Option<Side>, known: Option<&Link>, found: &Seen) -> Case {
    let port = work.port.clone();
    let token = made(next_generation(&link, Side::B)).token;
    let op = WriteOp::Create { token: token.clone(), series: Box::new(once()) };
    let write = PlannedWrite { op, reason: String::new(), before: None, losing: None };
    let plan = LinkPlan { writes: PerSide { a: None, b: Some(write) }, masked, ..LinkPlan::default() };
    let mut cases = [Case { plan, ..case(link) }];
    let changed = answered(&port, work.look_before_create(&mut cases), |request| match request {
        Request::FindCreated(Side::B, tokens) => {
            assert_eq!(tokens, std::slice::from_ref(&token));
            Reply::Found(Ok(vec![found.clone()]))
        }
        request => stored(known, &[])(request),
    });
    let [case] = cases;
    let is_there = case.link.halves.b.as_ref().is_some_and(|half| !half.is_gone());
    assert_eq!(changed.len(), usize::from(is_there), "what is there is not made again");
    case
}

/// What was found is this item of B.
fn present(item: &Link) -> Seen {
    Seen::Present(Box::new(item.halves.b.as_ref().unwrap().item().unwrap()))
}

#[test]
fn what_a_create_is_found_to_have_made_shows_whether_its_server_gives_uids_of_its_own() {
    for (uid, own_uid) in [("b-own", true), ("u", false)] {
        let there = lone(Side::B, "b1", &called(uid, once()), Some(made(0)));
        let Case { link, .. } =
            after_look(&mut work(), lone(Side::A, "a1", &once(), None), None, None, &present(&there));
        assert_eq!((key(&link, Side::B), link.memory.own_uid), ("b1", own_uid));
    }
}

#[test]
fn what_was_half_made_of_a_hidden_one_is_its_masked_copy() {
    let mut work = work();
    work.input.settings = hides(Private::Mask);
    // It became private on B, where that passes; its item there is gone, and is made again of what was edited since.
    let hidden = private(at_place(&once(), "Ulm"));
    let mut link = gone(LinkMemory { private_from: Some(Side::B), ..LinkMemory::default() });
    link.halves.a = Some(half("a1", &private(once()), &hidden));
    let there = lone(Side::B, "b2", &called("b-own", masked(hidden)), None);
    let Case { link, .. } = after_look(&mut work, link, Some(Side::A), None, &present(&there));
    assert_eq!((key(&link, Side::B), link.masked), ("b2", Some(Side::A)));
}

#[test]
fn what_a_create_may_have_made_and_nobody_can_read_is_neither_made_again_nor_done_with() {
    let mut work = work();
    let new = lone(Side::A, "a1", &once(), None);
    let case = after_look(&mut work, new.clone(), None, None, &Seen::Unreadable("broken".to_owned()));
    assert_eq!(case.plan, LinkPlan { untouched: true, ..LinkPlan::default() });
    assert_eq!(case.link.retry.as_ref().map(|retry| retry.why.as_str()), Some("broken"));
    assert_eq!(Link { retry: None, ..case.link }, new);
    assert_eq!(work.report.sides.b.failed, 1);
}

#[test]
fn what_a_create_made_for_another_link_is_left_to_it_and_its_token_is_spent() {
    let new = lone(Side::A, "a1", &once(), None);
    let (there, known) = (lone(Side::B, "b1", &once(), Some(made(0))), pair(&once()));
    let case = after_look(&mut work(), new.clone(), None, Some(&known), &present(&there));
    assert_eq!(case.plan, LinkPlan { untouched: true, ..LinkPlan::default() });
    assert_eq!(case.link, Link { generation: 1, ..new });
}

#[test]
fn a_copy_of_what_went_with_its_counterpart_is_told_by_what_it_names() {
    let (link, copy) = (pair(&called("b-own", once())), other(once(), Some(made(0))));
    let is_copy = |copy: &Link, a, b| is_copy_of_buried(copy, Side::B, &buried(&link, Some(a), b));
    assert!(is_copy(&copy, "a1", Some("b1")));
    assert!(!is_copy(&copy, "a2", Some("b1")), "it names another one");
    assert!(!is_copy(&copy, "a1", Some("b2")), "it went itself");
    assert!(!is_copy(&copy, "a1", None), "nothing went with it");
    let says = Receipt { own_uid: Some(Uid::new("other")), ..made(0) };
    assert!(!is_copy(&other(once(), Some(says)), "a1", Some("b1")), "it is what we made");
    let same = lone(Side::B, "b2", &once(), Some(made(0)));
    assert!(!is_copy(&same, "a1", Some("b1")), "it bears the UID");
}

#[test]
fn what_a_copy_names_is_left_to_the_original_while_that_stands() {
    let copy = other(elsewhen(), Some(made(0)));
    let left = |copy: &Link, link: Option<&Link>, tombstones: &[Tombstone]| {
        let (mut work, pool, lone) = (work(), PerSide::default(), [copy.clone()]);
        let port = work.port.clone();
        let left = answered(&port, work.left_for_others(&lone, &pool), stored(link, tombstones));
        (left.keys.a.contains(&ItemKey::new("a1")), left.copies.contains(&copy.id))
    };
    let link = pair(&called("b-own", once()));
    assert_eq!(left(&copy, Some(&link), &[]), (true, false));
    assert_eq!(left(&copy, Some(&gone(own_uid())), &[]), (false, false), "the original is gone");
    assert_eq!(left(&copy, None, &[]), (false, false), "nobody knows of one");
    assert_eq!(left(&copy, None, &[buried(&link, Some("a1"), Some("b1"))]), (false, true), "both went");
    let made_again =
        Link { halves: PerSide { a: Some(Half::unread(ItemKey::new("a2"))), ..link.halves.clone() }, ..link };
    assert_eq!(
        left(&copy, Some(&made_again), &[buried(&made_again, Some("a1"), None)]),
        (true, false),
        "it was made again"
    );
}

#[test]
fn an_item_belongs_to_its_link_or_to_what_is_remembered_of_it() {
    let mut work = work();
    let port = work.port.clone();
    let (link, ended) = (pair(&once()), lone(Side::A, "a2", &once(), None));
    let keys = ["a1", "a2", "a3"].map(ItemKey::new);
    let tombstones = [buried(&link, Some("a1"), None), buried(&ended, Some("a2"), None)];
    let owners = answered(&port, work.owners(Side::A, keys.to_vec()), stored(Some(&link), &tombstones));
    let owners: Vec<_> =
        owners.iter().map(|it| (it.key.as_str(), it.link.is_some(), it.buried.is_some())).collect();
    assert_eq!(owners, [("a1", true, false), ("a2", false, true)]);
}

#[test]
fn what_a_link_has_another_item_for_is_replaced_and_what_ended_is_not() {
    let link = pair(&called("b-own", once()));
    let is_replaced = |link: Option<&Link>, of: Tombstone| {
        let mut work = work();
        let port = work.port.clone();
        let (replaced, rest) = answered(&port, work.replaced(Side::B, vec![of]), stored(link, &[]));
        assert_eq!(replaced.len() + rest.len(), 1);
        !replaced.is_empty()
    };
    let earlier = || buried(&link, None, Some("b0"));
    assert!(is_replaced(Some(&link), earlier()));
    let parted = Link { halves: PerSide { b: None, ..link.halves.clone() }, ..link.clone() };
    assert!(is_replaced(Some(&parted), earlier()), "it left the scope");
    assert!(!is_replaced(Some(&gone(own_uid())), earlier()), "the other one is gone too");
    assert!(!is_replaced(Some(&link), buried(&link, None, Some("b1"))), "it is the one that is there");
    assert!(!is_replaced(None, earlier()), "it ended alone");
    assert!(!is_replaced(Some(&link), buried(&link, Some("a0"), Some("b0"))), "it ended, and began again");
}

#[test]
fn a_second_item_of_one_counterpart_is_a_double_unless_it_is_a_copy() {
    let suspected = |link: Link, item: Link| {
        let mut work = work();
        let port = work.port.clone();
        let mut cases = [case(item)];
        answered(&port, work.find_doubles(&mut cases), stored(Some(&link), &[]));
        (cases[0].suspicion, cases[0].link.halves.b.as_ref().unwrap().receipt().is_some())
    };
    let link = || Link { memory: own_uid(), generation: 1, ..pair(&called("b-own", once())) };
    let double = (Some(Suspicion::OurDouble), true);
    let at_its_time = || other(at_place(&once(), "Ulm"), Some(made(1)));
    assert_eq!(suspected(link(), at_its_time()), double);
    assert_eq!(suspected(link(), other(elsewhen(), Some(made(2)))), double, "made after");
    assert_eq!(suspected(link(), other(elsewhen(), Some(made(0)))), double, "made before");
    assert_eq!(suspected(link(), other(elsewhen(), Some(made(1)))), (None, false), "a moved copy");
    assert_eq!(
        suspected(link(), known_as(HoldKind::OurDouble, other(elsewhen(), Some(made(1))))),
        double,
        "known"
    );
    assert_eq!(suspected(gone(own_uid()), at_its_time()), (None, false), "the first one is gone");
}

#[test]
fn an_old_copy_of_what_was_deleted_came_back_and_what_was_edited_since_is_wanted() {
    // The clock of B is ten seconds fast.
    let item = |uid: &str, created: i64, modified: i64| {
        dated(lone(Side::B, "b2", &called(uid, once()), None), Side::B, created + 10, modified + 10)
    };
    let suspected = |first_sync_done, known: Option<&Link>, tombstone: Tombstone, item: Link| {
        let mut work = work();
        work.head.first_sync_done = first_sync_done;
        work.offsets.b = Some(10_000);
        let (port, mut cases) = (work.port.clone(), [case(item)]);
        answered(&port, work.find_buried(&mut cases), stored(known, &[tombstone]));
        cases[0].suspicion
    };
    let link = pair(&called("u", once()));
    let ended = || buried(&link, Some("a1"), Some("b1"));
    let came_back = Some(Suspicion::CameBack);
    assert_eq!(suspected(true, None, ended(), item("u", 99, 99)), came_back);
    assert_eq!(
        suspected(false, None, ended(), item("u", 99, 99)),
        None,
        "what was before the first sync is over"
    );
    assert_eq!(suspected(true, None, ended(), item("u", 99, 100)), None, "edited since");
    assert_eq!(suspected(true, None, ended(), item("u", 100, 99)), None, "made since");
    let here = buried(&link, None, Some("b2"));
    assert_eq!(suspected(true, None, here, item("other", 99, 99)), None, "another one under its key");
    let there = buried(&link, Some("a1"), None);
    assert_eq!(suspected(true, None, there, item("u", 99, 99)), came_back, "what the other side had alone");
    let new = item("u", 99, 99);
    let dropped = buried(&new, Some("a1"), None);
    assert_eq!(suspected(true, Some(&new), dropped, new.clone()), None, "its own counterpart");

    let double = Some(Suspicion::OurDouble);
    let earlier = buried(&link, None, Some("b0"));
    assert_eq!(
        suspected(true, Some(&link), earlier.clone(), item("u", 200, 200)),
        double,
        "made again since"
    );
    assert_eq!(suspected(true, Some(&link), earlier, item("other", 200, 200)), None);
    let moved = buried(&new, None, Some("b0"));
    assert_eq!(suspected(true, Some(&new), moved, new.clone()), None, "it moved");
}

#[test]
fn what_was_made_of_what_ended_came_back() {
    let suspected = |item: Link| {
        let mut work = work();
        let (port, mut cases) = (work.port.clone(), [case(item)]);
        let ended = buried(&pair(&once()), Some("a1"), Some("b1"));
        answered(&port, work.find_doubles(&mut cases), stored(None, &[ended]));
        cases[0].suspicion
    };
    let item = |created_at| created(other(once(), Some(made(0))), Side::B, created_at);
    assert_eq!(suspected(item(100)), Some(Suspicion::CameBack));
    assert_eq!(suspected(item(99)), None, "it was there before");
    for kind in [HoldKind::CameBack, HoldKind::OurDouble] {
        assert_eq!(suspected(known_as(kind, item(99))), Some(Suspicion::CameBack), "it was known");
    }
    assert_eq!(suspected(known_as(HoldKind::Conflict, item(99))), None, "something else was asked");
}

#[test]
fn what_was_made_of_an_item_that_is_gone_came_back() {
    let mut link = gone(own_uid());
    link.halves.b = None;
    link.halves.a.as_mut().unwrap().go(false);
    let is_of_gone = |link: &Link, item: Link| work().is_of_gone(&item, link, Side::B);
    let named = |uid: &str, series| lone(Side::B, "b2", &called(uid, series), Some(made(0)));
    assert!(is_of_gone(&link, named("other", once())), "just as it was made");
    assert!(is_of_gone(&link, named("u", elsewhen())), "with the UID of which it was made");
    assert!(!is_of_gone(&link, named("other", elsewhen())), "a copy");
    let again = Link { halves: PerSide { b: gone(own_uid()).halves.b, ..link.halves.clone() }, ..link };
    assert!(!is_of_gone(&again, named("u", once())), "it got another counterpart");
    let there = Link { halves: PerSide { b: None, ..pair(&once()).halves }, ..again };
    assert!(!is_of_gone(&there, named("u", once())), "it is there");
}

#[test]
fn the_receipt_in_a_copy_is_about_the_older_original() {
    let item = |key, uid: &str, series, second, receipt| {
        created(lone(Side::B, key, &called(uid, series), Some(receipt)), Side::B, second)
    };
    let is_forgotten = |rival: Link| {
        let mut copy = item("b2", "copy", elsewhen(), 5, made(0));
        let pool = PerSide { a: Vec::new(), b: vec![copy.clone(), rival] };
        forget_copied_receipt(&mut copy, &pool);
        copy.halves.b.unwrap().receipt().is_none()
    };
    assert!(is_forgotten(item("b1", "b-own", once(), 4, made(0))));
    assert!(!is_forgotten(item("b1", "b-own", once(), 6, made(0))), "the other one is younger");
    assert!(!is_forgotten(item("b1", "b-own", once(), 5, made(0))), "nobody knows which is older");
    assert!(!is_forgotten(item("b1", "copy", once(), 4, made(0))), "they bear one UID");
    assert!(!is_forgotten(item("b1", "b-own", elsewhen(), 4, made(0))), "they are at one time");
    assert!(!is_forgotten(item("b1", "b-own", once(), 4, made(1))), "each was made");
}
