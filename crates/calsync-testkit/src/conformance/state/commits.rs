//! The head, versions, pairings side by side, reset.

use calsync_core::ids::{ChangeToken, ItemKey, LinkId, PairingId, PerSide, Side};
use calsync_core::link::{Head, Lately, Listing, MatchKey, Observation, Tombstone};
use calsync_core::store::{Closed, Commit, Counts, StateStore, StoreError};
use futures::future;

use super::build::{at, dirty, entry, failing, gone, held, linked, pairing, seen, series};
use super::{commit, put, same_ids, same_links};
use crate::conformance::{Checked, Fault, holds, same};

pub(super) async fn unknown_pairing(store: &dyn StateStore) -> Checked {
    let pairing = pairing();
    for turn in ["first", "second"] {
        same(turn, &store.head(&pairing).await?, &Head::default())?;
        same(turn, &store.counts(&pairing).await?, &Counts::default())?;
        let by = [MatchKey::Key(ItemKey::new("a"))];
        same_ids("links", &store.links(&pairing, None, 10).await?, &[])?;
        same_ids("links by id", &store.links_by_id(&pairing, &[LinkId(1)]).await?, &[])?;
        same_ids("links by key", &store.links_by_key(&pairing, Side::A, &[ItemKey::new("a")]).await?, &[])?;
        same_ids("lone links", &store.lone_links(&pairing, Side::A, &by).await?, &[])?;
        same_ids("due links", &store.due_links(&pairing, None, at(0), 10).await?, &[])?;
        same_ids("unlisted links", &store.unlisted_links(&pairing, Side::B, 9, None, 10).await?, &[])?;
        same("journal", &super::journal(store, &pairing, 10).await?.len(), &0)?;
    }
    Ok(())
}

pub(super) async fn pairings_are_separate(store: &dyn StateStore) -> Checked {
    let (one, two) = (PairingId::new("meier"), PairingId::new("Meier"));
    let (mine, theirs) = (gone(1, Side::A), linked(1));
    put(store, &one, std::slice::from_ref(&mine)).await?;
    put(store, &two, std::slice::from_ref(&theirs)).await?;
    store.journal(&one, &[entry(1, Side::B, 1)]).await?;
    same_links("links of one", &store.links(&one, None, 10).await?, &[mine])?;
    same_links("links of the other", &store.links(&two, None, 10).await?, std::slice::from_ref(&theirs))?;
    same("gone", &store.counts(&two).await?.gone, &PerSide::default())?;
    same("intents", &store.head(&two).await?.intents.len(), &0)?;
    same("journal", &super::journal(store, &two, 10).await?.len(), &0)?;
    store.reset(&one).await?;
    same_links("links after a reset of the other", &store.links(&two, None, 10).await?, &[theirs])?;
    commit(store, &two, Commit { remove: vec![LinkId(1)], ..Commit::default() }).await?;
    same_ids("links", &store.links(&two, None, 10).await?, &[])
}

pub(super) async fn version_is_checked(store: &dyn StateStore) -> Checked {
    let pairing = pairing();
    store.commit(&pairing, &Commit::default()).await?;
    same("version", &store.head(&pairing).await?.version, &1)?;
    for version in [0, 2, 7] {
        let refused = store.commit(&pairing, &Commit { version, ..Commit::default() }).await;
        holds(
            "a commit upon another version was not a conflict",
            matches!(refused, Err(StoreError::Conflict)),
        )?;
    }
    store.commit(&pairing, &Commit { version: 1, ..Commit::default() }).await?;
    same("version", &store.head(&pairing).await?.version, &2)
}

pub(super) async fn refused_changes_nothing(store: &dyn StateStore) -> Checked {
    let pairing = pairing();
    let before = [linked(1), gone(2, Side::B)];
    put(store, &pairing, &before).await?;
    store.journal(&pairing, &[entry(1, Side::B, 1)]).await?;
    let head = store.head(&pairing).await?;
    let counts = store.counts(&pairing).await?;
    let commit = Commit {
        version: head.version + 1,
        tokens: PerSide { a: Some(ChangeToken::new("new")), b: None },
        listings: PerSide { a: None, b: Some(Listing { number: 4, open: true }) },
        first_sync_done: true,
        deleted: Some(PerSide::from_fn(|_| Lately::default().with(3, at(0)))),
        put: vec![gone(1, Side::A), linked(3)],
        remove: vec![LinkId(2)],
        closed: vec![Closed { link: LinkId(1), side: Side::B, number: 1, outcome: "carried out".to_owned() }],
        tombstones: vec![Tombstone {
            link: LinkId(2),
            uid: "uid of a1".into(),
            keys: PerSide { a: Some(ItemKey::new("a1")), b: None },
            at: at(0),
        }],
        ..Commit::default()
    };
    let refused = store.commit(&pairing, &commit).await;
    holds("the commit was not refused", matches!(refused, Err(StoreError::Conflict)))?;
    same("head", &store.head(&pairing).await?, &head)?;
    same("counts", &store.counts(&pairing).await?, &counts)?;
    same_links("links", &store.links(&pairing, None, 10).await?, &before)?;
    same_ids(
        "the link that was not put",
        &store.links_by_key(&pairing, Side::A, &["a3".into()]).await?,
        &[],
    )?;
    let halves: Vec<_> = before.iter().filter_map(|link| link.halves.a.clone()).collect();
    same("tombstones", &store.tombstones(&pairing, Side::A, &halves).await?.len(), &0)?;
    let outcomes: Vec<_> =
        super::journal(store, &pairing, 10).await?.into_iter().map(|entry| entry.outcome).collect();
    same("outcomes", &outcomes, &vec![None])
}

pub(super) async fn one_of_two_succeeds(store: &dyn StateStore) -> Checked {
    let pairing = pairing();
    for version in 0..20 {
        let commits = [1, 2].map(|id| Commit { version, put: vec![linked(id)], ..Commit::default() });
        let [one, two] = &commits;
        let (one, two) = future::join(store.commit(&pairing, one), store.commit(&pairing, two)).await;
        match (one, two) {
            (Ok(()), Err(StoreError::Conflict)) | (Err(StoreError::Conflict), Ok(())) => {}
            (one, two) => return Err(Fault(format!("{one:?} and {two:?}"))),
        }
    }
    same("version", &store.head(&pairing).await?.version, &20)
}

pub(super) async fn head_follows_apply(store: &dyn StateStore) -> Checked {
    let pairing = pairing();
    let mut expected = Head::default();
    for step in 0..48_u32 {
        let mut commit =
            Commit { version: expected.version, first_sync_done: step == 30, ..Commit::default() };
        for (side, shift) in [(Side::A, 0), (Side::B, 2)] {
            let says = |what: u32| (step >> shift) % 4 == what;
            *commit.tokens.get_mut(side) =
                (says(1) || says(3)).then(|| ChangeToken::new(format!("{side}{step}")));
            *commit.forget_tokens.get_mut(side) = says(2) || (says(3) && step % 5 == 0);
            *commit.listings.get_mut(side) = says(3).then_some(Listing { number: step, open: step % 2 == 0 });
        }
        store.commit(&pairing, &commit).await?;
        expected.apply(&commit);
        same(&format!("head after {commit:?}"), &store.head(&pairing).await?, &expected)?;
    }
    Ok(())
}

pub(super) async fn large_tokens(store: &dyn StateStore) -> Checked {
    let pairing = pairing();
    for size in [0, 1, 100_000, 2_000_000] {
        let token = ChangeToken::new("H4sIAAAA+/=é".chars().cycle().take(size).collect::<String>());
        let tokens = PerSide { a: None, b: Some(token.clone()) };
        commit(store, &pairing, Commit { tokens, ..Commit::default() }).await?;
        let stored = store.head(&pairing).await?.tokens;
        holds(&format!("a token of {size} characters came back changed"), stored.b == Some(token))?;
        same("the other token", &stored.a, &None)?;
    }
    Ok(())
}

pub(super) async fn reset_keeps_the_journal(store: &dyn StateStore) -> Checked {
    let pairing = pairing();
    let everything = Commit {
        tokens: PerSide { a: Some(ChangeToken::new("ta")), b: Some(ChangeToken::new("tb")) },
        listings: PerSide { a: Some(Listing { number: 3, open: true }), b: None },
        first_sync_done: true,
        put: vec![
            held(dirty(1, Side::A, Observation::Unread("why".to_owned()))),
            failing(gone(2, Side::B), at(0)),
            super::build::link(
                3,
                Some(seen("lone", super::build::present(series("lone uid", "lone")))),
                None,
            ),
        ],
        tombstones: vec![Tombstone {
            link: LinkId(9),
            uid: "buried".into(),
            keys: PerSide { a: Some(ItemKey::new("a1")), b: None },
            at: at(0),
        }],
        ..Commit::default()
    };
    commit(store, &pairing, everything.clone()).await?;
    store.journal(&pairing, &[entry(1, Side::B, 1), entry(2, Side::A, 2)]).await?;
    let journal = super::journal(store, &pairing, 10).await?;
    let running = store.head(&pairing).await?.version;

    store.reset(&pairing).await?;
    let head = store.head(&pairing).await?;
    holds("the version went back or stayed", head.version > running)?;
    same("head", &head, &Head { version: head.version, ..Head::default() })?;
    same("counts", &store.counts(&pairing).await?, &Counts::default())?;
    same_ids("links", &store.links(&pairing, None, 10).await?, &[])?;
    same_ids("due", &store.due_links(&pairing, None, at(100), 10).await?, &[])?;
    let by = [MatchKey::Key(ItemKey::new("lone"))];
    same_ids("lone links", &store.lone_links(&pairing, Side::A, &by).await?, &[])?;
    let half = super::build::half("a1");
    same("tombstones", &store.tombstones(&pairing, Side::A, &[half]).await?.len(), &0)?;
    same("journal", &super::journal(store, &pairing, 10).await?, &journal)?;

    let late = store.commit(&pairing, &Commit { version: running, ..everything.clone() }).await;
    holds("a round from before the reset could commit", matches!(late, Err(StoreError::Conflict)))?;
    commit(store, &pairing, everything).await?;
    same("links after starting over", &store.links(&pairing, None, 10).await?.len(), &3)
}
