//! Rounds and plans as lines for people and as documents for programs.

use std::collections::BTreeMap;

use calsync_core::ids::{PairingId, PerSide, Side};
use calsync_core::link::Which;
use calsync_core::source::SourceErrorKind;
use calsync_core::sync::{
    Action, Became, Failure, Likeness, OrderOutcome, Outside, Reason, RoundReport, SideReport, Step,
};
use calsync_store::PairingRecord;
use serde_json::{Value, json};

use super::waiting::{Waiting, side};
use crate::engine::Finished;
use crate::fields::side_word;
use crate::texts::{Lang, Message, OrderText, OutputText as T};

/// Why a round ended before its time.
pub(super) fn failure(finished: &Finished) -> Message {
    let broken =
        |why| Message::new(T::RoundBroken).with("pairing", &finished.pairing).with_message("why", why);
    match &finished.result {
        Err(error) => broken(super::store_message(error)),
        Ok(report) => match &report.failure {
            Some(Failure::Source { side: at, kind, .. }) => Message::new(T::RoundFailed)
                .with("pairing", &finished.pairing)
                .with_message("side", side(*at))
                .with_message("why", why(kind, finished)),
            Some(other) => broken(Message::new(T::WhyOther).with("detail", other)),
            None => broken(Message::new(T::WorkNone)),
        },
    }
}

fn why(kind: &SourceErrorKind, finished: &Finished) -> Message {
    let detail = |text, detail: &str| Message::new(text).with("detail", detail);
    let said = finished.failed_side().and_then(|side| finished.detail(side));
    let said = |own: &str| said.unwrap_or(own).to_owned();
    match kind {
        SourceErrorKind::Throttled(wait) => Message::new(T::WhyThrottled).with("seconds", wait.as_secs()),
        SourceErrorKind::Unavailable => Message::new(T::WhyUnavailable),
        SourceErrorKind::NoAnswer => Message::new(T::WhyNoAnswer),
        SourceErrorKind::Denied(text) => detail(T::WhyDenied, text),
        SourceErrorKind::NoCalendar(text) => detail(T::WhyNoCalendar, text),
        SourceErrorKind::Protocol(text) => detail(T::WhyProtocol, text),
        SourceErrorKind::WentBack | SourceErrorKind::Emptied | SourceErrorKind::Foreign => {
            went_back(kind).with("pairing", &finished.pairing)
        }
        other => detail(T::WhyOther, &said(&other.to_string())),
    }
}

/// What a person has to choose about; its pairing is still to be named.
pub(super) fn went_back(kind: &SourceErrorKind) -> Message {
    Message::new(match kind {
        SourceErrorKind::Emptied => T::WhyEmptied,
        SourceErrorKind::Foreign => T::WhyForeign,
        _ => T::WhyWentBack,
    })
}

/// A round for people; nothing when it failed, since [`failure`] says that.
pub(super) fn round_text(finished: &Finished, lang: Lang) -> String {
    let Ok(report) = &finished.result else { return String::new() };
    let pairing = &finished.pairing;
    let mut lines = Vec::new();
    if report.failure.is_none() || report.writes() > 0 {
        let work: Vec<String> = report
            .sides
            .iter()
            .filter(|(_, done)| done.created + done.updated + done.deleted > 0)
            .map(|(at, done)| work(at, done).to_text(lang))
            .collect();
        let head = match (work.is_empty(), report.first_sync) {
            (true, false) => Message::new(T::RoundNothing),
            (true, true) => Message::new(T::RoundFirst).with("work", lang.say(T::WorkNone)),
            (false, true) => Message::new(T::RoundFirst).with("work", work.join("; ")),
            (false, false) => Message::new(T::RoundDone).with("work", work.join("; ")),
        };
        let linked = Message::new(T::Linked).with("count", report.linked).to_text(lang);
        lines.push(format!("{}; {linked}", head.with("pairing", pairing).to_text(lang)));
    }
    if report.went_back.is_some_and(|went_back| went_back.which == Which::State) {
        let text = Message::new(T::StateWasOlder).with("pairing", pairing).to_text(lang);
        lines.push(format!("  {text}"));
    }
    for (at, why) in report.unmarked.iter() {
        if let Some(why) = why {
            let text = Message::new(T::Unmarked).with("pairing", pairing).with("why", why);
            lines.push(format!("  {}", text.with_message("side", side(at)).to_text(lang)));
        }
    }
    let counted = [(report.conflicts, T::Conflicts), (report.held, T::Held), (report.failing, T::Failing)];
    for (count, text) in counted {
        if count > 0 {
            lines.push(format!(
                "  {}",
                Message::new(text).with("count", count).with("pairing", pairing).to_text(lang)
            ));
        }
    }
    lines.extend(advice(&Waiting::of_steps(&report.plan.steps), pairing, lang));
    for failure in &report.failures {
        let line = Message::new(T::ItemFailed)
            .with_message("side", side(failure.side))
            .with("link", failure.link)
            .with("why", &failure.why);
        lines.push(format!("  {}", line.to_text(lang)));
    }
    lines.extend(orders(report, lang));
    let mut left_out = BTreeMap::new();
    for left in &report.left_out {
        *left_out.entry((left.side, left.link)).or_insert(0_u64) += 1;
    }
    for ((at, link), count) in left_out {
        let line = Message::new(T::FilesLeftOut)
            .with_message("side", side(at))
            .with("link", link)
            .with("count", count);
        lines.push(format!("  {}", line.to_text(lang)));
    }
    join(lines)
}

fn work(at: Side, done: &SideReport) -> Message {
    Message::new(T::WorkOnSide)
        .with_message("side", side(at))
        .with("created", done.created)
        .with("updated", done.updated)
        .with("deleted", done.deleted)
}

/// A plan for people.
pub(super) fn plan_text(finished: &Finished, lang: Lang) -> String {
    let Ok(report) = &finished.result else { return String::new() };
    if report.failure.is_some() {
        return String::new();
    }
    let pairing = &finished.pairing;
    let steps = &report.plan.steps;
    if steps.is_empty() {
        return join(vec![Message::new(T::PlanNothing).with("pairing", pairing).to_text(lang)]);
    }
    let count = steps.len() as u64 + report.steps_left_out;
    let mut lines =
        vec![Message::new(T::PlanHeading).with("pairing", pairing).with("count", count).to_text(lang)];
    lines.extend(steps.iter().map(|step| step_text(step, lang)));
    if report.steps_left_out > 0 {
        let more = Message::new(T::PlanMore).with("count", report.steps_left_out);
        lines.push(format!("  {}", more.to_text(lang)));
    }
    lines.extend(orders(report, lang));
    lines.extend(advice(&Waiting::of_steps(steps), pairing, lang));
    join(lines)
}

/// What became of what people asked for, one line for each order.
fn orders(report: &RoundReport, lang: Lang) -> Vec<String> {
    let line = |order: &OrderOutcome| {
        let text = match order.became {
            Became::CarriedOut => OrderText::OrderDone,
            Became::Void => OrderText::OrderVoid,
            Became::Refused => OrderText::OrderRefused,
            Became::Waits => OrderText::OrderWaits,
        };
        let link = order.link.map(|link| link.to_string()).unwrap_or_default();
        let note = if order.note.is_empty() { String::new() } else { format!(": {}", order.note) };
        let message = Message::new(text).with("order", order.order).with("link", link).with("note", note);
        format!("  {}", message.to_text(lang))
    };
    report.orders.iter().map(line).collect()
}

fn advice(waiting: &Waiting, pairing: &PairingId, lang: Lang) -> Vec<String> {
    waiting.advice(pairing).iter().map(|message| format!("  - {}", message.to_text(lang))).collect()
}

fn step_text(step: &Step, lang: Lang) -> String {
    let mut line = format!(
        "  {:<22}{}  {}",
        action(step.action).to_text(lang),
        step.link,
        reason(&step.reason).to_text(lang)
    );
    if !step.paths.is_empty() {
        line = format!("{line}: {}", step.paths.join(", "));
    }
    if !step.notes.is_empty() {
        line = format!("{line} ({})", step.notes.join("; "));
    }
    for conflict in &step.conflicts {
        let winner = match conflict.winner {
            Some(winner) => Message::new(T::Winner).with_message("side", side(winner)),
            None => Message::new(T::WinnerNone),
        };
        line = format!("{line} [{}]", winner.with("path", &conflict.path).to_text(lang));
    }
    line
}

pub(super) fn action(action: Action) -> Message {
    let (text, at) = match action {
        Action::Create(at) => (T::ActCreate, Some(at)),
        Action::Update(at) => (T::ActUpdate, Some(at)),
        Action::Delete(at) => (T::ActDelete, Some(at)),
        Action::Pair => (T::ActPair, None),
        Action::Hold => (T::ActHold, None),
        Action::Leave => (T::ActLeave, None),
    };
    match at {
        Some(at) => Message::new(text).with_message("side", side(at)),
        None => Message::new(text),
    }
}

/// Why, in words for people.
pub(super) fn reason(reason: &Reason) -> Message {
    let on = |text, at: Side| {
        Message::new(text).with_message("side", side(at)).with_message("other", side(at.other()))
    };
    match reason {
        Reason::NewOn(at) => on(T::BecauseNew, *at),
        Reason::ChangedOn(at) => on(T::BecauseChanged, *at),
        Reason::ChangedOnBoth => Message::new(T::BecauseChangedOnBoth),
        Reason::DeletedOn(at) => on(T::BecauseDeleted, *at),
        Reason::EditBeatsDeletion(at) => on(T::BecauseEditBeatsDeletion, *at),
        Reason::DeletionBeatsEdit(at) => on(T::BecauseDeletionBeatsEdit, *at),
        Reason::Reverted(at) => on(T::BecauseReverted, *at),
        Reason::NotCarried(at) => on(T::BecauseNotCarried, *at),
        Reason::SameAppointment(Likeness::Receipt) => Message::new(T::BecauseSameReceipt),
        Reason::SameAppointment(Likeness::Uid) => Message::new(T::BecauseSameUid),
        Reason::SameAppointment(Likeness::Content) => Message::new(T::BecauseSameContent),
        Reason::TooManyDeletions(at) => on(T::BecauseTooMany, *at),
        Reason::Conflict => Message::new(T::BecauseConflict),
        Reason::CameBack(at) => on(T::BecauseCameBack, *at),
        Reason::TooManyChanges(at) => on(T::BecauseTooManyChanges, *at),
        Reason::Protected(at) => on(T::BecauseProtected, *at),
        Reason::Oscillation => Message::new(T::BecauseOscillation),
        Reason::OurDouble(at) => on(T::BecauseOurDouble, *at),
        Reason::OutOfScope(at, why) => {
            on(T::BecauseOutOfScope, *at).with_message("why", Message::new(outside(*why)))
        }
        Reason::LeftScope(at, why) => {
            on(T::BecauseLeftScope, *at).with_message("why", Message::new(outside(*why)))
        }
        Reason::RulesChanged => Message::new(T::BecauseRulesChanged),
        Reason::Rejected(at) => on(T::BecauseRejected, *at),
        Reason::Chosen(at) => on(T::BecauseChosen, *at),
        Reason::Undo(at) => on(T::BecauseUndo, *at),
        Reason::Leads(at) => on(T::BecauseLeads, *at),
    }
}

fn outside(why: Outside) -> T {
    match why {
        Outside::Category => T::OutsideCategory,
        Outside::Busy => T::OutsideBusy,
        Outside::AllDay => T::OutsideAllDay,
        Outside::Subject => T::OutsideSubject,
        Outside::Private => T::OutsidePrivate,
        Outside::Past => T::OutsidePast,
        Outside::Future => T::OutsideFuture,
        Outside::Meeting => T::OutsideMeeting,
    }
}

fn join(lines: Vec<String>) -> String {
    lines.into_iter().map(|line| line + "\n").collect()
}

fn head_json(record: &PairingRecord, finished: &Finished, lang: Lang) -> serde_json::Map<String, Value> {
    let mut head = serde_json::Map::new();
    head.insert("pairing".to_owned(), json!(record.id.as_str()));
    head.insert("unit".to_owned(), json!(record.unit));
    head.insert("mailbox".to_owned(), json!(record.mailbox));
    head.insert("result".to_owned(), json!(finished.outcome().as_str()));
    let took = u64::try_from(finished.took.as_millis()).unwrap_or(u64::MAX);
    head.insert("duration_ms".to_owned(), json!(took));
    let error = finished.error().map(|detail| {
        json!({
            "side": finished.failed_side().map(side_word),
            "text": failure(finished).to_text(lang),
            "detail": detail,
        })
    });
    head.insert("error".to_owned(), error.unwrap_or(Value::Null));
    head
}

/// A round for programs.
pub(super) fn round_json(record: &PairingRecord, finished: &Finished, lang: Lang) -> Value {
    let mut document = head_json(record, finished, lang);
    if let Ok(report) = &finished.result {
        document.extend(counts_json(report));
    }
    Value::Object(document)
}

fn counts_json(report: &RoundReport) -> serde_json::Map<String, Value> {
    let one = |done: &SideReport| {
        json!({
            "read": done.read,
            "created": done.created,
            "updated": done.updated,
            "deleted": done.deleted,
            "failed": done.failed,
        })
    };
    let PerSide { a: nvs, b: exchange } = &report.sides;
    let failures: Vec<Value> = report
        .failures
        .iter()
        .map(|failure| {
            json!({ "link": failure.link.to_string(), "side": side_word(failure.side), "why": failure.why })
        })
        .collect();
    let left_out: Vec<Value> = report
        .left_out
        .iter()
        .map(|left| json!({ "link": left.link.to_string(), "side": side_word(left.side), "why": left.why }))
        .collect();
    let orders: Vec<Value> = report.orders.iter().map(order_json).collect();
    let document = json!({
        "first_sync": report.first_sync,
        "orders": orders,
        "nvs": one(nvs),
        "exchange": one(exchange),
        "linked": report.linked,
        "conflicts": report.conflicts,
        "held": report.held,
        "waiting": Waiting::of_steps(&report.plan.steps).to_json(),
        "failing": report.failing,
        "failures": failures,
        "left_out": left_out,
    });
    match document {
        Value::Object(map) => map,
        _ => serde_json::Map::new(),
    }
}

/// What became of something that a person asked for.
fn order_json(order: &OrderOutcome) -> Value {
    json!({
        "order": order.order,
        "link": order.link.map(|link| link.to_string()),
        "became": order.became,
        "note": order.note,
    })
}

/// A plan for programs.
pub(super) fn plan_json(record: &PairingRecord, finished: &Finished, lang: Lang) -> Value {
    let mut document = head_json(record, finished, lang);
    if let Ok(report) = &finished.result {
        let steps: Vec<Value> = report.plan.steps.iter().map(|step| step_json(step, lang)).collect();
        document.insert("first_sync".to_owned(), json!(report.first_sync));
        let orders: Vec<Value> = report.orders.iter().map(order_json).collect();
        document.insert("orders".to_owned(), json!(orders));
        document.insert("writes".to_owned(), json!(report.planned_writes()));
        document.insert("steps".to_owned(), json!(steps));
        document.insert("steps_left_out".to_owned(), json!(report.steps_left_out));
    }
    Value::Object(document)
}

fn step_json(step: &Step, lang: Lang) -> Value {
    let (word, at) = match step.action {
        Action::Create(at) => ("create", Some(at)),
        Action::Update(at) => ("update", Some(at)),
        Action::Delete(at) => ("delete", Some(at)),
        Action::Pair => ("pair", None),
        Action::Hold => ("hold", None),
        Action::Leave => ("leave", None),
    };
    let conflicts: Vec<Value> = step
        .conflicts
        .iter()
        .map(|conflict| json!({ "path": conflict.path, "winner": conflict.winner.map(side_word) }))
        .collect();
    json!({
        "action": word,
        "side": at.map(side_word),
        "link": step.link.to_string(),
        "reason": reason(&step.reason).to_text(lang),
        "paths": step.paths,
        "notes": step.notes,
        "conflicts": conflicts,
    })
}
