//! Each field of the model by itself, to and fro: what a person sets on one side is carried once, arrives as it was meant,
//! stays as it was entered, and causes no second write on either side.
//!
//! Values are set in each side's own terms, members of a document and elements of an item, so that what only one side
//! knows is in as well. `values` has an arm for every field: a new one is not forgotten.

use std::collections::BTreeMap;

use calsync_core::model::Field;
use calsync_core::sync::RoundReport;
use calsync_testkit::exchange::ServerVersion;
use calsync_testkit::people::{Busy, Draft, Edit, Repeat, Rhythm, Until};
use chrono::{NaiveDate, NaiveDateTime, TimeDelta, Weekday};
use serde_json::{Value as Json, json};

use super::script::At;
use super::world::{Pairing, World};

/// Something to set a field to, and what then is seen.
struct Value {
    /// Members to set in NVS; none where NVS has no such thing to set.
    nvs: Json,
    /// What NVS shows of it when it came from Exchange.
    nvs_shows: Json,
    exchange: OnExchange,
    /// What an item of Exchange says of it when it came from NVS.
    exchange_shows: Vec<String>,
}

/// How a person sets a field on Exchange.
enum OnExchange {
    Edit(Edit),
    /// `UpdateItem` of a program.
    Updates(String),
    /// Not by an edit: by accepting a meeting of somebody else, by adding a file.
    NotByEdit,
}

impl Value {
    /// A value that both sides can set.
    fn both(nvs: Json, edit: Edit, exchange_shows: &[&str]) -> Value {
        Value {
            nvs_shows: nvs.clone(),
            nvs,
            exchange: OnExchange::Edit(edit),
            exchange_shows: exchange_shows.iter().map(|text| (*text).to_owned()).collect(),
        }
    }

    /// A value that only Exchange knows.
    fn exchange(updates: String, nvs_shows: Json) -> Value {
        Value {
            nvs: json!({}),
            nvs_shows,
            exchange: OnExchange::Updates(updates),
            exchange_shows: Vec::new(),
        }
    }
}

fn set(uri: &str, element: &str) -> String {
    format!(
        r#"<t:SetItemField><t:FieldURI FieldURI="{uri}"/><t:CalendarItem>{element}</t:CalendarItem></t:SetItemField>"#
    )
}

/// What a field is set to, one after the other; `day` is that of the instance.
fn values(field: Field, day: NaiveDate, version: ServerVersion) -> Vec<Value> {
    let at = |hour: u32, minute: u32| day.and_hms_opt(hour, minute, 0).unwrap();
    match field {
        Field::Span => [(at(11, 0), at(12, 30)), (at(8, 15), at(8, 15)), (at(22, 0), at(22, 0) + TimeDelta::hours(9))]
            .into_iter()
            .map(|(start, end)| {
                let edit = Edit { span: Some((start, end)), ..Edit::default() };
                let moment = |at: NaiveDateTime| {
                    json!({"at": at.format("%Y-%m-%dT%H:%M:%S").to_string(), "zone": "Europe/Berlin"})
                };
                // In March Berlin is an hour ahead of UTC.
                let wire = |name: &str, at: NaiveDateTime| {
                    let utc = at - TimeDelta::hours(1);
                    format!("<t:{name}>{}Z</t:{name}>", utc.format("%Y-%m-%dT%H:%M:%S"))
                };
                let shows = [wire("Start", start), wire("End", end)];
                Value::both(
                    json!({"start": moment(start), "end": moment(end)}),
                    edit,
                    &shows.each_ref().map(String::as_str),
                )
            })
            .collect(),
        Field::Subject => ["Wartung", "Müller & Söhne <Nord>", ""]
            .into_iter()
            .map(|text| {
                let edit = Edit { subject: Some(text.to_owned()), ..Edit::default() };
                let shows = if text.is_empty() { String::new() } else { element("Subject", text) };
                Value::both(json!({"subject": text}), edit, &[&shows])
            })
            .collect(),
        Field::Place => ["Halle 2", "Tor \"3\"; Hof", ""]
            .into_iter()
            .map(|text| {
                let edit = Edit { place: Some(text.to_owned()), ..Edit::default() };
                let shows = if text.is_empty() { String::new() } else { element("Location", text) };
                Value::both(json!({"place": text}), edit, &[&shows])
            })
            .collect(),
        Field::Notes => notes(),
        Field::Categories => {
            let none = Edit { category: Some(None), ..Edit::default() };
            let one = Edit { category: Some(Some("Kundentermin".to_owned())), ..Edit::default() };
            let strings = |names: &[&str]| -> String { names.iter().map(|name| element("String", name)).collect() };
            let many = |names: &[&str]| {
                set("item:Categories", &format!("<t:Categories>{}</t:Categories>", strings(names)))
            };
            vec![
                Value::both(json!({"type": "Kundentermin"}), one, &[&element("String", "Kundentermin")]),
                // NVS keeps the one that it shows while that is among them.
                Value::exchange(many(&["Intern", "Kundentermin", "Zu"]), json!({"type": "Kundentermin"})),
                Value::exchange(many(&["Urlaub", "Intern"]), json!({"type": "Urlaub"})),
                Value::both(json!({"type": null}), none, &[]),
            ]
        }
        Field::Busy => {
            let newest = !matches!(version, ServerVersion::Exchange2007Sp1 | ServerVersion::Exchange2010Sp2);
            [
                (Busy::Free, "free", "Free"),
                (Busy::Tentative, "tentative", "Tentative"),
                (Busy::OutOfOffice, "out_of_office", "OOF"),
                (Busy::WorkingElsewhere, "working_elsewhere", if newest { "WorkingElsewhere" } else { "Busy" }),
                (Busy::Busy, "busy", "Busy"),
            ]
            .into_iter()
            .map(|(busy, nvs, exchange)| {
                let edit = Edit { busy: Some(busy), ..Edit::default() };
                let mut value =
                    Value::both(json!({"busy": nvs}), edit, &[&element("LegacyFreeBusyStatus", exchange)]);
                if exchange == "Busy" {
                    value.nvs_shows = json!({"busy": "busy"});
                }
                value
            })
            .collect()
        }
        Field::Sensitivity => {
            let private = |private| Edit { private: Some(private), ..Edit::default() };
            let kind = |name| set("item:Sensitivity", &element("Sensitivity", name));
            vec![
                Value::both(json!({"private": true}), private(true), &[&element("Sensitivity", "Private")]),
                Value::exchange(kind("Confidential"), json!({"private": true})),
                Value::exchange(kind("Personal"), json!({"private": false})),
                Value::both(json!({"private": false}), private(false), &[&element("Sensitivity", "Normal")]),
            ]
        }
        Field::Reminder => [Some(15_u32), Some(0), Some(20_160), None]
            .into_iter()
            .map(|minutes| {
                let edit = Edit { reminder: Some(minutes), ..Edit::default() };
                let mut shows = vec![element("ReminderIsSet", if minutes.is_some() { "true" } else { "false" })];
                shows.extend(minutes.map(|n| element("ReminderMinutesBeforeStart", &n.to_string())));
                let shows: Vec<&str> = shows.iter().map(String::as_str).collect();
                Value::both(json!({"reminder": minutes}), edit, &shows)
            })
            .collect(),
        Field::Organizer => vec![Value {
            nvs: json!({"organiser": {"name": "Chef", "address": "chef@example.test"}}),
            nvs_shows: json!({"organiser": {"name": "chef@example.test", "address": "chef@example.test"}}),
            exchange: OnExchange::NotByEdit,
            // Nobody but Exchange says who calls a meeting there.
            exchange_shows: Vec::new(),
        }],
        Field::Attendees => {
            let mailbox = "<t:Mailbox><t:Name>Bert</t:Name><t:EmailAddress>bert@example.test</t:EmailAddress></t:Mailbox>";
            let guests = format!(
                "<t:RequiredAttendees><t:Attendee>{mailbox}</t:Attendee></t:RequiredAttendees>"
            );
            let bert = json!({"attendees": [
                {"name": "Bert", "address": "bert@example.test", "role": "required", "response": "none"}
            ]});
            vec![Value {
                nvs: bert.clone(),
                nvs_shows: bert,
                exchange: OnExchange::Updates(set("calendar:RequiredAttendees", &guests)),
                // They are not written there: Exchange would take that for an invitation.
                exchange_shows: Vec::new(),
            }]
        }
        Field::Customer => [Some("K-4711"), Some("K 12 & Co"), None]
            .into_iter()
            .map(|number| {
                let edit = Edit { customer: Some(number.map(str::to_owned)), ..Edit::default() };
                let shows = number.map_or_else(String::new, |number| element("Value", number));
                Value::both(json!({"customer": number}), edit, &[&shows])
            })
            .collect(),
        Field::Attachments => vec![Value {
            nvs: json!({"attachments": [{"id": "f-1", "name": "Plan.pdf", "size": 3}]}),
            nvs_shows: json!({}),
            exchange: OnExchange::NotByEdit,
            exchange_shows: Vec::new(),
        }],
        Field::Meeting => vec![Value {
            nvs: json!({}),
            // NVS has no word for it, and says who takes part.
            nvs_shows: json!({}),
            exchange: OnExchange::NotByEdit,
            exchange_shows: Vec::new(),
        }],
    }
}

fn notes() -> Vec<Value> {
    let plain = |text: &str| {
        let edit = Edit { notes: Some(text.to_owned()), ..Edit::default() };
        let members = if text.is_empty() {
            json!({"notes": null})
        } else {
            json!({"notes": {"format": "plain", "text": text}})
        };
        let shows: Vec<String> = text.lines().map(escaped).collect();
        let shows: Vec<&str> = shows.iter().map(String::as_str).collect();
        Value::both(members, edit, &shows)
    };
    vec![
        plain("Schlüssel beim Hausmeister\n\nMaße: 3 < 4 & 5 > 2"),
        plain("  eingerückt\tmit Tab"),
        // The end of a text on Exchange is where its last word is.
        Value {
            nvs_shows: json!({"notes": {"format": "plain", "text": "endet leer"}}),
            ..plain("endet leer\n")
        },
        Value {
            nvs: json!({"notes": {"format": "html", "text": "<p>Bitte <b>läuten</b></p>"}}),
            nvs_shows: json!({}),
            exchange: OnExchange::Updates(set(
                "item:Body",
                r#"<t:Body BodyType="HTML">&lt;p&gt;Bitte &lt;b&gt;läuten&lt;/b&gt;&lt;/p&gt;</t:Body>"#,
            )),
            exchange_shows: vec![escaped("<b>läuten</b>")],
        },
        plain(""),
    ]
}

fn element(name: &str, text: &str) -> String {
    format!("<t:{name}>{}</t:{name}>", escaped(text))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Which of an appointment is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Single,
    Occurrence,
}

const START: &str = "2026-03-03T09:00:00";

/// An appointment as new ones are, or a series of Tuesdays.
fn draft(part: Part) -> Draft {
    let start: NaiveDateTime = START.parse().unwrap();
    let tuesdays = Repeat { rhythm: Rhythm::Weekly(vec![Weekday::Tue]), every: 1, until: Until::Count(5) };
    Draft {
        repeat: (part == Part::Occurrence).then_some(tuesdays),
        ..Draft::new("Termin", start, start + TimeDelta::hours(1))
    }
}

/// One field that is tried out.
struct Try<'w> {
    pair: &'w Pairing<'w>,
    schema: &'static str,
    part: Part,
    /// What is being done, for messages.
    doing: String,
}

impl Try<'_> {
    /// Original start of the occurrence that is set.
    fn original(&self) -> Option<NaiveDateTime> {
        let start: NaiveDateTime = START.parse().unwrap();
        (self.part == Part::Occurrence).then(|| start + TimeDelta::days(7))
    }

    /// How Exchange is told which.
    fn exchange_id(&self, id: &str) -> String {
        match self.part {
            Part::Single => format!(r#"<t:ItemId Id="{id}"/>"#),
            Part::Occurrence => {
                format!(r#"<t:OccurrenceItemId RecurringMasterId="{id}" InstanceIndex="2"/>"#)
            }
        }
    }

    fn read_exchange(&self, id: &str) -> String {
        let property = format!(
            r#"<t:ExtendedFieldURI PropertySetId="{}" PropertyName="{}" PropertyType="String"/>"#,
            calsync_testkit::exchange::CUSTOMER_SET,
            calsync_testkit::exchange::CUSTOMER_NAME
        );
        let fields = r#"<t:FieldURI FieldURI="item:Body"/>"#;
        let answer = self.pair.ask_exchange(
            self.schema,
            &format!(
                "<m:GetItem><m:ItemShape><t:BaseShape>AllProperties</t:BaseShape><t:BodyType>Best</t:BodyType>\
                 <t:AdditionalProperties>{fields}{property}</t:AdditionalProperties></m:ItemShape>\
                 <m:ItemIds>{}</m:ItemIds></m:GetItem>",
                self.exchange_id(id)
            ),
        );
        // The state of the folder is that of our mark in it.
        let Some((item, rest)) = answer.split_once("<t:ParentFolderId ") else { return answer };
        let (_, rest) = rest.split_once("/>").expect("an empty element");
        format!("{item}{rest}")
    }

    fn update_exchange(&self, id: &str, updates: &str) {
        let read = self.read_exchange(id);
        let attribute = |name: &str| {
            let begin = read.split_once("<t:ItemId ").unwrap().1.split_once(&format!("{name}=\"")).unwrap().1;
            begin.split_once('"').unwrap().0.to_owned()
        };
        let (id, key) = (attribute("Id"), attribute("ChangeKey"));
        let answer = self.pair.ask_exchange(
            self.schema,
            &format!(
                r#"<m:UpdateItem ConflictResolution="AutoResolve" SendMeetingInvitationsOrCancellations="SendToNone"><m:ItemChanges><t:ItemChange><t:ItemId Id="{id}" ChangeKey="{key}"/><t:Updates>{updates}</t:Updates></t:ItemChange></m:ItemChanges></m:UpdateItem>"#
            ),
        );
        assert!(answer.contains("NoError"), "{}: {answer}", self.doing);
    }

    /// What NVS shows of these members.
    fn nvs_members(&self, id: &str, like: &Json) -> Json {
        let document = self.pair.nvs_document(id).unwrap();
        let key = self.original().map(|at| at.format("%Y-%m-%dT%H:%M:%S").to_string());
        let own = key.map_or(Json::Null, |key| document["overrides"][&key].clone());
        let shown = |name: &String| own.get(name).unwrap_or(&document[name]).clone();
        like.as_object().unwrap().keys().map(|name| (name.clone(), shown(name))).collect()
    }

    /// A round in which everything works.
    async fn round(&self) -> RoundReport {
        let report = self.pair.round().await;
        assert!(report.is_clean() && report.failure.is_none(), "{}: {report:?}", self.doing);
        report
    }

    /// Carries what was set, once, and finds nothing to do afterwards.
    async fn carried(&self, from: At) {
        let first = self.round().await;
        let own = match from {
            At::Nvs => first.sides.a,
            At::Exchange => first.sides.b,
        };
        let written = own.created + own.updated + own.deleted;
        assert_eq!(written, 0, "{}: it came back\n{}", self.doing, first.plan);
        let second = self.round().await;
        assert_eq!(second.writes(), 0, "{}: a second write\n{}", self.doing, second.plan);
    }

    fn ids(&self) -> (String, String) {
        let id = |at| {
            let (people, calendar) = self.pair.people(at);
            let all = people.list(calendar);
            assert_eq!(all.len(), 1, "{}", self.doing);
            all[0].clone()
        };
        (id(At::Nvs), id(At::Exchange))
    }

    /// Sets a value in NVS; `false` where it has no such thing.
    fn set_in_nvs(&self, id: &str, value: &Value) -> bool {
        let members: BTreeMap<String, Json> = value.nvs.as_object().unwrap().clone().into_iter().collect();
        if members.is_empty() {
            return false;
        }
        self.pair.set_in_nvs(id, self.original(), &members);
        true
    }

    /// Sets a value on Exchange; `false` where that is not how it comes about.
    fn set_on_exchange(&self, id: &str, value: &Value) -> bool {
        match &value.exchange {
            OnExchange::Edit(edit) => {
                let (people, calendar) = self.pair.people(At::Exchange);
                assert!(match self.original() {
                    None => people.edit(calendar, id, edit),
                    Some(original) => people.edit_occurrence(calendar, id, original, edit),
                });
            }
            OnExchange::Updates(updates) => self.update_exchange(id, updates),
            OnExchange::NotByEdit => return false,
        }
        true
    }

    fn assert_nvs(&self, id: &str, members: &Json) {
        assert_eq!(self.nvs_members(id, members), *members, "{}: NVS", self.doing);
    }

    fn assert_exchange(&self, id: &str, fragments: &[String]) {
        let item = self.read_exchange(id).replace("&#xD;", "").replace("&quot;", "\"");
        for fragment in fragments {
            assert!(item.contains(fragment), "{}: Exchange has no {fragment} in {item}", self.doing);
        }
    }
}

/// Tries all fields of one part, set on one side, with every version; `early` is before the first sync.
async fn all_fields(from: At, part: Part, early: bool) {
    let world = World::start().await;
    let mut tried = 0;
    for version in ServerVersion::ALL {
        for field in Field::ALL {
            let day = (START.parse::<NaiveDateTime>().unwrap()
                + TimeDelta::days(i64::from(part == Part::Occurrence) * 7))
            .date();
            let values = values(field, day, version);
            assert!(!values.is_empty(), "{field} has no values");
            let pair = world.pair(version.name()).unwrap();
            let mut own = Try { pair: &pair, schema: schema(version), part, doing: String::new() };
            own.doing = format!("{} {field} from {from:?}, {part:?}", version.name());
            let (people, calendar) = pair.people(from);
            let entered = people.create(calendar, &draft(part)).unwrap();
            if !early {
                own.round().await;
                own.carried(from).await;
            }
            for (k, value) in values.iter().enumerate() {
                own.doing = format!("{} {field}, value {k}, from {from:?}, {part:?}", version.name());
                let mine = match (early, from) {
                    (true, _) => entered.clone(),
                    (false, At::Nvs) => own.ids().0,
                    (false, At::Exchange) => own.ids().1,
                };
                let before = match from {
                    At::Nvs => own.set_in_nvs(&mine, value).then(|| own.nvs_members(&mine, &value.nvs)),
                    At::Exchange => {
                        own.set_on_exchange(&mine, value).then(|| json!(own.read_exchange(&mine)))
                    }
                };
                let Some(before) = before else { continue };
                tried += 1;
                own.carried(from).await;
                let (nvs, exchange) = own.ids();
                match from {
                    At::Nvs => {
                        own.assert_exchange(&exchange, &value.exchange_shows);
                        own.assert_nvs(&nvs, &before);
                    }
                    At::Exchange => {
                        own.assert_nvs(&nvs, &value.nvs_shows);
                        let after = json!(own.read_exchange(&exchange));
                        assert_eq!(after, before, "{}: it changed where it was entered", own.doing);
                    }
                }
                if early {
                    break;
                }
            }
        }
    }
    assert!(tried > 40, "only {tried} values");
}

fn schema(version: ServerVersion) -> &'static str {
    match version {
        ServerVersion::Exchange2007Sp1 => "Exchange2007_SP1",
        ServerVersion::Exchange2010Sp2 => "Exchange2010_SP2",
        ServerVersion::Exchange2013Sp1 => "Exchange2013_SP1",
        ServerVersion::Exchange2016 | ServerVersion::ExchangeSe => "Exchange2016",
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_field_of_an_appointment_set_in_nvs_is_written_once() {
    all_fields(At::Nvs, Part::Single, false).await;
    all_fields(At::Nvs, Part::Single, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_field_of_an_appointment_set_on_exchange_is_written_once() {
    all_fields(At::Exchange, Part::Single, false).await;
    all_fields(At::Exchange, Part::Single, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_field_of_an_occurrence_set_in_nvs_is_written_once() {
    all_fields(At::Nvs, Part::Occurrence, false).await;
    all_fields(At::Nvs, Part::Occurrence, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_field_of_an_occurrence_set_on_exchange_is_written_once() {
    all_fields(At::Exchange, Part::Occurrence, false).await;
    all_fields(At::Exchange, Part::Occurrence, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_makes_a_meeting_of_somebody_else_is_shown_in_nvs_and_written_once() {
    let world = World::start().await;
    for version in ServerVersion::ALL {
        for field in [Field::Organizer, Field::Attendees, Field::Meeting] {
            let pair = world.pair(version.name()).unwrap();
            let doing = format!("{} {field} of a meeting", version.name());
            let own = Try { pair: &pair, schema: schema(version), part: Part::Single, doing };
            pair.receive_meeting("chef@example.test", &draft(Part::Single)).unwrap();
            own.round().await;
            own.carried(At::Exchange).await;
            let (nvs, _) = own.ids();
            let guests = own.nvs_members(&nvs, &json!({"attendees": []}));
            assert_eq!(guests["attendees"][0]["name"], "Ömer Groß", "{}", own.doing);
            for value in values(field, NaiveDate::default(), version) {
                if matches!(value.exchange, OnExchange::NotByEdit) {
                    own.assert_nvs(&nvs, &value.nvs_shows);
                }
            }
        }
    }
    assert_eq!(world.mails(), 0, "somebody was mailed");
}
