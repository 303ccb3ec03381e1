//! Restrictions of `FindItem`.
//!
//! In: the element below `Restriction`; out: a tree that is asked about each stored item. Extended properties, times,
//! subject and a few flags can be searched; the UID cannot, as on a real server.

use super::faults::Fault;
use super::item::{ExtendedKey, View};
use super::time::{WireTime, utc};
use super::xml::Node;
use super::zones::Zone;

/// A condition on stored items.
#[derive(Debug, Clone)]
pub(crate) enum Restriction {
    And(Vec<Restriction>),
    Or(Vec<Restriction>),
    Not(Box<Restriction>),
    Exists(Path),
    Compare(Path, Comparison, Operand),
    Contains { path: Path, text: String, prefix: bool, whole: bool, fold: bool },
}

/// What a condition looks at.
#[derive(Debug, Clone)]
pub(crate) enum Path {
    Field(String),
    Extended(ExtendedKey),
}

/// What it is compared with.
#[derive(Debug, Clone)]
pub(crate) enum Operand {
    Constant(String),
    Path(Path),
}

/// How it is compared.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

/// Fields that can be searched.
const SEARCHABLE: &[&str] = &[
    "item:Subject",
    "item:Sensitivity",
    "item:Importance",
    "item:Categories",
    "item:DateTimeCreated",
    "item:DateTimeReceived",
    "item:LastModifiedTime",
    "item:ItemClass",
    "item:ReminderIsSet",
    "calendar:Start",
    "calendar:End",
    "calendar:IsAllDayEvent",
    "calendar:IsRecurring",
    "calendar:LegacyFreeBusyStatus",
    "calendar:Location",
    "calendar:OriginalStart",
];

impl Restriction {
    /// Reads a condition.
    pub(crate) fn read(node: &Node) -> Result<Self, Fault> {
        let all = || node.children.iter().map(Self::read).collect::<Result<Vec<_>, _>>();
        let path = || {
            node.children
                .first()
                .ok_or_else(|| Fault::schema("The restriction has no path."))
                .and_then(Path::read)
        };
        let comparison = match node.name.as_str() {
            "And" => return Ok(Self::And(all()?)),
            "Or" => return Ok(Self::Or(all()?)),
            "Not" => {
                let inner = node
                    .children
                    .first()
                    .ok_or_else(|| Fault::schema("The element 'Not' has incomplete content."))?;
                return Ok(Self::Not(Box::new(Self::read(inner)?)));
            }
            "Exists" => return Ok(Self::Exists(path()?)),
            "Contains" => {
                let text =
                    node.child("Constant").and_then(|c| c.attr("Value")).unwrap_or_default().to_owned();
                let mode = node.attr("ContainmentMode").unwrap_or("Substring");
                let fold = node
                    .attr("ContainmentComparison")
                    .is_some_and(|c| c.contains("IgnoreCase") || c == "Loose");
                return Ok(Self::Contains {
                    path: path()?,
                    text,
                    prefix: mode.starts_with("Prefix"),
                    whole: mode == "FullString",
                    fold,
                });
            }
            "IsEqualTo" => Comparison::Equal,
            "IsNotEqualTo" => Comparison::NotEqual,
            "IsGreaterThan" => Comparison::Greater,
            "IsGreaterThanOrEqualTo" => Comparison::GreaterOrEqual,
            "IsLessThan" => Comparison::Less,
            "IsLessThanOrEqualTo" => Comparison::LessOrEqual,
            name => {
                return Err(Fault::schema(&format!(
                    "The element 'Restriction' has invalid child element '{name}'."
                )));
            }
        };
        let operand = node.child("FieldURIOrConstant").and_then(|n| n.children.first());
        let operand = operand
            .ok_or_else(|| Fault::schema("The element 'FieldURIOrConstant' has incomplete content."))?;
        let operand = match operand.attr("Value") {
            Some(value) if operand.name == "Constant" => Operand::Constant(value.to_owned()),
            _ => Operand::Path(Path::read(operand)?),
        };
        Ok(Self::Compare(path()?, comparison, operand))
    }

    /// Whether a stored item fits.
    pub(crate) fn holds(&self, view: &View<'_>) -> bool {
        match self {
            Self::And(all) => all.iter().all(|r| r.holds(view)),
            Self::Or(all) => all.iter().any(|r| r.holds(view)),
            Self::Not(inner) => !inner.holds(view),
            Self::Exists(path) => path.value(view).is_some(),
            Self::Compare(path, comparison, operand) => {
                let right = match operand {
                    Operand::Constant(text) => Some(path.normal(text)),
                    Operand::Path(other) => other.value(view),
                };
                match (path.value(view), right) {
                    (Some(left), Some(right)) => comparison.holds(&left, &right),
                    // An absent property differs from everything.
                    _ => matches!(comparison, Comparison::NotEqual),
                }
            }
            Self::Contains { path, text, prefix, whole, fold } => path.value(view).is_some_and(|value| {
                let (value, text) =
                    if *fold { (value.to_lowercase(), text.to_lowercase()) } else { (value, text.clone()) };
                match (prefix, whole) {
                    (_, true) => value == text,
                    (true, false) => value.starts_with(&text),
                    (false, false) => value.contains(&text),
                }
            }),
        }
    }
}

impl Comparison {
    fn holds(self, left: &str, right: &str) -> bool {
        match self {
            Self::Equal => left == right,
            Self::NotEqual => left != right,
            Self::Greater => left > right,
            Self::GreaterOrEqual => left >= right,
            Self::Less => left < right,
            Self::LessOrEqual => left <= right,
        }
    }
}

impl Path {
    fn read(node: &Node) -> Result<Self, Fault> {
        if node.name == "ExtendedFieldURI" {
            return Ok(Self::Extended(ExtendedKey::read(node)));
        }
        let uri = node.attr("FieldURI").unwrap_or_default();
        if SEARCHABLE.contains(&uri) {
            return Ok(Self::Field(uri.to_owned()));
        }
        Err(Fault::new(
            "ErrorUnsupportedPathForQuery",
            &format!("The property can not be used with this type of restriction: {uri}."),
        ))
    }

    /// Value as comparable text; times in UTC compare as text.
    fn value(&self, view: &View<'_>) -> Option<String> {
        match self {
            Self::Extended(key) => {
                view.content().extended.get(key).and_then(|values| values.first().cloned())
            }
            Self::Field(uri) => field(view, uri),
        }
    }

    /// A constant in the form that [`value`](Self::value) has.
    fn normal(&self, text: &str) -> String {
        match self {
            Self::Field(uri) if is_time(uri) => WireTime::parse(text)
                .and_then(|t| t.instant(&Zone::utc()))
                .map_or_else(|| text.to_owned(), utc),
            Self::Field(_) if text == "1" => "true".to_owned(),
            Self::Field(_) if text == "0" => "false".to_owned(),
            _ => text.to_owned(),
        }
    }
}

fn is_time(uri: &str) -> bool {
    matches!(
        uri,
        "item:DateTimeCreated"
            | "item:DateTimeReceived"
            | "item:LastModifiedTime"
            | "calendar:Start"
            | "calendar:End"
            | "calendar:OriginalStart"
    )
}

fn field(view: &View<'_>, uri: &str) -> Option<String> {
    let content = view.content();
    let flag = |value: bool| Some(value.to_string());
    match uri {
        "item:Subject" => content.subject,
        "item:Sensitivity" => Some(content.sensitivity.unwrap_or_else(|| "Normal".to_owned())),
        "item:Importance" => Some(content.importance.unwrap_or_else(|| "Normal".to_owned())),
        "item:Categories" => content.categories.and_then(|c| c.first().cloned()),
        "item:DateTimeCreated" | "item:DateTimeReceived" => Some(utc(view.item.created)),
        "item:LastModifiedTime" => Some(utc(view.modified())),
        "item:ItemClass" => {
            Some(view.item.foreign_class.clone().unwrap_or_else(|| "IPM.Appointment".to_owned()))
        }
        "item:ReminderIsSet" => flag(content.reminder_set.unwrap_or(false)),
        "calendar:Start" => Some(utc(view.span().0)),
        "calendar:End" => Some(utc(view.span().1)),
        "calendar:IsAllDayEvent" => flag(view.all_day()),
        // In the store the property says that the item is a series.
        "calendar:IsRecurring" => flag(view.item.series.is_some()),
        "calendar:LegacyFreeBusyStatus" => content.busy,
        "calendar:Location" => content.location,
        _ => None,
    }
}

/// What a listing sorts by.
pub(crate) fn sort_key(view: &View<'_>, uri: &str) -> String {
    field(view, uri).unwrap_or_default()
}
