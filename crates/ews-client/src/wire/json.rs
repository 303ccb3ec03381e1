//! Answers as JSON, for people and scripts that want to see what a server sent.

use serde_json::{Map, Value, json};

use super::answer::{Answer, Change, Fault, Message, ResponseClass};
use super::item::CalendarItem;

impl Answer {
    /// Whether the server reported a fault or an error for any part of the request.
    pub fn has_errors(&self) -> bool {
        self.fault.is_some() || self.messages.iter().any(|message| message.class == ResponseClass::Error)
    }

    /// One JSON object for each item, change, folder, name and error, in the order of the answer.
    ///
    /// An item has its fields; a change has `change` besides; an error has `error` and `code`.
    pub fn to_json(&self) -> Vec<Value> {
        let mut lines: Vec<Value> = self.fault.iter().map(fault).collect();
        for message in &self.messages {
            if message.class == ResponseClass::Error {
                lines.push(error(message));
            }
            lines.extend(message.changes.iter().map(change));
            lines.extend(message.items.iter().map(item).map(Value::Object));
            lines.extend(message.folders.iter().map(|folder| json!(folder)));
            lines.extend(message.resolutions.iter().map(|resolution| json!(resolution)));
        }
        lines
    }
}

fn item(item: &CalendarItem) -> Map<String, Value> {
    match serde_json::to_value(item) {
        Ok(Value::Object(map)) => map,
        // A struct of text, numbers and lists always becomes an object.
        _ => Map::new(),
    }
}

fn change(change: &Change) -> Value {
    let with_item = |kind: &str, content: &CalendarItem| {
        let mut line = Map::new();
        line.insert("change".to_owned(), json!(kind));
        line.extend(item(content));
        Value::Object(line)
    };
    match change {
        Change::Create(content) => with_item("create", content),
        Change::Update(content) => with_item("update", content),
        Change::Delete(id) => json!({ "change": "delete", "item_id": id }),
        Change::ReadFlag { id, is_read } => {
            json!({ "change": "read_flag", "item_id": id, "is_read": is_read })
        }
    }
}

fn error(message: &Message) -> Value {
    let text = message.text.clone().unwrap_or_else(|| "the server gives no text".to_owned());
    line_of_error(&text, message.code.as_wire(), &message.details)
}

fn fault(fault: &Fault) -> Value {
    let code = fault.code.as_ref().map_or(fault.soap_code.as_str(), |code| code.as_wire());
    line_of_error(&fault.text, code, &fault.details)
}

fn line_of_error(text: &str, code: &str, details: &[(String, String)]) -> Value {
    let mut line = Map::new();
    line.insert("error".to_owned(), json!(text));
    line.insert("code".to_owned(), json!(code));
    if !details.is_empty() {
        let details: Map<String, Value> =
            details.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
        line.insert("details".to_owned(), Value::Object(details));
    }
    Value::Object(line)
}
