//! What may leave one side and how it is shown on the other, as far as it differs from the defaults.

use std::collections::BTreeSet;

use calsync_core::model::Busy;
use calsync_core::sync::{AllDay, Filter, Mask, MeetingRule, Meetings, Outward, Pattern, Private, Template};
use serde::{Deserialize, Serialize};

/// The rules for one direction. What is `None` is as the defaults say; an empty list is no filter at all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OutwardSettings {
    /// Only appointments with one of these types (NVS) or categories (Exchange).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub only_types: Option<BTreeSet<String>>,
    /// Not those with one of these.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub except_types: Option<BTreeSet<String>>,
    /// Not those that are shown as this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub except_busy: Option<BTreeSet<Busy>>,
    /// Whether all-day appointments are carried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub all_day: Option<AllDay>,
    /// Only appointments whose subject is like one of these.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub only_subjects: Option<Vec<Pattern>>,
    /// Not those whose subject is like one of these.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub except_subjects: Option<Vec<Pattern>>,
    /// What happens to private appointments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub private: Option<Private>,
    /// The subject of masked appointments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mask: Option<Mask>,
    /// The text on the other side's tile; `{subject}` alone is no rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<Template>,
    /// What happens to meetings that were not answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unanswered: Option<MeetingRule>,
    /// To those that were accepted with reservation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tentative: Option<MeetingRule>,
    /// To those that were declined.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub declined: Option<MeetingRule>,
    /// To those that were cancelled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cancelled: Option<MeetingRule>,
    /// Whether notes are shown as plain text only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plain_notes: Option<bool>,
}

impl OutwardSettings {
    /// Whether nothing is set.
    pub fn is_default(&self) -> bool {
        *self == OutwardSettings::default()
    }

    /// These settings, and those of `defaults` where nothing is set.
    #[must_use]
    pub fn over(&self, defaults: &OutwardSettings) -> OutwardSettings {
        let own = self.clone();
        let defaults = defaults.clone();
        OutwardSettings {
            only_types: own.only_types.or(defaults.only_types),
            except_types: own.except_types.or(defaults.except_types),
            except_busy: own.except_busy.or(defaults.except_busy),
            all_day: own.all_day.or(defaults.all_day),
            only_subjects: own.only_subjects.or(defaults.only_subjects),
            except_subjects: own.except_subjects.or(defaults.except_subjects),
            private: own.private.or(defaults.private),
            mask: own.mask.or(defaults.mask),
            subject: own.subject.or(defaults.subject),
            unanswered: own.unanswered.or(defaults.unanswered),
            tentative: own.tentative.or(defaults.tentative),
            declined: own.declined.or(defaults.declined),
            cancelled: own.cancelled.or(defaults.cancelled),
            plain_notes: own.plain_notes.or(defaults.plain_notes),
        }
    }

    /// What the engine reads of them.
    pub(super) fn engine(&self) -> Outward {
        let Outward { filter, private, mask, subject: _, meetings, plain_notes } = Outward::default();
        let own = self.clone();
        // A tile that shows the subject as it is needs no rule.
        let subject = own.subject.filter(|template| template.as_str().trim() != AS_IT_IS);
        Outward {
            filter: Filter {
                only_categories: own.only_types.unwrap_or(filter.only_categories),
                except_categories: own.except_types.unwrap_or(filter.except_categories),
                except_busy: own.except_busy.unwrap_or(filter.except_busy),
                all_day: own.all_day.unwrap_or(filter.all_day),
                only_subjects: own.only_subjects.unwrap_or(filter.only_subjects),
                except_subjects: own.except_subjects.unwrap_or(filter.except_subjects),
            },
            private: own.private.unwrap_or(private),
            mask: own.mask.unwrap_or(mask),
            subject,
            meetings: Meetings {
                unanswered: own.unanswered.unwrap_or(meetings.unanswered),
                tentative: own.tentative.unwrap_or(meetings.tentative),
                declined: own.declined.unwrap_or(meetings.declined),
                cancelled: own.cancelled.unwrap_or(meetings.cancelled),
            },
            plain_notes: own.plain_notes.unwrap_or(plain_notes),
        }
    }
}

/// The template of a tile that shows the subject.
const AS_IT_IS: &str = "{subject}";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_reaches_the_engine() {
        let own = OutwardSettings {
            only_types: Some(BTreeSet::from(["Einsatz".to_owned()])),
            except_types: Some(BTreeSet::from(["Privat".to_owned()])),
            except_busy: Some(BTreeSet::from([Busy::Free])),
            all_day: Some(AllDay::Without),
            only_subjects: Some(vec![Pattern::new("A*")]),
            except_subjects: Some(vec![Pattern::new("B*")]),
            private: Some(Private::Mask),
            mask: Some(Mask("Termin".to_owned())),
            subject: Some(Template::new("[{type}] {subject}").unwrap()),
            unanswered: Some(MeetingRule::Free),
            tentative: Some(MeetingRule::Skip),
            declined: Some(MeetingRule::Show),
            cancelled: Some(MeetingRule::Skip),
            plain_notes: Some(true),
        };
        let expected = Outward {
            filter: Filter {
                only_categories: BTreeSet::from(["Einsatz".to_owned()]),
                except_categories: BTreeSet::from(["Privat".to_owned()]),
                except_busy: BTreeSet::from([Busy::Free]),
                all_day: AllDay::Without,
                only_subjects: vec![Pattern::new("A*")],
                except_subjects: vec![Pattern::new("B*")],
            },
            private: Private::Mask,
            mask: Mask("Termin".to_owned()),
            subject: Some(Template::new("[{type}] {subject}").unwrap()),
            meetings: Meetings {
                unanswered: MeetingRule::Free,
                tentative: MeetingRule::Skip,
                declined: MeetingRule::Show,
                cancelled: MeetingRule::Skip,
            },
            plain_notes: true,
        };
        assert_eq!(own.engine(), expected);
        assert_eq!(OutwardSettings::default().over(&own), own, "a default is taken rule by rule");
        assert_eq!(own.over(&OutwardSettings { mask: None, ..OutwardSettings::default() }), own);
    }

    #[test]
    fn a_default_can_be_taken_back() {
        let defaults = OutwardSettings {
            only_types: Some(BTreeSet::from(["Einsatz".to_owned()])),
            subject: Some(Template::new("{place}").unwrap()),
            ..OutwardSettings::default()
        };
        let own = OutwardSettings {
            only_types: Some(BTreeSet::new()),
            subject: Some(Template::new(AS_IT_IS).unwrap()),
            ..OutwardSettings::default()
        };
        assert_eq!(own.over(&defaults).engine(), Outward::default());
    }
}
