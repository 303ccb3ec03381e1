//! `conflict`: where both sides said something different. What waits, what was decided, and the other way round.

use calsync_core::ids::{PairingId, Side};
use calsync_core::link::{Answer as Said, HoldKind, Link, Wish};
use calsync_core::store::{JournalEntry, JournalQuery, Losing, LostBy, StateStore as _};
use calsync_store::PairingRecord;
use serde_json::{Value, json};

use super::cells::{self, Cells};
use super::held::{self, time};
use super::journal;
use super::orders::{self, Wishes, chosen, look};
use super::{Answer, Complaint, Context, Exit, print, print_json, status, waiting};
use crate::cli::{ConflictArgs, ConflictCommand, LinkOrEntry};
use crate::fields::side_word;
use crate::texts::{Lang, Message, OrderText as T};

pub(super) async fn run(context: &Context, command: &ConflictCommand) -> Answer {
    match command {
        ConflictCommand::List { choice, decided, limit } => {
            let (_, store) = look(context).await?;
            let records = chosen(&store, choice.pairing.as_ref()).await?;
            if *decided {
                let mut entries = Vec::new();
                for record in &records {
                    let query = JournalQuery { lost: true, ..JournalQuery::newest(*limit) };
                    let found = store.journal_entries(&record.id, &query).await?;
                    entries.extend(found.into_iter().map(|entry| (record.id.clone(), entry)));
                }
                tell_decided(&entries, choice.json, context.lang);
            } else {
                let mut waiting = orders::held(&store, &records).await?;
                waiting.retain(|(_, link)| is_conflict(link));
                held::tell(&waiting, choice.json, context.lang, T::NoConflicts, "conflicts");
            }
            Ok(Exit::Good)
        }
        ConflictCommand::Show(args) => {
            let (_, store) = look(context).await?;
            match found(&store, args).await? {
                Found::Waiting(record, link) => tell_waiting(&record.id, &link, args, context.lang),
                Found::Decided(pairing, decided) => {
                    tell_lost(&pairing, &decided.0, &decided.1, args, context.lang);
                }
            }
            Ok(Exit::Good)
        }
        ConflictCommand::Resolve { which, prefer } => {
            let (config, store) = look(context).await?;
            let mut wishes = Wishes::default();
            match found(&store, which).await? {
                Found::Waiting(record, link) => {
                    wishes.add(&record.id, held::wish(&link, Said::Prefer(*prefer))?);
                }
                Found::Decided(pairing, decided) => {
                    let (entry, losing) = *decided;
                    if losing.side != *prefer {
                        let already = Message::new(T::AlreadySo).with("number", which.number);
                        let already = already.with_message("side", waiting::side(*prefer));
                        if which.json {
                            print_json(&json!({ "result": "ok", "pairings": [] }));
                        }
                        context.warn(&already);
                        return Ok(Exit::Good);
                    }
                    if let Some(why) = journal::cannot_undo(&entry) {
                        return Err(Complaint::Failed(why));
                    }
                    wishes.add(&pairing, Wish::Undo(Box::new(entry)));
                }
            }
            orders::place(context, &config, store, wishes, which.json, Exit::Good).await
        }
    }
}

/// What a number names.
enum Found {
    Waiting(Box<PairingRecord>, Box<Link>),
    Decided(PairingId, Box<(JournalEntry, Losing)>),
}

fn is_conflict(link: &Link) -> bool {
    link.hold.as_ref().is_some_and(|hold| hold.kind == HoldKind::Conflict)
}

async fn found(store: &calsync_store::SqliteStore, args: &ConflictArgs) -> Result<Found, Complaint> {
    let records = chosen(store, args.pairing.as_ref()).await?;
    match args.number {
        LinkOrEntry::Link(id) => {
            for record in records {
                let links = store.links_by_id(&record.id, &[id]).await?;
                match links.into_iter().find(|link| link.hold.is_some()) {
                    Some(link) if is_conflict(&link) => {
                        return Ok(Found::Waiting(Box::new(record), Box::new(link)));
                    }
                    Some(link) => {
                        return Err(Complaint::Usage(Message::new(T::IsNoConflict).with("link", link.id)));
                    }
                    None => {}
                }
            }
        }
        LinkOrEntry::Entry(id) => {
            let pairings: Vec<PairingId> = records.into_iter().map(|record| record.id).collect();
            if let Some((pairing, entry)) = orders::entry(store, &pairings, id).await?
                && let Some(losing) = entry.losing.clone()
            {
                return Ok(Found::Decided(pairing, Box::new((entry, losing))));
            }
        }
    }
    Err(Complaint::Usage(Message::new(T::NoConflict).with("number", args.number)))
}

/// Both sides of a conflict that waits, and what they showed when they were in step.
fn tell_waiting(pairing: &PairingId, link: &Link, args: &ConflictArgs, lang: Lang) {
    let of = |side: Side| {
        let half = link.halves.get(side).as_ref();
        let shadow = half.and_then(|half| half.shadow.as_ref()).map(|shadow| Cells::of(&shadow.series));
        let latest = half.and_then(|half| half.latest()).map(|(_, series)| Cells::of(series));
        (shadow.unwrap_or_default(), latest.unwrap_or_default())
    };
    let ((was_a, a), (was_b, b)) = (of(Side::A), of(Side::B));
    let changed = |path: &str| (was_a.get(path) != a.get(path), was_b.get(path) != b.get(path));
    let paths: Vec<&str> = Cells::paths(&[&was_a, &was_b, &a, &b])
        .into_iter()
        .filter(|path| {
            let (on_a, on_b) = changed(path);
            on_a || on_b
        })
        .collect();
    let disputed = |path: &str| changed(path) == (true, true) && a.get(path) != b.get(path);
    let since = link.hold.as_ref().map(|hold| time(hold.since)).unwrap_or_default();
    if args.json {
        let fields: Vec<Value> = paths
            .iter()
            .map(|path| {
                let was = if changed(path).0 { was_a.get(path) } else { was_b.get(path) };
                json!({
                    "path": path, "before": was, "nvs": a.get(path), "exchange": b.get(path),
                    "disputed": disputed(path),
                })
            })
            .collect();
        print_json(&json!({
            "pairing": pairing.as_str(), "link": link.id.to_string(), "state": "waiting", "since": since,
            "fields": fields,
        }));
        return;
    }
    let head = Message::new(T::ConflictWaits).with("pairing", pairing).with("link", link.id);
    let head = head.with("subject", held::title(link, lang).1).with("since", since);
    let before = |path: &&str| changed(path).0;
    let (of_a, of_b): (Vec<&str>, Vec<&str>) = paths.iter().partition(|path| before(path));
    let names = [lang.say(T::VersionBefore).to_owned()]
        .into_iter()
        .chain(Side::BOTH.map(|side| waiting::side(side).to_text(lang)))
        .collect::<Vec<_>>();
    let mark = |path: &str| disputed(path).then(|| Message::new(T::Disputed));
    let mut out = head.to_text(lang) + "\n";
    for (paths, was) in [(of_a, &was_a), (of_b, &was_b)] {
        let versions: Vec<(String, &Cells)> = names.iter().cloned().zip([was, &a, &b]).collect();
        out.push_str(&cells::compare(&paths, &versions, mark, lang));
    }
    out = format!("{out}{}\n", Message::new(T::ResolveHint).with("number", link.id).to_text(lang));
    print(&out);
}

/// What lost, beside what it was replaced by.
fn tell_lost(pairing: &PairingId, entry: &JournalEntry, losing: &Losing, args: &ConflictArgs, lang: Lang) {
    let erased = entry.erased.is_some();
    let lost = if erased { Cells::default() } else { Cells::of(&losing.series) };
    let won = entry.after().as_ref().map(Cells::of).unwrap_or_default();
    let is_lost = |path: &str| losing.paths.iter().any(|lost| path_within(path, lost));
    let paths: Vec<&str> =
        Cells::paths(&[&lost, &won]).into_iter().filter(|path| lost.get(path) != won.get(path)).collect();
    if args.json {
        let fields: Vec<Value> = paths
            .iter()
            .map(|path| {
                json!({
                    "path": path,
                    side_word(losing.side): lost.get(path),
                    side_word(losing.side.other()): won.get(path),
                    "lost": is_lost(path),
                })
            })
            .collect();
        print_json(&json!({
            "pairing": pairing.as_str(), "entry": entry.id.0, "round": entry.round.0,
            "link": entry.write.link.to_string(), "state": "decided", "at": time(entry.at),
            "winner": side_word(losing.side.other()), "loser": side_word(losing.side), "by": losing.by,
            "lost": losing.paths, "erased": erased, "outcome": entry.outcome, "fields": fields,
        }));
        return;
    }
    let mut out = decided(pairing, entry, losing, lang).to_text(lang) + "\n";
    let versions: Vec<(String, &Cells)> = [(losing.side, &lost), (losing.side.other(), &won)]
        .into_iter()
        .map(|(side, cells)| (waiting::side(side).to_text(lang), cells))
        .collect();
    let mark = |path: &str| is_lost(path).then(|| Message::new(T::Lost));
    out.push_str(&cells::compare(&paths, &versions, mark, lang));
    let end = match &entry.erased {
        Some(erased) => journal::erased(erased),
        None => Message::new(T::ResolveHint).with("number", entry.id),
    };
    out = format!("{out}{}\n", end.to_text(lang));
    print(&out);
}

/// Whether a path is the one that was lost, or a part of it.
fn path_within(path: &str, lost: &str) -> bool {
    let lost = lost.strip_suffix(" cancelled").or(lost.strip_suffix(" restored")).unwrap_or(lost);
    path.strip_prefix(lost).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
}

fn decided(pairing: &PairingId, entry: &JournalEntry, losing: &Losing, lang: Lang) -> Message {
    let subject = match &entry.erased {
        Some(_) => "-".to_owned(),
        None => cells::title(&losing.series, lang).1,
    };
    Message::new(T::ConflictDecided)
        .with("pairing", pairing)
        .with("entry", entry.id)
        .with("link", entry.write.link)
        .with("subject", subject)
        .with_message("side", waiting::side(losing.side))
        .with("at", time(entry.at))
        .with_message("why", Message::new(by(losing.by)))
}

fn by(by: LostBy) -> T {
    match by {
        LostBy::Policy => T::LostByPolicy,
        LostBy::Person => T::LostByPerson,
        LostBy::Lead => T::LostByLead,
        LostBy::Deletion => T::LostByDeletion,
        LostBy::Direction => T::LostByDirection,
    }
}

fn tell_decided(entries: &[(PairingId, JournalEntry)], as_json: bool, lang: Lang) {
    let lost: Vec<(&PairingId, &JournalEntry, &Losing)> = entries
        .iter()
        .filter_map(|(pairing, entry)| Some((pairing, entry, entry.losing.as_ref()?)))
        .collect();
    if as_json {
        let rows: Vec<Value> = lost
            .iter()
            .map(|(pairing, entry, losing)| {
                json!({
                    "pairing": pairing.as_str(), "entry": entry.id.0, "round": entry.round.0,
                    "link": entry.write.link.to_string(), "at": time(entry.at),
                    "winner": side_word(losing.side.other()), "loser": side_word(losing.side),
                    "by": losing.by, "lost": losing.paths, "carried_out": entry.is_carried_out(),
                    "erased": entry.erased.is_some(),
                })
            })
            .collect();
        print_json(&json!({ "conflicts": rows }));
        return;
    }
    if lost.is_empty() {
        print(&format!("{}\n", lang.say(T::NoConflicts)));
        return;
    }
    let head = [T::ColumnPairing, T::ColumnEntry, T::ColumnAt, T::ColumnSubject, T::ColumnLost, T::ColumnWhy];
    let mut table = vec![head.map(|text| lang.say(text).to_owned()).to_vec()];
    table.extend(lost.iter().map(|(pairing, entry, losing)| {
        let subject = entry.erased.as_ref().map(|_| "-".to_owned());
        let fields: Vec<String> = losing.paths.iter().map(|path| cells::label(path, lang)).collect();
        vec![
            pairing.as_str().to_owned(),
            entry.id.to_string(),
            time(entry.at),
            subject.unwrap_or_else(|| cells::title(&losing.series, lang).1),
            format!("{}: {}", waiting::side(losing.side).to_text(lang), fields.join(", ")),
            lang.say(by(losing.by)).to_owned(),
        ]
    }));
    print(&status::columns(&table));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_lost_of_an_instance_is_found_in_all_its_fields() {
        assert!(path_within("master.subject", "master.subject"));
        assert!(!path_within("master.subject", "master.sub"));
        let instance = "instance 2026-12-01T08:00:00";
        assert!(path_within(&format!("{instance} place"), instance));
        assert!(path_within(instance, &format!("{instance} cancelled")));
        assert!(!path_within("instance 2026-12-01T08:00:01 place", instance));
    }
}
