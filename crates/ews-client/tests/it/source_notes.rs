//! Notes keep their form: plain ones stay plain, formatted ones stay formatted, on every version.

use calsync_core::model::{Notes, NotesFormat, Overlay, Override, RecurrenceId};
use calsync_testkit::people::{Calendars, Edit};

use crate::server::*;

const HTML: &str = "<html><head><style>p.x {color: red}</style></head><body><p class=\"x\">Grün &amp; <b>gut</b></p><p>zwei</p></body></html>";

#[tokio::test]
async fn plain_notes_stay_plain_and_formatted_ones_formatted() {
    for version in VERSIONS {
        let server = Server::start(version).await;
        let source = server.source();
        let plain = Notes::plain("<b> ist kein HTML\n\nzweiter Absatz & mehr");
        for notes in [plain, Notes::html(HTML)] {
            let mut series = rich();
            series.uid = format!("uid-{:?}", notes.format).as_str().into();
            series.event.notes = notes.clone();
            let item = create(&source, &series).await;
            let read_back = item.series.event.notes.clone();
            assert_eq!(read_back.format, notes.format, "{version:?}");
            match notes.format {
                NotesFormat::Plain => assert_eq!(read_back, notes, "{version:?}"),
                NotesFormat::Html => {
                    assert!(
                        read_back.text.contains("<p class=\"x\">Grün &amp; <b>gut</b></p>"),
                        "{version:?}"
                    );
                    assert!(read_back.text.contains("p.x {color: red}"), "{version:?}");
                }
            }
            // Read again it is the same, and so it is after being written as it was read.
            assert_eq!(read(&source, &item.key).await.series, item.series, "{version:?}");
            let id = item.key.as_str();
            let stored = server.mock.stored_notes(MAILBOX, id, None).unwrap();
            let mut new = item.series.clone();
            new.event.subject = "anders".to_owned();
            let changed = change(&source, &item, &new).await;
            assert_eq!(changed.series, new, "{version:?}");
            assert_eq!(server.mock.stored_notes(MAILBOX, id, None).unwrap(), stored, "{version:?}");
            let settled = change_notes(&source, &changed, read_back.clone()).await;
            assert_eq!(settled, read_back, "{version:?}");
        }
    }
}

#[tokio::test]
async fn what_a_person_formats_is_read_and_what_is_written_plain_is_plain() {
    let server = Server::newest().await;
    let source = server.source();
    let item = create(&source, &rich()).await;
    let id = item.key.as_str();
    assert!(server.mock.write_html_notes(MAILBOX, id, None, HTML));
    let item = read(&source, &item.key).await;
    assert_eq!(item.series.event.notes.format, NotesFormat::Html);
    assert_eq!(change_notes(&source, &item, Notes::plain("nur Text")).await, Notes::plain("nur Text"));
    assert_eq!(server.mock.stored_notes(MAILBOX, id, None), Some((false, "nur Text".to_owned())));
    let item = read(&source, &item.key).await;
    assert_eq!(change_notes(&source, &item, Notes::default()).await, Notes::default());
    // Outlook leaves a document behind where somebody empties the notes.
    assert!(server.mock.write_html_notes(MAILBOX, id, None, "<body><p><o:p>&nbsp;</o:p></p></body>"));
    assert_eq!(read(&source, &item.key).await.series.event.notes, Notes::default());
}

#[tokio::test]
async fn occurrences_have_formatted_notes_of_their_own() {
    for version in VERSIONS {
        let server = Server::start(version).await;
        let source = server.source();
        let mut series = rich();
        series.event.notes = Notes::html(HTML);
        series.recurrence = Some(repeats("FREQ=DAILY;COUNT=6"));
        let item = create(&source, &series).await;
        let master = item.series.event.notes.clone();
        let (third, fourth) = (at("2026-03-04T09:00"), at("2026-03-05T09:00"));
        assert!(server.mock.write_html_notes(
            MAILBOX,
            item.key.as_str(),
            Some(third),
            "<p><i>nur hier</i></p>"
        ));
        let subject = Edit { subject: Some("anders".to_owned()), ..Edit::default() };
        assert!(server.mock.edit_occurrence(MAILBOX, item.key.as_str(), fourth, &subject));
        let item = read(&source, &item.key).await;
        let Some(Override::Changed(changed)) = item.series.overrides.get(&RecurrenceId::Local(third)) else {
            panic!("{:?}", item.series.overrides)
        };
        let notes = changed.notes.clone().unwrap();
        assert!(notes.format == NotesFormat::Html && notes.text.contains("<i>nur hier</i>"), "{version:?}");
        // What has the master's notes does not have others because it was read on its own.
        let overlay = Overlay { subject: Some("anders".to_owned()), ..Overlay::default() };
        assert_eq!(item.series.overrides[&RecurrenceId::Local(fourth)], Override::Changed(overlay));
        let mut new = item.series.clone();
        let overlay = Overlay { notes: Some(Notes::plain("schlicht")), ..Overlay::default() };
        new.overrides.insert(RecurrenceId::Local(third), Override::Changed(overlay));
        let changed = change(&source, &item, &new).await;
        assert_eq!(changed.series, new, "{version:?}");
        assert_eq!(changed.series.event.notes, master, "{version:?}");
    }
}

async fn change_notes(
    source: &ews_client::ExchangeSource,
    item: &calsync_core::source::Item,
    notes: Notes,
) -> Notes {
    let mut new = item.series.clone();
    new.event.notes = notes;
    change(source, item, &new).await.series.event.notes
}
