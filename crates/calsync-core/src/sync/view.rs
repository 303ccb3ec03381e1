//! How an appointment of one side is shown on the other: names of types, the text on the tile, what is private.
//!
//! The engine compares each side with its own shadow. What is carried is the difference between two *views*: the shadow
//! as the other side was shown it, and the present as it is to be shown. So a rule about looks is written once, here, and
//! holds for masters and instances, for new appointments and for changes.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::scope::{Filter, Leaving, MeetingRule, Meetings, Outside};
use super::settings::Settings;
use super::template::Template;
use crate::ids::Side;
use crate::model::{
    Attachments, Busy, Categories, Event, Field, Notes, Overlay, Override, Person, Sensitivity, Series,
};

/// What may leave a side, and how it is shown on the other. The default shows everything as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Outward {
    /// Which appointments.
    pub filter: Filter,
    /// What happens to private ones.
    pub private: Private,
    /// What the other side calls masked appointments.
    pub mask: Mask,
    /// The text on the other side's tile.
    pub subject: Option<Template>,
    /// What happens to meetings.
    pub meetings: Meetings,
    /// Whether the other side is shown notes as plain text only, because whoever reads them there cannot read HTML.
    pub plain_notes: bool,
}

/// What happens to private appointments.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Private {
    /// Carried as they are.
    #[default]
    Pass,
    /// Not carried. Where the other side has a counterpart already, or the rest of the series, it is masked.
    Skip,
    /// Carried without anything but the time: no text, no people, no type. Masked copies are one-way: editing or
    /// deleting one never touches the original.
    Mask,
}

/// The subject of masked appointments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Mask(pub String);

impl Default for Mask {
    fn default() -> Self {
        Mask("Privat".to_owned())
    }
}

/// Names of NVS types (side A) with those of Exchange categories (side B). Names that are not listed are the same.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "BTreeMap<String, String>", into = "BTreeMap<String, String>")]
pub struct CategoryNames {
    a_to_b: BTreeMap<String, String>,
    b_to_a: BTreeMap<String, String>,
}

impl CategoryNames {
    /// A name of one side as the other side calls it.
    fn carry<'n>(&'n self, from: Side, name: &'n str) -> &'n str {
        let names = match from {
            Side::A => &self.a_to_b,
            Side::B => &self.b_to_a,
        };
        names.get(name).map_or(name, String::as_str)
    }
}

impl From<BTreeMap<String, String>> for CategoryNames {
    fn from(a_to_b: BTreeMap<String, String>) -> Self {
        // Of two types with the same category the first stands on the way back.
        let mut b_to_a = BTreeMap::new();
        for (a, b) in &a_to_b {
            b_to_a.entry(b.clone()).or_insert_with(|| a.clone());
        }
        CategoryNames { a_to_b, b_to_a }
    }
}

impl From<CategoryNames> for BTreeMap<String, String> {
    fn from(names: CategoryNames) -> Self {
        names.a_to_b
    }
}

/// How one side is shown to the other.
#[derive(Debug, Clone, Copy)]
pub(super) struct View<'a> {
    from: Side,
    settings: &'a Settings,
    /// Whether what is private is masked: not where the original is on the other side.
    masks: bool,
}

impl<'a> View<'a> {
    /// `original`: the side of the link from which the other side is shown masked copies.
    pub(super) fn new(settings: &'a Settings, from: Side, original: Option<Side>) -> View<'a> {
        View { from, settings, masks: original == Some(from) }
    }

    fn outward(&self) -> &'a Outward {
        self.settings.outward.get(self.from)
    }

    /// Whether `series` is shown as it is.
    fn is_plain(&self, series: &Series) -> bool {
        let meeting = |event: &Event| self.rule(event) == MeetingRule::Show;
        !self.masks
            && !self.outward().plain_notes
            && self.settings.categories == CategoryNames::default()
            && self.settings.outward.iter().all(|(_, outward)| outward.subject.is_none())
            && meeting(&series.event)
            && series.overrides.values().all(|over| match over {
                Override::Changed(Overlay { meeting: Some(_), .. }) => false,
                Override::Changed(_) | Override::Cancelled => true,
            })
    }

    fn rule(&self, event: &Event) -> MeetingRule {
        self.outward().meetings.rule(event.meeting)
    }

    /// The series as the other side is to show it. `was` is the series as it was when both were in step: a text that was
    /// made of what it said then is recognised in it.
    pub(super) fn show<'s>(&self, series: &'s Series, was: Option<&Series>) -> Cow<'s, Series> {
        if self.is_plain(series) {
            return Cow::Borrowed(series);
        }
        let was_master = was.map(|was| &was.event);
        let event = self.event(&series.event, was_master);
        let overrides = series
            .overrides
            .iter()
            .filter_map(|(key, over)| {
                let over = match over {
                    Override::Cancelled => Override::Cancelled,
                    Override::Changed(overlay) => {
                        let instance = series.event.with(overlay);
                        if self.rule(&instance) == MeetingRule::Skip {
                            Override::Cancelled
                        } else {
                            let was = was.map(|was| match was.overrides.get(key) {
                                Some(Override::Changed(overlay)) => was.event.with(overlay),
                                Some(Override::Cancelled) | None => was.event.clone(),
                            });
                            let shown = event.overlay(&self.event(&instance, was.as_ref()));
                            Override::Changed((!shown.is_empty()).then_some(shown)?)
                        }
                    }
                };
                Some((*key, over))
            })
            .collect();
        Cow::Owned(Series {
            uid: series.uid.clone(),
            event,
            recurrence: series.recurrence.clone(),
            overrides,
        })
    }

    fn event(&self, event: &Event, was: Option<&Event>) -> Event {
        if self.masks && event.sensitivity.is_private() {
            return masked(event, &self.outward().mask);
        }
        let mut shown = self.renamed(event);
        if self.outward().plain_notes {
            shown.notes = shown.notes.to_plain();
        }
        if self.rule(event) != MeetingRule::Show {
            shown.busy = Busy::Free;
        }
        if let Some(template) = &self.outward().subject {
            shown.subject = template.render(event);
        } else if let Some(template) = &self.settings.outward.get(self.from.other()).subject {
            let was = was.map(|was| self.renamed(was));
            let subject = template
                .subject_in(&event.subject, &shown)
                .or_else(|| template.subject_in(&event.subject, was.as_ref()?));
            if let Some(subject) = subject {
                shown.subject = subject.to_owned();
            }
        }
        shown
    }

    /// Whether the text on the other side's tiles is made of this field, among others.
    pub(super) fn makes_subject_of(&self, field: Field) -> bool {
        self.outward().subject.is_some()
            && matches!(field, Field::Subject | Field::Categories | Field::Customer | Field::Place)
    }

    fn renamed(&self, event: &Event) -> Event {
        let carry = |name: &String| self.settings.categories.carry(self.from, name).to_owned();
        let categories: Categories = event.categories.iter().map(carry).collect();
        Event { categories, ..event.clone() }
    }
}

/// Nothing but the time.
fn masked(event: &Event, mask: &Mask) -> Event {
    let Event {
        span,
        subject: _,
        place: _,
        notes: _,
        categories: _,
        busy,
        sensitivity,
        reminder,
        organizer: _,
        attendees: _,
        customer: _,
        meeting,
        attachments: _,
    } = event.clone();
    Event {
        span,
        subject: mask.0.clone(),
        place: String::new(),
        notes: Notes::default(),
        categories: Categories::new(),
        busy,
        sensitivity,
        reminder,
        organizer: Person::default(),
        attendees: Vec::new(),
        customer: String::new(),
        meeting,
        attachments: Attachments::default(),
    }
}

/// Whether anything in the series is private.
fn has_private(series: &Series) -> bool {
    series.event.sensitivity.is_private()
        || series.overrides.values().any(|over| match over {
            Override::Changed(overlay) => overlay.sensitivity.is_some_and(Sensitivity::is_private),
            Override::Cancelled => false,
        })
}

impl Settings {
    /// Whether something in the series may not be shown on the other side as it is.
    pub(super) fn hides(&self, from: Side, series: &Series) -> bool {
        self.outward.get(from).private != Private::Pass && has_private(series)
    }

    /// Whether `copy` is what the other side would be shown of `original`, where something in that is hidden.
    pub(super) fn is_mask_of(&self, from: Side, original: &Series, copy: &Series) -> bool {
        let mask = &self.outward.get(from).mask;
        self.hides(from, original)
            && original.event.sensitivity.is_private()
            && copy.event == masked(&copy.event, mask)
            && original.event != masked(&original.event, mask)
    }

    /// Whether a person would take the two for the same appointment: they are at the same time, and one is called as the
    /// other would be shown there.
    pub(super) fn are_alike(&self, a: &Series, b: &Series) -> bool {
        if a.time_hash() != b.time_hash() {
            return false;
        }
        let shown = |from: Side, series: &Series| -> String {
            View::new(self, from, None).show(series, None).event.subject.trim().to_owned()
        };
        let subject = |series: &Series| series.event.subject.trim().to_owned();
        subject(a) == subject(b)
            || shown(Side::A, a) == subject(b)
            || shown(Side::B, b) == subject(a)
            || self.is_mask_of(Side::A, a, b)
            || self.is_mask_of(Side::B, b, a)
    }

    /// Why a series of this side gets no counterpart.
    pub(super) fn out_of_scope(
        &self,
        from: Side,
        series: &Series,
        now: chrono::DateTime<chrono::Utc>,
    ) -> Option<Outside> {
        let outward = self.outward.get(from);
        let event = &series.event;
        if outward.meetings.rule(event.meeting) == MeetingRule::Skip {
            return Some(Outside::Meeting);
        }
        if outward.private == Private::Skip && event.sensitivity.is_private() {
            return Some(Outside::Private);
        }
        outward.filter.stops(event).or_else(|| self.window.stops(series, now))
    }

    /// Whether counterparts of appointments that leave the scope are deleted.
    pub(super) fn parts(&self) -> bool {
        let skips = |meetings: &Meetings| {
            [meetings.unanswered, meetings.tentative, meetings.declined, meetings.cancelled]
                .contains(&MeetingRule::Skip)
        };
        self.leaving == Leaving::Delete || self.outward.iter().any(|(_, outward)| skips(&outward.meetings))
    }

    /// Whether this side's subjects come from the other side's fields alone, so that a changed one has no way back.
    pub(super) fn dictates_subject_of(&self, side: Side) -> bool {
        self.outward.get(side.other()).subject.as_ref().is_some_and(|template| !template.holds_subject())
    }
}
