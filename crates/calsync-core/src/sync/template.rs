//! Templates for the text on the tile: `[{type}] {customer}, {place}`.
//!
//! A field that is empty disappears together with its brackets and one separator. A text that a template made can be
//! read back, where the template has a place for the subject.

use serde::{Deserialize, Serialize};

use crate::model::Event;

/// A template for subjects. Its text names fields in braces: `{subject}`, `{type}`, `{customer}`, `{place}`, or in German
/// `{betreff}`, `{typ}`, `{kunde}`, `{ort}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Template {
    text: String,
    before: String,
    slots: Vec<Slot>,
    after: String,
}

/// A field with the brackets around it and what separates it from the field before.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Slot {
    separator: String,
    open: String,
    value: Value,
    close: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Value {
    Subject,
    Type,
    Customer,
    Place,
}

/// Why a text is no template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// A name in braces that is no field.
    #[error("{{{0}}} is no field: use {{subject}}, {{type}}, {{customer}} or {{place}}")]
    UnknownField(String),
    /// A brace without its counterpart.
    #[error("a brace is not closed")]
    Open,
    /// No field at all: every appointment would be called the same.
    #[error("it names no field: use {{subject}}, {{type}}, {{customer}} or {{place}}")]
    Constant,
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    ///
    /// What is wrong with it, to be shown to whoever wrote it.
    pub fn new(text: &str) -> Result<Template, TemplateError> {
        let mut literals = Vec::new();
        let mut values = Vec::new();
        let mut rest = text;
        while let Some((literal, more)) = rest.split_once('{') {
            let (name, more) = more.split_once('}').ok_or(TemplateError::Open)?;
            literals.push(literal);
            values.push(value(name)?);
            rest = more;
        }
        if values.is_empty() {
            return Err(TemplateError::Constant);
        }
        literals.push(rest);
        let mut template = Template {
            text: text.to_owned(),
            before: String::new(),
            slots: Vec::new(),
            after: String::new(),
        };
        let mut open = "";
        for (index, literal) in literals.iter().enumerate() {
            // What closes belongs to the field before, what opens to the field after.
            let inner = if index == 0 { literal } else { literal.trim_start_matches(CLOSING) };
            let close = literal.strip_suffix(inner).unwrap_or_default();
            if let Some(slot) = template.slots.last_mut() {
                close.clone_into(&mut slot.close);
            }
            let Some(value) = values.get(index) else {
                inner.clone_into(&mut template.after);
                break;
            };
            let separator = inner.trim_end_matches(OPENING);
            open = inner.strip_prefix(separator).unwrap_or(open);
            let slot = Slot {
                separator: if index == 0 { String::new() } else { separator.to_owned() },
                open: open.to_owned(),
                value: *value,
                close: String::new(),
            };
            if index == 0 {
                separator.clone_into(&mut template.before);
            }
            template.slots.push(slot);
        }
        Ok(template)
    }

    /// The text it was made from.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the subject has a place in it, so that a changed text can be read back.
    pub fn holds_subject(&self) -> bool {
        self.slots.iter().any(|slot| slot.value == Value::Subject)
    }

    /// The text for `event`; the subject as it is where nothing the template names is said.
    pub fn render(&self, event: &Event) -> String {
        self.render_with(event, &event.subject)
    }

    /// The text for `event` if that was its subject.
    pub(super) fn render_with(&self, event: &Event, subject: &str) -> String {
        let mut out = String::new();
        for slot in &self.slots {
            let text = match slot.value {
                Value::Subject => subject.to_owned(),
                Value::Type => event.categories.iter().map(String::as_str).collect::<Vec<_>>().join(", "),
                Value::Customer => event.customer.clone(),
                Value::Place => event.place.clone(),
            };
            if text.trim().is_empty() {
                continue;
            }
            if !out.is_empty() {
                out.push_str(&slot.separator);
            }
            out.push_str(&slot.open);
            out.push_str(text.trim());
            out.push_str(&slot.close);
        }
        if out.is_empty() { subject.to_owned() } else { format!("{}{out}{}", self.before, self.after) }
    }

    /// The subject in a text that the template made of an event that says what `event` says besides its subject; `None`
    /// where the text is another one.
    pub fn subject_in<'t>(&self, text: &'t str, event: &Event) -> Option<&'t str> {
        if !self.holds_subject() {
            return None;
        }
        if text == self.render_with(event, "") {
            return Some("");
        }
        // Nobody types this character; it marks the place of the subject.
        let marked = self.render_with(event, "\u{1}");
        let (before, after) = marked.split_once('\u{1}')?;
        text.strip_prefix(before)?.strip_suffix(after)
    }
}

const CLOSING: [char; 5] = [']', ')', '>', '»', '”'];
const OPENING: [char; 5] = ['[', '(', '<', '«', '“'];

fn value(name: &str) -> Result<Value, TemplateError> {
    match name.trim().to_lowercase().as_str() {
        "subject" | "betreff" => Ok(Value::Subject),
        "type" | "typ" => Ok(Value::Type),
        "customer" | "kunde" => Ok(Value::Customer),
        "place" | "ort" => Ok(Value::Place),
        _ => Err(TemplateError::UnknownField(name.to_owned())),
    }
}

impl TryFrom<String> for Template {
    type Error = TemplateError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Template::new(&text)
    }
}

impl From<Template> for String {
    fn from(template: Template) -> String {
        template.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Span;

    fn event(kind: &str, customer: &str, place: &str, subject: &str) -> Event {
        let day = chrono::NaiveDate::from_ymd_opt(2026, 11, 24).unwrap();
        let mut event = Event::new(subject, Span::days(day, day));
        event.categories.extend((!kind.is_empty()).then(|| kind.to_owned()));
        customer.clone_into(&mut event.customer);
        place.clone_into(&mut event.place);
        event
    }

    #[test]
    fn empty_fields_take_their_brackets_and_one_separator_along() {
        let template = Template::new("[{type}] {customer}, {place}").unwrap();
        let cases = [
            (("Einsatz", "Müller", "Köln"), "[Einsatz] Müller, Köln"),
            (("", "Müller", "Köln"), "Müller, Köln"),
            (("Einsatz", "", "Köln"), "[Einsatz], Köln"),
            (("Einsatz", "Müller", ""), "[Einsatz] Müller"),
            (("", "", "Köln"), "Köln"),
            (("", "", ""), "x"),
        ];
        for ((kind, customer, place), text) in cases {
            assert_eq!(template.render(&event(kind, customer, place, "x")), text);
        }
        assert_eq!(template.as_str(), "[{type}] {customer}, {place}");
        let german = Template::new("Auftrag: {Kunde} ({Ort})!").unwrap();
        assert_eq!(german.render(&event("", "Müller", "Köln", "x")), "Auftrag: Müller (Köln)!");
        assert_eq!(german.render(&event("", "Müller", "", "x")), "Auftrag: Müller!");
    }

    #[test]
    fn a_text_that_the_template_made_is_read_back() {
        let template = Template::new("[{type}] {subject} ({place})").unwrap();
        for place in ["Köln", ""] {
            let event = event("Einsatz", "", place, "Leiter, [lang] (3 m)");
            let text = template.render(&event);
            assert_eq!(template.subject_in(&text, &event), Some("Leiter, [lang] (3 m)"));
        }
        assert_eq!(template.subject_in("anders", &event("Einsatz", "", "", "x")), None);
        assert_eq!(Template::new("{place}").unwrap().subject_in("Köln", &event("", "", "Köln", "x")), None);
    }

    #[test]
    fn what_is_no_template_says_why() {
        assert_eq!(Template::new("{plase}"), Err(TemplateError::UnknownField("plase".to_owned())));
        assert_eq!(Template::new("{place"), Err(TemplateError::Open));
        assert_eq!(Template::new("Termin"), Err(TemplateError::Constant));
    }
}
