//! How a calendar system will hold a series, known before anything is written.

use std::fmt;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::model::RecurrenceId;

/// How a calendar system will hold a series.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fit {
    /// As it is.
    Whole,
    /// As several items that the source shows as one. What is unusual about it, at least one entry.
    Composed(Vec<Shape>),
    /// Not at all; the text says why.
    Refused(String),
}

/// What is unusual about the way a series is held. Its text form is what plans say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// The rule is written as so many series.
    Split(usize),
    /// So many single appointments beside it, one for each additional date.
    Dates(usize),
    /// This instance is a single appointment.
    Single {
        /// Which instance.
        instance: RecurrenceId,
        /// Why it cannot be one of the series.
        why: String,
    },
    /// The instances are single appointments, as far as this day.
    Expanded {
        /// The last day.
        until: NaiveDate,
        /// Why the rule cannot be written.
        why: String,
    },
}

impl Fit {
    /// What a plan says of it; nothing where the series is held as it is.
    pub fn notes(&self) -> Vec<String> {
        match self {
            Fit::Whole => Vec::new(),
            Fit::Composed(shapes) => shapes.iter().map(Shape::to_string).collect(),
            Fit::Refused(why) => vec![format!("cannot be held: {why}")],
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Shape::Split(count) => write!(f, "as {count} series"),
            Shape::Dates(1) => f.write_str("1 additional date as a single appointment"),
            Shape::Dates(count) => write!(f, "{count} additional dates as single appointments"),
            Shape::Single { instance, why } => {
                write!(f, "{} as a single appointment: {why}", instance.to_text())
            }
            Shape::Expanded { until, why } => {
                write!(f, "expanded to single appointments until {until}: {why}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_says_in_words_how_a_series_is_held() {
        let instance = RecurrenceId::from_text("2026-10-21").unwrap();
        let until = NaiveDate::from_ymd_opt(2028, 11, 24).unwrap();
        let shapes = vec![
            Shape::Split(3),
            Shape::Single { instance, why: "its neighbour is in the way".to_owned() },
            Shape::Expanded { until, why: "it counts weeks of the year".to_owned() },
        ];
        assert_eq!(
            Fit::Composed(shapes).notes(),
            [
                "as 3 series",
                "2026-10-21 as a single appointment: its neighbour is in the way",
                "expanded to single appointments until 2028-11-24: it counts weeks of the year"
            ]
        );
        assert_eq!(Fit::Refused("it is endless".to_owned()).notes(), ["cannot be held: it is endless"]);
        assert!(Fit::Whole.notes().is_empty());
    }
}
