//! The table in `docs/conflict-rules.md` is the decision table: every pair of states has one row there, and the code
//! agrees with it.

use std::collections::BTreeMap;

use calsync_core::ids::Side;
use calsync_core::sync::{State, Verdict, verdict};

fn state(name: &str) -> State {
    match name {
        "missing" => State::Missing,
        "unchanged" => State::Unchanged,
        "changed" => State::Changed,
        "new" => State::New,
        "gone" => State::Gone,
        "unread" => State::Unread,
        other => panic!("{other} is no state"),
    }
}

fn words(verdict: Verdict) -> String {
    match verdict {
        Verdict::Read => "read first".to_owned(),
        Verdict::InStep => "in step".to_owned(),
        Verdict::Forget => "forget".to_owned(),
        Verdict::Create(from) => format!("create on {}", from.other()),
        Verdict::Pair => "pair".to_owned(),
        Verdict::Carry(from) => format!("carry {from} to {}", from.other()),
        Verdict::Merge => "merge".to_owned(),
        Verdict::Delete(gone) => format!("delete on {}", gone.other()),
        Verdict::Contest(gone) => format!("restore on {gone} or delete on {}", gone.other()),
    }
}

#[test]
fn the_table_in_the_documentation_is_what_the_code_does() {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/conflict-rules.md"))
        .unwrap();
    let mut rows = BTreeMap::new();
    for line in text.lines().filter(|line| line.starts_with("| ")) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [a, b, result, ..] = cells[..] else { continue };
        if State::ALL.iter().any(|known| format!("{known:?}").to_lowercase() == a) {
            assert!(rows.insert((state(a), state(b)), result.to_owned()).is_none(), "{a} and {b} twice");
        }
    }
    assert_eq!(rows.len(), State::ALL.len().pow(2), "every pair of states has a row");
    for ((a, b), result) in rows {
        assert_eq!(words(verdict(a, b)), result, "{a:?} on A and {b:?} on B");
    }
}

#[test]
fn swapping_the_sides_mirrors_the_verdict() {
    let mirrored = |verdict: Verdict| match verdict {
        Verdict::Create(side) => Verdict::Create(side.other()),
        Verdict::Carry(side) => Verdict::Carry(side.other()),
        Verdict::Delete(side) => Verdict::Delete(side.other()),
        Verdict::Contest(side) => Verdict::Contest(side.other()),
        other @ (Verdict::Read | Verdict::InStep | Verdict::Forget | Verdict::Pair | Verdict::Merge) => other,
    };
    for a in State::ALL {
        for b in State::ALL {
            assert_eq!(verdict(b, a), mirrored(verdict(a, b)), "{a:?} {b:?}");
        }
    }
    assert_eq!(Side::A.other(), Side::B);
}
