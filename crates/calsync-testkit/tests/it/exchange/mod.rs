//! The mock Exchange, asked with hand-written SOAP.

mod access;
mod categories;
mod finding;
mod folders;
mod http;
mod items;
mod meetings;
mod people;
mod series;
mod sync;
mod vectors;
mod versions;

use base64::Engine as _;
use calsync_testkit::exchange::{Answer, Call, MockExchange, ServerVersion};

pub(crate) const ANNA: &str = "anna@example.test";
pub(crate) const ZONE: &str =
    r#"<t:StartTimeZone Id="W. Europe Standard Time"/><t:EndTimeZone Id="W. Europe Standard Time"/>"#;
pub(crate) const CALENDAR: &str = r#"<t:DistinguishedFolderId Id="calendar"/>"#;

/// A mock with one mailbox, and the log-on of its owner.
pub(crate) struct Desk {
    pub(crate) mock: MockExchange,
    pub(crate) schema: &'static str,
    pub(crate) header: String,
    pub(crate) user: (String, String),
}

/// An answer as status and text.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl Desk {
    pub(crate) fn of(version: ServerVersion) -> Self {
        let mock = MockExchange::in_memory(version);
        mock.add_mailbox(ANNA, "Anna");
        mock.add_owner(ANNA, "pw", ANNA);
        let schema = match version {
            ServerVersion::Exchange2007Sp1 => "Exchange2007_SP1",
            ServerVersion::Exchange2010Sp2 => "Exchange2010_SP2",
            ServerVersion::Exchange2013Sp1 => "Exchange2013_SP1",
            ServerVersion::Exchange2016 | ServerVersion::ExchangeSe => "Exchange2016",
        };
        Self { mock, schema, header: String::new(), user: (ANNA.to_owned(), "pw".to_owned()) }
    }

    pub(crate) fn new() -> Self {
        Self::of(ServerVersion::Exchange2016)
    }

    pub(crate) fn envelope(&self, body: &str) -> String {
        format!(
            r#"<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages" xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types"><s:Header><t:RequestServerVersion Version="{}"/>{}</s:Header><s:Body>{body}</s:Body></s:Envelope>"#,
            self.schema, self.header
        )
    }

    pub(crate) fn raw(&self, envelope: &str) -> Answer {
        let token =
            base64::engine::general_purpose::STANDARD.encode(format!("{}:{}", self.user.0, self.user.1));
        self.mock.answer(&Call { authorization: Some(&format!("Basic {token}")), body: envelope.as_bytes() })
    }

    pub(crate) fn ask(&self, body: &str) -> Seen {
        match self.raw(&self.envelope(body)) {
            Answer::Http { status, body, .. } => Seen { status, body },
            other => panic!("no answer: {other:?}"),
        }
    }

    /// Creates an item from the inside of its element.
    pub(crate) fn create(&self, inside: &str) -> Seen {
        self.ask(&format!(
            r#"<m:CreateItem SendMeetingInvitations="SendToNone"><m:Items><t:CalendarItem>{inside}</t:CalendarItem></m:Items></m:CreateItem>"#
        ))
    }

    /// Creates an appointment of an hour in Berlin and returns its id and change key.
    pub(crate) fn appointment(&self, subject: &str, start: &str, end: &str, more: &str) -> (String, String) {
        let seen = self.create(&format!(
            "<t:Subject>{subject}</t:Subject><t:Start>{start}</t:Start><t:End>{end}</t:End>{more}{ZONE}"
        ));
        assert_eq!(seen.codes(), ["NoError"], "{}", seen.body);
        seen.id()
    }

    /// Reads an item by id with all properties.
    pub(crate) fn get(&self, id: &str) -> Seen {
        self.get_as(&format!(r#"<t:ItemId Id="{id}"/>"#), "")
    }

    pub(crate) fn get_as(&self, id: &str, shape: &str) -> Seen {
        self.ask(&format!(
            "<m:GetItem><m:ItemShape><t:BaseShape>AllProperties</t:BaseShape>{shape}</m:ItemShape><m:ItemIds>{id}</m:ItemIds></m:GetItem>"
        ))
    }

    /// Sets one field; `rule` is the conflict resolution.
    pub(crate) fn set(&self, id: &(String, String), rule: &str, uri: &str, element: &str) -> Seen {
        self.update(id, rule, &set_field(uri, element))
    }

    pub(crate) fn update(&self, id: &(String, String), rule: &str, updates: &str) -> Seen {
        self.ask(&format!(
            r#"<m:UpdateItem ConflictResolution="{rule}" MessageDisposition="SaveOnly" SendMeetingInvitationsOrCancellations="SendToNone"><m:ItemChanges><t:ItemChange><t:ItemId Id="{}" ChangeKey="{}"/><t:Updates>{updates}</t:Updates></t:ItemChange></m:ItemChanges></m:UpdateItem>"#,
            id.0, id.1
        ))
    }

    pub(crate) fn delete(&self, id: &str, kind: &str) -> Seen {
        self.ask(&format!(
            r#"<m:DeleteItem DeleteType="{kind}" SendMeetingCancellations="SendToNone"><m:ItemIds>{id}</m:ItemIds></m:DeleteItem>"#
        ))
    }

    /// Everything in a window.
    pub(crate) fn view(&self, from: &str, to: &str) -> Seen {
        self.ask(&format!(
            r#"<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>Default</t:BaseShape></m:ItemShape><m:CalendarView StartDate="{from}" EndDate="{to}"/><m:ParentFolderIds>{CALENDAR}</m:ParentFolderIds></m:FindItem>"#
        ))
    }

    pub(crate) fn sync(&self, state: &str, most: usize) -> Seen {
        let state =
            if state.is_empty() { String::new() } else { format!("<m:SyncState>{state}</m:SyncState>") };
        self.ask(&format!(
            "<m:SyncFolderItems><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape><m:SyncFolderId>{CALENDAR}</m:SyncFolderId>{state}<m:MaxChangesReturned>{most}</m:MaxChangesReturned></m:SyncFolderItems>"
        ))
    }
}

pub(crate) fn set_field(uri: &str, element: &str) -> String {
    format!(
        r#"<t:SetItemField><t:FieldURI FieldURI="{uri}"/><t:CalendarItem>{element}</t:CalendarItem></t:SetItemField>"#
    )
}

pub(crate) fn item_id(id: &str) -> String {
    format!(r#"<t:ItemId Id="{id}"/>"#)
}

impl Seen {
    /// Texts of all elements of that name, such as `t:Subject`.
    pub(crate) fn texts(&self, name: &str) -> Vec<String> {
        let mut found = Vec::new();
        let mut rest = self.body.as_str();
        while let Some(at) = rest.find(&format!("<{name}")) {
            rest = &rest[at + 1 + name.len()..];
            if !rest.starts_with([' ', '>', '/']) {
                continue;
            }
            let close = rest.find('>').unwrap();
            if rest[..close].ends_with('/') {
                found.push(String::new());
                continue;
            }
            let end = rest.find(&format!("</{name}>")).unwrap();
            let text = &rest[close + 1..end];
            found.push(
                text.replace("&lt;", "<")
                    .replace("&gt;", ">")
                    .replace("&#xD;", "\r")
                    .replace("&quot;", "\"")
                    .replace("&amp;", "&"),
            );
        }
        found
    }

    /// The first of them.
    pub(crate) fn text(&self, name: &str) -> String {
        self.texts(name).into_iter().next().unwrap_or_else(|| panic!("no {name} in {}", self.body))
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        !self.texts(name).is_empty()
    }

    /// Response codes of all messages, or the fault's.
    pub(crate) fn codes(&self) -> Vec<String> {
        let fault = self.texts("e:ResponseCode");
        if fault.is_empty() { self.texts("m:ResponseCode") } else { fault }
    }

    /// Values of an attribute of all elements of that name.
    pub(crate) fn attrs(&self, name: &str, key: &str) -> Vec<String> {
        self.body
            .split(&format!("<{name} "))
            .skip(1)
            .filter_map(|tail| {
                let tag = &tail[..tail.find('>').unwrap()];
                let at = tag.find(&format!("{key}=\""))? + key.len() + 2;
                Some(tag[at..].split('"').next().unwrap().to_owned())
            })
            .collect()
    }

    /// Id and change key of the first item.
    pub(crate) fn id(&self) -> (String, String) {
        (self.attrs("t:ItemId", "Id")[0].clone(), self.attrs("t:ItemId", "ChangeKey")[0].clone())
    }
}
