//! Links: stored whole, found by every question.

use calsync_core::ids::{ContentHash, ItemKey, LinkId, PairingId, PerSide, Side};
use calsync_core::link::{Half, Link, LinkMemory, MatchKey, Observation, Sighting, Tombstone};
use calsync_core::source::Access;
use calsync_core::store::{Commit, Counts, StateStore};

use super::build::{
    at, dirty, failing, gone, half, held, link, linked, pairing, present, receipt, rich_series, seen, series,
    shadow, sighting,
};
use super::{commit, put, same_ids, same_links};
use crate::conformance::{Checked, Fault, same};

fn keys(texts: &[&str]) -> Vec<ItemKey> {
    texts.iter().map(|text| ItemKey::new(*text)).collect()
}

/// Everything that a link remembers.
fn memory() -> Result<LinkMemory, Fault> {
    let text = r#"{"turns": {"last": "B", "at": [-1, 1795500000]}, "marked": {"kind": "moved", "note": "10 - 11"},
                   "shielded": "A", "left_alone": true}"#;
    serde_json::from_str(text).map_err(|error| Fault(format!("the memory of a link: {error}")))
}

/// One link for each thing that a link can hold.
fn all_kinds() -> Result<Vec<Link>, Fault> {
    let rich = Sighting {
        receipt: Some(receipt("0123456789abcdef0123456789abcdef", "counterpart+/=", u64::from(u32::MAX))),
        created: Some(at(1)),
        modified: Some(at(2) + chrono::Duration::nanoseconds(123_456_789)),
        access: Access::Personal,
        put_back: true,
        ..sighting(rich_series("rich")?)
    };
    let mut counted = linked(6);
    counted.generation = u32::MAX;
    counted.masked = Some(Side::B);
    counted.writes = 1 << 40;
    counted.memory = memory()?;
    let mut in_step = half("in step");
    in_step.shadow = Some(calsync_core::link::Shadow { series: rich_series("in step")?, ..shadow("") });
    in_step.access = Access::ReadOnly;
    in_step.listed = u32::MAX;
    Ok(vec![
        link(1, Some(in_step), Some(half(""))),
        link(2, Some(seen("a2", Observation::Present(Box::new(rich.clone())))), None),
        link(3, None, Some(seen("b3", Observation::Unread("cannot be read: \"x\"".to_owned())))),
        dirty(4, Side::B, Observation::Present(Box::new(rich))),
        held(failing(gone(5, Side::A), at(9))),
        counted,
        link(u64::MAX >> 1, Some(half(&"long ".repeat(2_000))), Some(half("b\u{1F4C5}'\"\\"))),
    ])
}

pub(super) async fn round_trip(store: &dyn StateStore) -> Checked {
    let pairing = pairing();
    let links = all_kinds()?;
    put(store, &pairing, &links).await?;
    same_links("links", &store.links(&pairing, None, 100).await?, &links)
}

pub(super) async fn put_replaces(store: &dyn StateStore) -> Checked {
    let pairing = pairing();
    let old = link(1, Some(seen("old", present(series("old uid", "old")))), None);
    put(store, &pairing, &[old, linked(2)]).await?;
    let new = link(1, Some(seen("new", present(series("new uid", "new")))), None);
    put(store, &pairing, std::slice::from_ref(&new)).await?;
    same_links("links", &store.links(&pairing, None, 10).await?, &[new.clone(), linked(2)])?;
    same_ids("by the old key", &store.links_by_key(&pairing, Side::A, &keys(&["old"])).await?, &[])?;
    same_ids("by the new key", &store.links_by_key(&pairing, Side::A, &keys(&["new"])).await?, &[1])?;
    let lone = async |uid: &str| store.lone_links(&pairing, Side::A, &[MatchKey::Uid(uid.into())]).await;
    same_ids("by the old UID", &lone("old uid").await?, &[])?;
    same_ids("by the new UID", &lone("new uid").await?, &[1])?;
    let bearing =
        async |side, uid: &str| store.links_by_uid(&pairing, side, &[uid.into(), "none".into()]).await;
    same_ids("whose item had the old UID", &bearing(Side::A, "old uid").await?, &[])?;
    same_ids("whose item has the new UID", &bearing(Side::A, "new uid").await?, &[1])?;
    same_ids("on the other side", &bearing(Side::B, "new uid").await?, &[])?;
    // In one commit the last word counts.
    put(store, &pairing, &[linked(1), held(linked(1))]).await?;
    same_links("links", &store.links(&pairing, None, 1).await?, &[held(linked(1))])
}

pub(super) async fn removed_is_gone(store: &dyn StateStore) -> Checked {
    let pairing = pairing();
    let lone = || link(3, Some(seen("a3", present(series("u3", "s3")))), None);
    put(store, &pairing, &[gone(1, Side::A), linked(2), lone()]).await?;
    let remove = vec![LinkId(1), LinkId(3), LinkId(99)];
    // A link is dropped and another one goes on with its item.
    let heir = link(4, Some(half("a3")), Some(half("b1")));
    commit(store, &pairing, Commit { remove, put: vec![heir.clone()], ..Commit::default() }).await?;
    same_links("links", &store.links(&pairing, None, 10).await?, &[linked(2), heir])?;
    same_ids("by id", &store.links_by_id(&pairing, &[LinkId(1), LinkId(3)]).await?, &[])?;
    same_ids("by key", &store.links_by_key(&pairing, Side::A, &keys(&["a1", "a3"])).await?, &[4])?;
    same_ids("by key", &store.links_by_key(&pairing, Side::B, &keys(&["b1"])).await?, &[4])?;
    same_ids("due", &store.due_links(&pairing, None, at(0), 10).await?, &[])?;
    same_ids("lone", &store.lone_links(&pairing, Side::A, &[MatchKey::Uid("u3".into())]).await?, &[])?;

    let both = Commit { remove: vec![LinkId(2)], put: vec![gone(2, Side::B)], ..Commit::default() };
    commit(store, &pairing, both).await?;
    same_links("removed and put", &store.links_by_id(&pairing, &[LinkId(2)]).await?, &[gone(2, Side::B)])
}

pub(super) async fn handed_over(store: &dyn StateStore) -> Checked {
    let pairing = pairing();
    for (first, second) in [(1, 2), (2, 1)] {
        put(store, &pairing, &[linked(first), linked(second)]).await?;
        let taker = link(first, Some(half(&format!("a{second}"))), Some(half(&format!("b{first}"))));
        let giver = link(second, Some(half("a new one")), Some(half(&format!("b{second}"))));
        put(store, &pairing, &[taker, giver]).await?;
        let of = async |key: String| store.links_by_key(&pairing, Side::A, &[ItemKey::new(key)]).await;
        same_ids("the item that changed hands", &of(format!("a{second}")).await?, &[first])?;
        same_ids("the item that the giver has now", &of("a new one".to_owned()).await?, &[second])?;
        same_ids("the item that the taker had", &of(format!("a{first}")).await?, &[])?;
    }
    Ok(())
}

pub(super) async fn pages_in_order(store: &dyn StateStore) -> Checked {
    let pairing = pairing();
    let largest = u64::MAX >> 1;
    let ids = [70, 0, 1 << 62, 3, largest, 700, 7];
    put(store, &pairing, &ids.map(linked)).await?;
    let ordered = [0, 3, 7, 70, 700, 1 << 62, largest];
    same_ids("all", &store.links(&pairing, None, usize::MAX).await?, &ordered)?;
    for limit in 0..=ordered.len() {
        let (page, _) = ordered.split_at(limit);
        same_ids(&format!("the first {limit}"), &store.links(&pairing, None, limit).await?, page)?;
    }
    for (index, id) in ordered.iter().enumerate() {
        let (_, rest) = ordered.split_at(index + 1);
        same_ids(&format!("after {id}"), &store.links(&pairing, Some(LinkId(*id)), 100).await?, rest)?;
    }
    same_ids("after an id that is not there", &store.links(&pairing, Some(LinkId(8)), 2).await?, &[70, 700])
}

pub(super) async fn large_pages(store: &dyn StateStore) -> Checked {
    let pairing = pairing();
    let link_of = |id: u64| -> Result<Link, Fault> {
        Ok(match id % 4 {
            0 => linked(id),
            1 => gone(id, Side::B),
            2 => link(id, Some(seen(&format!("lone{id}"), present(rich_series(&format!("u{id}"))?))), None),
            _ => held(dirty(id, Side::A, present(rich_series(&format!("u{id}"))?))),
        })
    };
    let mut all = Vec::new();
    for commit in 0..4_u64 {
        let links: Vec<Link> = (0..512).map(|index| link_of(index * 4 + commit)).collect::<Result<_, _>>()?;
        put(store, &pairing, &links).await?;
        all.extend(links);
    }
    all.sort_by_key(|link| link.id);
    for page in [300, 5_000] {
        let mut read: Vec<Link> = Vec::new();
        loop {
            let next = store.links(&pairing, read.last().map(|link| link.id), page).await?;
            if next.is_empty() {
                break;
            }
            read.extend(next);
        }
        same_links(&format!("all in pages of {page}"), &read, &all)?;
    }
    let wanted: Vec<ItemKey> =
        all.iter().filter_map(|link| Some(link.halves.a.as_ref()?.key.clone())).collect();
    same_links("all by key", &store.links_by_key(&pairing, Side::A, &wanted).await?, &all)?;
    let counts = store.counts(&pairing).await?;
    same("counts", &(counts.linked, counts.gone.b, counts.held), &(1536, 512, 512))
}

pub(super) async fn by_id(store: &dyn StateStore) -> Checked {
    let pairing = pairing();
    put(store, &pairing, &[linked(5), linked(1), linked(3)]).await?;
    let ids = [5, 4, 1, 5, 1, 99].map(LinkId);
    same_ids("links", &store.links_by_id(&pairing, &ids).await?, &[1, 5])?;
    same_ids("none", &store.links_by_id(&pairing, &[]).await?, &[])
}

pub(super) async fn by_key(store: &dyn StateStore) -> Checked {
    let pairing = pairing();
    let crossed = link(7, Some(half("b1")), Some(half("a1")));
    put(store, &pairing, &[linked(2), linked(1), crossed, link(9, None, Some(half("b9")))]).await?;
    let of = async |side, texts: &[&str]| store.links_by_key(&pairing, side, &keys(texts)).await;
    same_ids("side A", &of(Side::A, &["b1", "a2", "a1", "a2", "nobody"]).await?, &[1, 2, 7])?;
    same_ids("side B", &of(Side::B, &["b1", "a1", "b9"]).await?, &[1, 7, 9])?;
    same_ids("a key of the other side", &of(Side::A, &["b2", "b9"]).await?, &[])?;
    same_ids("part of a key", &of(Side::A, &["a", "%", "a_", "a1 ", " a1"]).await?, &[])?;
    same_ids("none", &of(Side::A, &[]).await?, &[])
}

pub(super) async fn keys_are_case_sensitive(store: &dyn StateStore) -> Checked {
    let pairing = pairing();
    let lone = |id, key: &str| {
        let seen_with = Sighting {
            receipt: Some(receipt(&format!("token {key}"), &format!("counterpart {key}"), 1)),
            ..sighting(series(&format!("uid {key}"), key))
        };
        link(id, Some(seen(key, Observation::Present(Box::new(seen_with)))), None)
    };
    // Exchange ids are base64: these two are different items.
    put(store, &pairing, &[lone(1, "AAMkAb="), lone(2, "AAMkaB=")]).await?;
    for (id, key) in [(1, "AAMkAb="), (2, "AAMkaB=")] {
        same_ids("by key", &store.links_by_key(&pairing, Side::A, &keys(&[key])).await?, &[id])?;
        let all_keys = [
            MatchKey::Key(ItemKey::new(key)),
            MatchKey::Counterpart(ItemKey::new(format!("counterpart {key}"))),
            MatchKey::Uid(format!("uid {key}").as_str().into()),
        ];
        for by in all_keys {
            let found = store.lone_links(&pairing, Side::A, std::slice::from_ref(&by)).await?;
            same_ids(&format!("lone by {by:?}"), &found, &[id])?;
        }
    }
    same_ids("in lower case", &store.links_by_key(&pairing, Side::A, &keys(&["aamkab="])).await?, &[])?;

    let bury = |key: &str| Tombstone {
        link: LinkId(9),
        uid: format!("uid {key}").as_str().into(),
        keys: PerSide { a: Some(ItemKey::new(key)), b: None },
        at: at(0),
    };
    commit(store, &pairing, Commit { tombstones: vec![bury("AAMkAb=")], ..Commit::default() }).await?;
    let mut other = half("AAMkaB=");
    other.shadow = Some(shadow("UID AAMkAb="));
    same("tombstones", &store.tombstones(&pairing, Side::A, &[other]).await?.len(), &0)
}

/// A lone half on side B with a key of every kind.
fn lone_with_all_keys(id: u64, name: &str) -> Link {
    let seen_with = Sighting {
        receipt: Some(receipt(&format!("{name} token"), &format!("{name} counterpart"), 1)),
        ..sighting(series(&format!("{name} uid"), name))
    };
    link(id, None, Some(seen(&format!("{name} key"), Observation::Present(Box::new(seen_with)))))
}

fn all_keys(name: &str) -> [MatchKey; 4] {
    [
        MatchKey::Key(ItemKey::new(format!("{name} key"))),
        MatchKey::Counterpart(ItemKey::new(format!("{name} counterpart"))),
        MatchKey::Uid(format!("{name} uid").as_str().into()),
        MatchKey::Time(series("", name).time_hash()),
    ]
}

pub(super) async fn lone_by_each_kind(store: &dyn StateStore) -> Checked {
    let pairing = pairing();
    let links = [lone_with_all_keys(4, "four"), lone_with_all_keys(2, "two"), linked(3)];
    put(store, &pairing, &links).await?;
    let of = async |side, by: &[MatchKey]| store.lone_links(&pairing, side, by).await;
    for by in all_keys("four") {
        let what = format!("by {by:?}");
        same_links(&what, &of(Side::B, std::slice::from_ref(&by)).await?, &links[..1])?;
        same_ids(&format!("{what} on the other side"), &of(Side::A, &[by]).await?, &[])?;
    }
    let same_text_of_another_kind = [
        MatchKey::Uid("four key".into()),
        MatchKey::Key(ItemKey::new("four counterpart")),
        MatchKey::Counterpart(ItemKey::new("four key")),
        MatchKey::Time(ContentHash::of(&["four uid"])),
    ];
    same_ids("by texts of another kind", &of(Side::B, &same_text_of_another_kind).await?, &[])?;
    let both: Vec<MatchKey> = all_keys("four").into_iter().chain(all_keys("two")).collect();
    same_ids("by all keys of both", &of(Side::B, &both).await?, &[2, 4])?;
    same_ids("by nothing", &of(Side::B, &[]).await?, &[])?;

    // A UID that several share finds them all.
    let double = link(1, None, Some(seen("copy", present(series("two uid", "copy")))));
    put(store, &pairing, &[double]).await?;
    same_ids("by a shared UID", &of(Side::B, &[MatchKey::Uid("two uid".into())]).await?, &[1, 2])?;

    // What cannot be read is found by its key only.
    put(store, &pairing, &[link(5, None, Some(seen("five key", Observation::Unread(String::new()))))])
        .await?;
    same_ids("an unread one by key", &of(Side::B, &all_keys("five")[..1]).await?, &[5])?;
    same_ids("an unread one by the rest", &of(Side::B, &all_keys("five")[1..]).await?, &[])
}

pub(super) async fn lone_only_while_lone(store: &dyn StateStore) -> Checked {
    let pairing = pairing();
    let lone = lone_with_all_keys(1, "one");
    put(store, &pairing, std::slice::from_ref(&lone)).await?;
    let of = async || store.lone_links(&pairing, Side::B, &all_keys("one")).await;
    same_ids("while lone", &of().await?, &[1])?;
    let mut linked = lone.clone();
    linked.halves.a = Some(half("a1"));
    put(store, &pairing, &[linked]).await?;
    same_ids("with a counterpart", &of().await?, &[])?;
    put(store, &pairing, std::slice::from_ref(&lone)).await?;
    same_ids("lone again", &of().await?, &[1])?;
    let mut unread = lone;
    if let Some(half) = unread.halves.b.as_mut() {
        half.seen = Some(Observation::Gone);
    }
    put(store, &pairing, &[unread]).await?;
    same_ids("by its key", &of().await?, &[1])?;
    let by_rest = store.lone_links(&pairing, Side::B, &all_keys("one")[1..]).await?;
    same_ids("by what it no longer shows", &by_rest, &[])
}

pub(super) async fn due_is_dirty(store: &dyn StateStore) -> Checked {
    let pairing = pairing();
    let links = [
        linked(1),
        dirty(2, Side::A, present(series("u", "s"))),
        gone(3, Side::B),
        dirty(4, Side::B, Observation::Unread("why".to_owned())),
        held(gone(5, Side::A)),
        held(linked(6)),
        link(7, Some(seen("a7", present(series("u7", "s")))), None),
        link(8, None, Some(half("b8"))),
    ];
    put(store, &pairing, &links).await?;
    let due = async || store.due_links(&pairing, None, at(0), 100).await;
    same_ids("due", &due().await?, &[2, 3, 4, 5, 7])?;
    put(store, &pairing, &[linked(2), gone(1, Side::A), linked(7)]).await?;
    same_ids("due after a change", &due().await?, &[1, 3, 4, 5])
}

pub(super) async fn due_after_retry(store: &dyn StateStore) -> Checked {
    let pairing = pairing();
    let links = [
        failing(gone(1, Side::A), at(10)),
        failing(gone(2, Side::A), at(20)),
        gone(3, Side::A),
        failing(linked(4), at(10)),
    ];
    put(store, &pairing, &links).await?;
    for (now, due) in [(at(9), &[3][..]), (at(10), &[1, 3]), (at(19), &[1, 3]), (at(20), &[1, 2, 3])] {
        same_ids(&format!("due at {now}"), &store.due_links(&pairing, None, now, 100).await?, due)?;
    }
    let millisecond = chrono::Duration::milliseconds(1);
    same_ids("just before", &store.due_links(&pairing, None, at(10) - millisecond, 9).await?, &[3])?;
    put(store, &pairing, &[gone(2, Side::A)]).await?;
    same_ids("after a success", &store.due_links(&pairing, None, at(0), 100).await?, &[2, 3])
}

pub(super) async fn due_in_pages(store: &dyn StateStore) -> Checked {
    let pairing = pairing();
    let links: Vec<Link> = (1..=40)
        .rev()
        .map(|id| match id % 4 {
            0 => linked(id),
            1 => failing(gone(id, Side::A), at(100)),
            _ => gone(id, Side::B),
        })
        .collect();
    put(store, &pairing, &links).await?;
    let expected: Vec<u64> = (1..=40).filter(|id| id % 4 > 1).collect();
    let mut read: Vec<Link> = Vec::new();
    loop {
        let page = store.due_links(&pairing, read.last().map(|link| link.id), at(0), 7).await?;
        same("a page of 7 of 20", &page.len(), &expected.len().saturating_sub(read.len()).min(7))?;
        if page.is_empty() {
            break;
        }
        read.extend(page);
    }
    same_ids("due in pages of 7", &read, &expected)?;
    same_ids("none asked for", &store.due_links(&pairing, None, at(0), 0).await?, &[])
}

pub(super) async fn unlisted(store: &dyn StateStore) -> Checked {
    let pairing = pairing();
    let listed = |id, a: Option<u32>, b: Option<u32>| {
        let half = |key: &str, listed| Half { listed, ..half(key) };
        link(id, a.map(|listed| half("a", listed)), b.map(|listed| half("b", listed)))
    };
    let links = [
        listed(9, Some(1), Some(5)),
        listed(2, Some(2), Some(5)),
        listed(3, Some(3), Some(4)),
        listed(4, None, Some(1)),
        listed(5, Some(0), None),
    ];
    put(store, &pairing, &links).await?;
    let of = async |side, listing, after: Option<u64>, limit| {
        store.unlisted_links(&pairing, side, listing, after.map(LinkId), limit).await
    };
    same_ids("listing 3 of A", &of(Side::A, 3, None, 100).await?, &[2, 5, 9])?;
    same_ids("listing 5 of B", &of(Side::B, 5, None, 100).await?, &[3, 4])?;
    same_ids("listing 0", &of(Side::A, 0, None, 100).await?, &[])?;
    same_ids("the first two", &of(Side::A, 3, None, 2).await?, &[2, 5])?;
    same_ids("the rest", &of(Side::A, 3, Some(5), 2).await?, &[9])?;
    put(store, &pairing, &[listed(9, Some(3), Some(5))]).await?;
    same_ids("after one was listed", &of(Side::A, 3, None, 100).await?, &[2, 5])
}

pub(super) async fn held_in_pages(store: &dyn StateStore) -> Checked {
    let pairing = pairing();
    let waits = |id: u64| id.is_multiple_of(3);
    let links: Vec<Link> =
        (0..30).map(|id| if waits(id) { held(gone(id, Side::A)) } else { gone(id, Side::B) }).collect();
    put(store, &pairing, &links).await?;
    // What waits needs nothing that was seen, and being set aside does not hide it.
    put(store, &pairing, &[held(linked(3)), failing(held(gone(6, Side::A)), at(9_999))]).await?;
    // And what no longer waits is gone from here.
    put(store, &pairing, &[gone(9, Side::A)]).await?;
    let all: Vec<u64> = (0..30).filter(|id| waits(*id) && *id != 9).collect();
    same_ids("all", &store.held_links(&pairing, None, 100).await?, &all)?;
    let mut read = Vec::new();
    let mut after = None;
    loop {
        let page = store.held_links(&pairing, after, 4).await?;
        let Some(last) = page.last() else { break };
        if read.len() > all.len() {
            return Err(Fault("the pages never end".to_owned()));
        }
        after = Some(last.id);
        read.extend(page.iter().map(|link| link.id.0));
    }
    same("pages together", &read, &all)?;
    same_links("in full", &store.held_links(&pairing, Some(LinkId(2)), 1).await?, &[held(linked(3))])?;
    same_ids("of another pairing", &store.held_links(&PairingId::new("other"), None, 9).await?, &[])
}

pub(super) async fn counts(store: &dyn StateStore) -> Checked {
    let pairing = pairing();
    let links = [
        linked(1),
        gone(2, Side::A),
        gone(3, Side::A),
        gone(4, Side::B),
        held(gone(5, Side::B)),
        failing(linked(6), at(50)),
        held(failing(link(7, Some(seen("a7", Observation::Gone)), None), at(1))),
        dirty(8, Side::A, Observation::Unread("why".to_owned())),
    ];
    put(store, &pairing, &links).await?;
    let counts = async || store.counts(&pairing).await;
    let expected = Counts { linked: 7, gone: PerSide { a: 2, b: 2 }, held: 2, failing: 2 };
    same("counts", &counts().await?, &expected)?;

    put(store, &pairing, &[linked(2), held(linked(1)), gone(6, Side::A), gone(9, Side::B)]).await?;
    let expected = Counts { linked: 8, gone: PerSide { a: 2, b: 3 }, held: 3, failing: 1 };
    same("counts after changes", &counts().await?, &expected)?;

    let remove = [3, 5, 7, 8, 77].map(LinkId).to_vec();
    commit(store, &pairing, Commit { remove, ..Commit::default() }).await?;
    let expected = Counts { linked: 5, gone: PerSide { a: 1, b: 2 }, held: 1, failing: 0 };
    same("counts after removals", &counts().await?, &expected)
}

pub(super) async fn tombstones(store: &dyn StateStore) -> Checked {
    let pairing = pairing();
    let bury = |id, uid: &str, a: Option<&str>, b: Option<&str>| Tombstone {
        link: LinkId(id),
        uid: uid.into(),
        keys: PerSide { a: a.map(ItemKey::new), b: b.map(ItemKey::new) },
        at: at(3) + chrono::Duration::nanoseconds(7),
    };
    let one = bury(1, "uid 1", Some("a1"), Some("b1"));
    let two = bury(2, "uid 2", None, Some("b2"));
    let tombstones = vec![one.clone(), two.clone()];
    commit(store, &pairing, Commit { tombstones, ..Commit::default() }).await?;
    let of = async |side, halves: &[Half]| store.tombstones(&pairing, side, halves).await;
    let stranger = |key: &str| Half { shadow: Some(shadow("another uid")), ..half(key) };
    let of_uid = |uid: &str| Half { shadow: Some(shadow(uid)), ..half("another key") };
    same("by key", &of(Side::A, &[stranger("a1")]).await?, &vec![one.clone()])?;
    same("by key of B", &of(Side::B, &[stranger("b2")]).await?, &vec![two.clone()])?;
    same("by a key of the other side", &of(Side::B, &[stranger("a1")]).await?, &vec![])?;
    same("by UID of the shadow", &of(Side::A, &[of_uid("uid 2")]).await?, &vec![two.clone()])?;
    let seen_again = seen("another key", present(series("uid 1", "s")));
    same("by UID of what was seen", &of(Side::B, &[seen_again]).await?, &vec![one.clone()])?;
    let many = [of_uid("uid 2"), stranger("a1"), of_uid("uid 1"), stranger("nobody")];
    let mut found = of(Side::A, &many).await?;
    found.sort_by_key(|tombstone| tombstone.link);
    same("by several, each once", &found, &vec![one, two])?;
    same("by nothing", &of(Side::A, &[]).await?, &vec![])?;
    let unread = seen("another key", Observation::Unread("uid 1".to_owned()));
    same("by what was never read", &of(Side::A, &[unread]).await?, &vec![])
}
