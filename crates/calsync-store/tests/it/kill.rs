//! A process that is killed while it commits: what it said it had stored is there.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use calsync_core::ids::{ChangeToken, PerSide, Side};
use calsync_core::store::{Closed, Commit, StateStore};
use calsync_store::SqliteStore;

use crate::sample::{edited, entry, journal_of, linked, pairing};

const DIR: &str = "CALSYNC_TEST_KILL_DIR";

/// Links that each commit puts.
const EACH: u64 = 20;

/// Not a test by itself: what the process does that is killed.
#[tokio::test]
#[ignore = "is started and killed by the test below"]
async fn child_commits_until_it_is_killed() {
    let Some(dir) = std::env::var_os(DIR) else { return };
    let store = SqliteStore::open(PathBuf::from(dir)).unwrap();
    let pairing = pairing();
    let mut version = store.head(&pairing).await.unwrap().version;
    let say = |what: &str, number: u64| {
        let mut out = std::io::stdout().lock();
        writeln!(out, "\nstored {what} {number}").and_then(|()| out.flush()).unwrap();
    };
    loop {
        store.journal(&pairing, &[entry(version, version)]).await.unwrap();
        say("entry", version);
        let put = (version * EACH..(version + 1) * EACH).map(edited).collect();
        let closed = vec![Closed {
            link: linked(version).id,
            side: Side::B,
            number: version,
            outcome: "done".to_owned(),
        }];
        let tokens = PerSide { a: Some(ChangeToken::new(version.to_string())), b: None };
        store.commit(&pairing, &Commit { version, tokens, put, closed, ..Commit::default() }).await.unwrap();
        version += 1;
        say("version", version);
    }
}

/// Kills the child wherever it is when the guard goes.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs the child until it said `lines` things, kills it a moment later; the last entry and version it stored.
fn run_and_kill(dir: &Path, lines: usize, moment: Duration) -> (Option<u64>, Option<u64>) {
    let mut child = Killed(
        Command::new(std::env::current_exe().unwrap())
            .args(["kill::child_commits_until_it_is_killed", "--exact", "--ignored", "--nocapture"])
            .env(DIR, dir)
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap(),
    );
    let (mut entry, mut version) = (None, None);
    let mut note = |line: &str| match line.trim().split(' ').collect::<Vec<_>>()[..] {
        ["stored", "entry", number] => entry = Some(number.parse().unwrap()),
        ["stored", "version", number] => version = Some(number.parse().unwrap()),
        _ => {}
    };
    let mut said = BufReader::new(child.0.stdout.take().unwrap()).lines();
    for line in
        said.by_ref().filter(|line| line.as_ref().is_ok_and(|line| line.starts_with("stored"))).take(lines)
    {
        note(&line.unwrap());
    }
    std::thread::sleep(moment);
    drop(child);
    // What it said before it was killed and we had not read yet; the last line may be torn.
    for line in said.map_while(Result::ok).filter(|line| line.starts_with("stored")) {
        if !line.ends_with(' ') {
            note(&line);
        }
    }
    (entry, version)
}

#[tokio::test]
async fn a_killed_process_has_stored_everything_it_said_and_nothing_by_halves() {
    let dir = tempfile::tempdir().unwrap();
    let pairing = pairing();
    let mut seen = 0;
    for (turn, lines) in [1, 2, 3, 7, 12, 20, 33, 40].into_iter().enumerate() {
        let moment = Duration::from_micros(700 * turn as u64);
        let (said_entry, said_version) = run_and_kill(dir.path(), lines, moment);
        assert!(said_entry.is_some(), "the child stored nothing");

        let store = SqliteStore::open(dir.path()).unwrap();
        store.check().await.unwrap();
        let head = store.head(&pairing).await.unwrap();
        let said_version = said_version.unwrap_or(seen);
        assert!(head.version >= said_version, "version {} of {said_version} acknowledged ones", head.version);
        assert!(head.version <= said_version + 1, "the child cannot have been so far ahead");
        seen = head.version;

        // A commit is whole: head, token, links, intents and counters agree.
        let token = head.version.checked_sub(1).map(|last| ChangeToken::new(last.to_string()));
        assert_eq!(head.tokens.a, token);
        let links = store.links(&pairing, None, usize::MAX).await.unwrap();
        let expected: Vec<_> = (0..head.version * EACH).map(edited).collect();
        assert!(links == expected, "{} links after version {}", links.len(), head.version);
        assert_eq!(store.counts(&pairing).await.unwrap().linked, head.version * EACH);

        // Every acknowledged entry is there, and every open intent has one. An entry may be there twice: the process
        // stopped after the journal was durable and before the intent was, or before the commit.
        let entries = journal_of(&store, &pairing).await;
        let last = entries.first().map(|entry| entry.write.receipt.number);
        assert!(last >= said_entry, "entry {last:?} of {said_entry:?} acknowledged ones");
        for number in 0..head.version {
            let outcomes: Vec<_> = entries
                .iter()
                .filter(|entry| entry.write.receipt.number == number)
                .map(|e| &e.outcome)
                .collect();
            assert!(
                outcomes.iter().any(|outcome| outcome.as_deref() == Some("done")),
                "{number}: {outcomes:?}"
            );
        }
        for intent in &head.intents {
            assert!(entries.iter().any(|entry| entry.intent() == *intent), "an intent without its entry");
            assert_eq!(intent.write.receipt.number, head.version, "a closed intent is open again");
        }
    }
    assert!(seen > 20, "only {seen} versions in all");
}
