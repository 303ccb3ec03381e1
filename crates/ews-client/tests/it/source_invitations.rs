//! Who is mailed: nobody, unless invitations are on, and then only of what concerns invited people.

use calsync_core::model::{
    Attendee, Meeting, Notes, Overlay, Override, Participation, Person, RecurrenceId, Reminder, Series,
};
use calsync_core::model::{Field, Span};
use calsync_core::source::{Applied, CalendarSource, Item, WriteOp, WriteOutcome};
use calsync_testkit::exchange::ServerVersion;
use calsync_testkit::people::{Calendars, Draft};
use ews_client::{ExchangeSource, Invitations};

use crate::server::*;

const ENDS: [ServerVersion; 2] = [ServerVersion::Exchange2007Sp1, ServerVersion::ExchangeSe];

fn attendee(name: &str, participation: Participation) -> Attendee {
    let person = Person { name: name.to_owned(), address: format!("{name}@example.test") };
    Attendee { person, participation }
}

fn meeting(uid: &str) -> Series {
    let mut series = single(uid, timed("2026-03-02T09:00", "2026-03-02T10:00"));
    series.event.attendees = vec![
        attendee("bert", Participation::Required),
        attendee("carla", Participation::Optional),
        attendee("saal", Participation::Resource),
    ];
    series
}

fn inviting(server: &Server) -> ExchangeSource {
    server.source().with_invitations(Invitations::SensitiveChanges)
}

/// Kinds of the mails since the last look, each with its recipients.
struct Post<'a> {
    server: &'a Server,
    seen: usize,
}

impl<'a> Post<'a> {
    fn new(server: &'a Server) -> Self {
        Self { server, seen: server.mock.outbox().len() }
    }

    fn new_mails(&mut self) -> Vec<(String, usize)> {
        let all = self.server.mock.outbox();
        let new = all[self.seen..].iter().map(|mail| (mail.kind.clone(), mail.to.len())).collect();
        self.seen = all.len();
        new
    }
}

fn one(kind: &str, recipients: usize) -> Vec<(String, usize)> {
    vec![(kind.to_owned(), recipients)]
}

async fn edited(source: &ExchangeSource, item: &Item, edit: impl FnOnce(&mut Series)) -> Item {
    let mut new = item.series.clone();
    edit(&mut new);
    let changed = change(source, item, &new).await;
    assert_eq!(changed.series, new);
    changed
}

#[tokio::test]
async fn by_default_nobody_is_mailed_and_nobody_is_written() {
    for version in VERSIONS {
        let server = Server::start(version).await;
        let source = server.source();
        assert!(source.capabilities().unheld.contains(&Field::Attendees));
        let item = create(&source, &meeting("still")).await;
        assert_eq!((item.series.event.attendees.len(), item.series.event.meeting), (0, Meeting::None));
        let mut new = item.series.clone();
        new.event.attendees = meeting("still").event.attendees;
        new.event.place = "anderswo".to_owned();
        let changed = change(&source, &item, &new).await;
        assert_eq!(changed.series.event.attendees, []);
        delete(&source, &changed.key, &changed.revision).await;
        assert_eq!(server.mock.outbox(), [], "{version:?}");
    }
}

#[tokio::test]
async fn invited_people_are_told_of_what_concerns_them_and_of_nothing_else() {
    for version in ENDS {
        let server = Server::start(version).await;
        let source = inviting(&server);
        assert!(!source.capabilities().unheld.contains(&Field::Attendees));
        let mut post = Post::new(&server);
        let item = create(&source, &meeting("m")).await;
        assert_eq!(post.new_mails(), one("request", 3), "{version:?}");
        assert_eq!(item.series.event.attendees, meeting("m").event.attendees);
        assert_eq!(item.series.event.meeting, Meeting::Organised);
        assert_eq!(item.series.event.organizer.address, MAILBOX);

        let item = edited(&source, &item, |series| {
            series.event.subject = "anders".to_owned();
            series.event.notes = Notes::plain("Notiz");
            series.event.categories = ["Kunde".to_owned()].into();
            series.event.reminder = Reminder::Minutes(5);
            series.event.customer = "K-1".to_owned();
        })
        .await;
        assert_eq!(post.new_mails(), [], "{version:?}");
        let item = edited(&source, &item, |series| series.event.place = "Halle 3".to_owned()).await;
        assert_eq!(post.new_mails(), one("update", 3));
        let item = edited(&source, &item, |series| {
            series.event.span = timed("2026-03-02T11:00", "2026-03-02T12:00");
        })
        .await;
        assert_eq!(post.new_mails(), one("update", 3));
        let item = edited(&source, &item, |series| {
            series.event.attendees.remove(1);
        })
        .await;
        assert_eq!(post.new_mails(), one("update", 2));
        let item =
            edited(&source, &item, |series| series.recurrence = Some(repeats("FREQ=DAILY;COUNT=3"))).await;
        assert_eq!(post.new_mails(), one("update", 2));
        let gone = delete(&source, &item.key, &item.revision).await;
        assert!(matches!(gone, WriteOutcome::Applied(Applied::Deleted)), "{gone:?}");
        assert_eq!(post.new_mails(), one("cancellation", 2));
    }
}

#[tokio::test]
async fn appointments_without_attendees_mail_nobody_and_become_meetings() {
    for version in ENDS {
        let server = Server::start(version).await;
        let source = inviting(&server);
        let mut post = Post::new(&server);
        let item = create(&source, &rich()).await;
        let item = edited(&source, &item, |series| series.event.place = "Halle 4".to_owned()).await;
        let gone = create(&source, &single("weg", timed("2026-03-03T09:00", "2026-03-03T10:00"))).await;
        delete(&source, &gone.key, &gone.revision).await;
        assert_eq!(post.new_mails(), [], "{version:?}");
        let mut new = item.series.clone();
        new.event.attendees = vec![attendee("bert", Participation::Required)];
        let item = change(&source, &item, &new).await;
        assert_eq!(item.series.event.attendees, new.event.attendees);
        assert_eq!(post.new_mails(), one("request", 1), "{version:?}");
    }
}

#[tokio::test]
async fn writes_that_go_together_tell_only_those_who_are_invited_to_them() {
    let server = Server::newest().await;
    let source = inviting(&server);
    let mut post = Post::new(&server);
    let creates = [meeting("a"), single("b", timed("2026-03-03T09:00", "2026-03-03T10:00")), meeting("c")];
    let ops = creates.map(|series| {
        let token = token(series.uid.as_str());
        (WriteOp::Create { token: token.clone(), series: Box::new(series) }, receipt(&token, 1))
    });
    let outcomes = apply_all(&source, ops.into()).await;
    let mut items = Vec::new();
    for outcome in &outcomes {
        items.push(read(&source, &stored(outcome)).await);
    }
    assert_eq!(post.new_mails().len(), 2);
    let update = |item: &Item, edit: fn(&mut Series)| {
        let mut new = item.series.clone();
        edit(&mut new);
        let op = WriteOp::Update {
            key: item.key.clone(),
            expected: item.revision.clone(),
            patch: Box::new(item.series.diff(&new)),
            current: Box::new(item.series.clone()),
        };
        (op, receipt(&token("any"), 2))
    };
    let ops = vec![
        update(&items[0], |series| series.event.subject = "nur ein Wort".to_owned()),
        update(&items[1], |series| series.event.place = "hier".to_owned()),
        update(&items[2], |series| series.event.place = "dort".to_owned()),
    ];
    let outcomes = apply_all(&source, ops).await;
    assert_eq!(post.new_mails(), one("update", 3));
    let ops = items.iter().zip(&outcomes).map(|(item, outcome)| {
        let WriteOutcome::Applied(Applied::Stored { revision, .. }) = outcome else { panic!("{outcome:?}") };
        (WriteOp::Delete { key: item.key.clone(), expected: revision.clone() }, receipt(&token("any"), 3))
    });
    for outcome in apply_all(&source, ops.collect()).await {
        assert!(matches!(outcome, WriteOutcome::Applied(Applied::Deleted)), "{outcome:?}");
    }
    assert_eq!(post.new_mails().len(), 2);
    assert_eq!(server.mock.deleted_items(MAILBOX), 3);
}

#[tokio::test]
async fn a_series_is_announced_once_and_its_occurrences_one_by_one() {
    for version in ENDS {
        let server = Server::start(version).await;
        let source = inviting(&server);
        let mut post = Post::new(&server);
        let mut series = meeting("reihe");
        series.recurrence = Some(repeats("FREQ=DAILY;COUNT=6"));
        let moved = RecurrenceId::Local(at("2026-03-03T09:00"));
        let span = timed("2026-03-03T13:00", "2026-03-03T14:00");
        let overlay = Overlay { span: Some(span), ..Overlay::default() };
        series.overrides.insert(moved, Override::Changed(overlay));
        series.overrides.insert(RecurrenceId::Local(at("2026-03-05T09:00")), Override::Cancelled);
        let item = create(&source, &series).await;
        assert_eq!(item.series.overrides, series.overrides);
        assert_eq!(post.new_mails(), one("request", 3), "{version:?}");

        let word = Overlay { subject: Some("nur ein Wort".to_owned()), ..Overlay::default() };
        let other = RecurrenceId::Local(at("2026-03-04T09:00"));
        let item = edited(&source, &item, |series| {
            series.overrides.insert(other, Override::Changed(word));
        })
        .await;
        assert_eq!(post.new_mails(), [], "{version:?}");
        let back: Span = timed("2026-03-03T15:00", "2026-03-03T16:00");
        let overlay = Overlay { span: Some(back), ..Overlay::default() };
        let item = edited(&source, &item, |series| {
            series.overrides.insert(moved, Override::Changed(overlay));
        })
        .await;
        assert_eq!(post.new_mails(), one("update", 3), "{version:?}");
        let item = edited(&source, &item, |series| {
            series.overrides.insert(RecurrenceId::Local(at("2026-03-06T09:00")), Override::Cancelled);
        })
        .await;
        assert_eq!(post.new_mails(), one("cancellation", 3), "{version:?}");
        // Moved as a whole, it is announced as a whole.
        let mut new = item.series.clone();
        new.event.span = timed("2026-03-02T10:00", "2026-03-02T11:00");
        new.overrides.clear();
        change(&source, &item, &new).await;
        assert_eq!(post.new_mails(), one("update", 3), "{version:?}");
    }
}

#[tokio::test]
async fn meetings_of_others_are_never_announced() {
    for version in ENDS {
        let server = Server::start(version).await;
        let source = inviting(&server);
        let mut series = meeting("fremd");
        series.event.organizer = Person { name: "Eva".to_owned(), address: "eva@example.test".to_owned() };
        let item = create(&source, &series).await;
        assert_eq!(item.series.event.attendees, []);
        assert_eq!(item.series.event.organizer, series.event.organizer);
        let mut new = item.series.clone();
        new.event.attendees = series.event.attendees.clone();
        new.event.place = "anderswo".to_owned();
        let changed = change(&source, &item, &new).await;
        assert_eq!((changed.series.event.attendees.len(), changed.series.event.meeting), (0, Meeting::None));
        delete(&source, &changed.key, &changed.revision).await;

        let draft = Draft::new("Besprechung", at("2026-03-26T10:00"), at("2026-03-26T11:00"));
        let id = server.mock.receive_meeting(MAILBOX, "chef@example.test", &draft).unwrap();
        let item = read(&source, &id.as_str().into()).await;
        let item = edited(&source, &item, |series| series.event.reminder = Reminder::Minutes(10)).await;
        delete(&source, &item.key, &item.revision).await;
        assert_eq!(server.mock.outbox(), [], "{version:?}");
    }
}

#[tokio::test]
async fn a_series_of_several_items_is_never_announced() {
    for version in ENDS {
        let server = Server::start(version).await;
        let source = inviting(&server);
        let mut series = meeting("geteilt");
        // Two days of the month: Exchange has one in a rule.
        series.recurrence = Some(repeats("FREQ=MONTHLY;BYMONTHDAY=2,16;COUNT=6"));
        let item = create(&source, &series).await;
        assert_eq!(item.series.event.attendees, []);
        let mut new = item.series.clone();
        new.event.place = "anderswo".to_owned();
        let changed = change(&source, &item, &new).await;
        assert!(server.mock.list(MAILBOX).len() > 1, "{version:?}");
        delete(&source, &changed.key, &changed.revision).await;
        assert_eq!(server.mock.outbox(), [], "{version:?}");
    }
}
