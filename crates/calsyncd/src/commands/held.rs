//! `held`: what waits for a person, and the answers.

use calsync_core::ids::PairingId;
use calsync_core::link::{Answer as Said, Hold, HoldKind, Link, Wish};
use calsync_core::model::Series;
use calsync_store::PairingRecord;
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use super::orders::{self, Wishes, chosen, held, look, not_held};
use super::{Answer, Complaint, Context, Exit, cells, print, print_json, show, status, waiting};
use crate::cli::{AnswerArgs, Choice, HeldCommand};
use crate::texts::{Lang, Message, OrderText as T};

pub(super) async fn run(context: &Context, command: &HeldCommand) -> Answer {
    match command {
        HeldCommand::List(choice) => list(context, choice).await,
        HeldCommand::Approve(args) => answer(context, args, Said::Approve).await,
        HeldCommand::Reject(args) => answer(context, args, Said::Reject).await,
    }
}

async fn list(context: &Context, choice: &Choice) -> Answer {
    let (_, store) = look(context).await?;
    let records = chosen(&store, choice.pairing.as_ref()).await?;
    let held = held(&store, &records).await?;
    tell(&held, choice.json, context.lang, T::NothingHeld, "held");
    if !choice.json && !held.is_empty() {
        context.warn(&Message::new(T::HeldHint));
    }
    Ok(Exit::Good)
}

/// Lists links that wait, as a table or as a document.
pub(super) fn tell(held: &[(PairingRecord, Link)], as_json: bool, lang: Lang, none: T, name: &str) {
    if as_json {
        let rows: Vec<Value> =
            held.iter().filter_map(|(record, link)| to_json(&record.id, link, lang)).collect();
        print_json(&json!({ name: rows }));
        return;
    }
    if held.is_empty() {
        print(&format!("{}\n", lang.say(none)));
        return;
    }
    let columns = [
        T::ColumnPairing,
        T::ColumnLink,
        T::ColumnKind,
        T::ColumnSince,
        T::ColumnWhen,
        T::ColumnSubject,
        T::ColumnWhy,
    ];
    let mut table = vec![columns.map(|text| lang.say(text).to_owned()).to_vec()];
    table.extend(held.iter().filter_map(|(record, link)| row(record, link, lang)));
    print(&status::columns(&table));
}

fn row(record: &PairingRecord, link: &Link, lang: Lang) -> Option<Vec<String>> {
    let hold = link.hold.as_ref()?;
    let (when, subject) = title(link, lang);
    Some(vec![
        record.id.as_str().to_owned(),
        link.id.to_string(),
        kind(hold.kind).to_text(lang),
        time(hold.since),
        when,
        subject,
        why(hold, lang),
    ])
}

/// Why it waits, and that it was answered already.
fn why(hold: &Hold, lang: Lang) -> String {
    let why = waiting::known(&hold.why).map(|reason| show::reason(&reason).to_text(lang));
    let why = why.unwrap_or_else(|| hold.why.clone());
    if hold.answer.is_some() { format!("{why} ({})", lang.say(T::Answered)) } else { why }
}

/// The series by which a link is known: that of a side where it still is, if there is one.
pub(super) fn series(link: &Link) -> Option<&Series> {
    let halves = [&link.halves.a, &link.halves.b];
    let there = halves.iter().filter_map(|half| half.as_ref()).find(|half| half.sighting().is_some());
    let half = there.or_else(|| halves.iter().find_map(|half| half.as_ref()))?;
    half.latest().map(|(_, series)| series)
}

/// When it is and what it is about.
pub(super) fn title(link: &Link, lang: Lang) -> (String, String) {
    series(link).map(|series| cells::title(series, lang)).unwrap_or_default()
}

pub(super) fn kind(kind: HoldKind) -> Message {
    match kind {
        HoldKind::Deletion => Message::new(T::KindDeletion),
        HoldKind::Conflict => Message::new(T::KindConflict),
        HoldKind::NotCarried => Message::new(T::KindNotCarried),
        HoldKind::CameBack => Message::new(T::KindCameBack),
        HoldKind::OurDouble => Message::new(T::KindOurDouble),
        HoldKind::LeftScope => Message::new(T::KindLeftScope),
        HoldKind::Undo => Message::new(T::KindUndo),
        HoldKind::Oscillation => Message::new(T::KindOscillation),
        HoldKind::Changes => Message::new(T::KindChanges),
    }
}

pub(super) fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn to_json(pairing: &PairingId, link: &Link, lang: Lang) -> Option<Value> {
    let hold = link.hold.as_ref()?;
    let (when, subject) = title(link, lang);
    Some(json!({
        "pairing": pairing.as_str(),
        "link": link.id.to_string(),
        "kind": hold.kind.as_str(),
        "why": why(hold, lang),
        "since": time(hold.since),
        "when": when,
        "subject": subject,
        "answered": hold.answer.is_some(),
    }))
}

async fn answer(context: &Context, args: &AnswerArgs, said: Said) -> Answer {
    let (config, store) = look(context).await?;
    if args.all != args.links.is_empty() || (args.all && args.pairing.is_none()) {
        return Err(Complaint::Usage(Message::new(T::NameLinksOrAll)));
    }
    let records = chosen(&store, args.pairing.as_ref()).await?;
    let held = held(&store, &records).await?;
    let mut wishes = Wishes::default();
    let mut conflicts = 0_u64;
    if args.all {
        for (record, link) in &held {
            match wish(link, said) {
                Ok(wish) => wishes.add(&record.id, wish),
                Err(_) => conflicts += 1,
            }
        }
        if conflicts > 0 {
            context.warn(&Message::new(T::ConflictsLeft).with("count", conflicts));
        }
        if wishes.is_empty() {
            tell(&[], args.json, context.lang, T::NothingHeld, "held");
            return Ok(if conflicts > 0 { Exit::Incomplete } else { Exit::Good });
        }
    } else {
        for id in &args.links {
            let (record, link) = held.iter().find(|(_, link)| link.id == *id).ok_or_else(|| not_held(*id))?;
            wishes.add(&record.id, wish(link, said)?);
        }
    }
    let so_far = if conflicts > 0 { Exit::Incomplete } else { Exit::Good };
    orders::place(context, &config, store, wishes, args.json, so_far).await
}

/// The answer to a link that waits, bound to what is asked now.
pub(super) fn wish(link: &Link, said: Said) -> Result<Wish, Complaint> {
    let hold = link.hold.as_ref().ok_or_else(|| not_held(link.id))?;
    if hold.kind.refuses(said).is_some() {
        let text = if hold.kind == HoldKind::Conflict { T::IsConflict } else { T::IsNoConflict };
        return Err(Complaint::Usage(Message::new(text).with("link", link.id)));
    }
    Ok(Wish::Answer { link: link.id, about: hold.about.clone(), answer: said })
}
