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
use crate::defects::{Defect, planted};
use crate::ids::Side;
use crate::model::{
    Attachments, Busy, Categories, Event, Field, Meeting, Notes, Overlay, Override, Person, Sensitivity,
    Series,
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
    /// A name of one side as the other side calls it, or the several names that it has there already (`there`) for it.
    fn carry_upon<'n>(&'n self, from: Side, name: &'n str, there: Option<&'n Categories>) -> Vec<&'n str> {
        let means_it = |theirs: &&str| self.carry(from.other(), theirs) == name;
        let known: Vec<&str> = there.into_iter().flatten().map(String::as_str).filter(means_it).collect();
        if known.is_empty() { vec![self.carry(from, name)] } else { known }
    }

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

/// What was said when both sides were in step, in each side's own words.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Past<'a> {
    /// By the side that is shown.
    pub(super) was: Option<&'a Series>,
    /// By the side that it is shown to: what texts on the shown side were made of.
    pub(super) theirs: Option<&'a Series>,
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

    /// The series as the other side is to show it. `past` is what both said when they were in step: a text that was made
    /// of that is recognised.
    pub(super) fn show<'s>(&self, series: &'s Series, past: Past<'_>) -> Cow<'s, Series> {
        if self.is_plain(series) {
            return Cow::Borrowed(series);
        }
        let was_master = past.was.map(|was| &was.event);
        let event = self.event(&series.event, was_master, past.theirs.map(|theirs| &theirs.event));
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
                            let at = |series: &Series| match series.overrides.get(key) {
                                Some(Override::Changed(overlay)) => series.event.with(overlay),
                                Some(Override::Cancelled) | None => series.event.clone(),
                            };
                            let (was, theirs) = (past.was.map(at), past.theirs.map(at));
                            let shown = if planted(Defect::MaskMissesInstances) {
                                instance
                            } else {
                                self.event(&instance, was.as_ref(), theirs.as_ref())
                            };
                            let shown = event.overlay(&shown);
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

    fn event(&self, event: &Event, was: Option<&Event>, theirs: Option<&Event>) -> Event {
        if self.masks && event.sensitivity.is_private() {
            return masked(event, &self.outward().mask);
        }
        let mut shown = self.renamed(event, theirs);
        if self.outward().plain_notes {
            shown.notes = shown.notes.to_plain();
        }
        if self.rule(event) != MeetingRule::Show {
            shown.busy = Busy::Free;
        }
        if let Some(template) = &self.settings.outward.get(self.from.other()).subject {
            // The text was made of what the other side says, which may be more or less than this side can say. A template
            // finds a subject in any text when its fields are blank, so the one that explains most of the text is right.
            let was = was.map(|was| self.renamed(was, theirs));
            let found = |made_of: &Event| template.subject_in(&event.subject, made_of);
            let best = [was.as_ref(), Some(&shown)].into_iter().flatten().filter_map(found);
            let best = theirs.and_then(found).filter(|subject| subject.is_empty()).or_else(|| {
                best.chain(theirs.and_then(found)).min_by_key(|subject| (subject.is_empty(), subject.len()))
            });
            if let Some(subject) = best {
                shown.subject = subject.to_owned();
            }
        }
        if let Some(template) = &self.outward().subject {
            shown.subject = template.render_with(event, &shown.subject);
        }
        shown
    }

    /// Whether the text on the other side's tiles is made of this field, among others.
    pub(super) fn makes_subject_of(&self, field: Field) -> bool {
        self.outward().subject.is_some()
            && matches!(field, Field::Subject | Field::Categories | Field::Customer | Field::Place)
    }

    fn renamed(&self, event: &Event, theirs: Option<&Event>) -> Event {
        let there = theirs.map(|theirs| &theirs.categories);
        let names = event
            .categories
            .iter()
            .flat_map(|name| self.settings.categories.carry_upon(self.from, name, there))
            .map(str::to_owned);
        Event { categories: names.collect(), ..event.clone() }
    }
}

/// Whether anything in the series is a meeting that rules are about.
pub(super) fn has_ruled_meeting(series: &Series) -> bool {
    let ruled = |meeting: Meeting| match meeting {
        Meeting::None | Meeting::Organised | Meeting::Accepted => false,
        Meeting::Unanswered | Meeting::Tentative | Meeting::Declined | Meeting::Cancelled => true,
    };
    ruled(series.event.meeting)
        || series.overrides.values().any(|over| match over {
            Override::Changed(overlay) => overlay.meeting.is_some_and(ruled),
            Override::Cancelled => false,
        })
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
pub(super) fn has_private(series: &Series) -> bool {
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

    /// Whether nothing of what is private in `original` is to be read in `copy`, but for fields that are not `written`.
    pub(super) fn shows_masked(
        &self,
        from: Side,
        original: &Series,
        copy: &Series,
        written: impl Fn(Field) -> bool,
    ) -> bool {
        let mask = &self.outward.get(from).mask;
        let hidden = |event: &Event| event.diff(&masked(event, mask)).only(&written).is_empty();
        if original.event.sensitivity.is_private() && !hidden(&copy.event) {
            return false;
        }
        original.overrides.iter().all(|(key, over)| match (over, copy.overrides.get(key)) {
            (Override::Changed(overlay), Some(Override::Changed(theirs))) => {
                !original.event.with(overlay).sensitivity.is_private() || hidden(&copy.event.with(theirs))
            }
            (Override::Changed(_) | Override::Cancelled, _) => true,
        })
    }

    /// Whether `copy` is what the other side would be shown of `original`, where something in that is hidden.
    pub(super) fn is_mask_of(&self, from: Side, original: &Series, copy: &Series) -> bool {
        let mask = &self.outward.get(from).mask;
        self.hides(from, original)
            && original.event.sensitivity.is_private()
            && copy.event == masked(&copy.event, mask)
            && original.event != masked(&original.event, mask)
    }

    /// Whether `copy` looks like the masked copy of an appointment of `from`, whatever that is called.
    pub(super) fn looks_masked(&self, from: Side, copy: &Series) -> bool {
        let outward = self.outward.get(from);
        outward.private == Private::Mask
            && copy.event.sensitivity.is_private()
            && copy.event == masked(&copy.event, &outward.mask)
    }

    /// Whether a person would take the two for the same appointment: they are at the same time, and one is called as the
    /// other would be shown there.
    pub(super) fn are_alike(&self, a: &Series, b: &Series) -> bool {
        if !a.is_at_the_time_of(b) {
            return false;
        }
        let shown = |from: Side, series: &Series, theirs: &Series| -> String {
            let past = Past { was: None, theirs: Some(theirs) };
            View::new(self, from, None).show(series, past).event.subject.trim().to_owned()
        };
        let subject = |series: &Series| series.event.subject.trim().to_owned();
        subject(a) == subject(b)
            || shown(Side::A, a, b) == subject(b)
            || shown(Side::B, b, a) == subject(a)
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
        if outward.private == Private::Skip
            && event.sensitivity.is_private()
            && !planted(Defect::PrivateCarried)
        {
            return Some(Outside::Private);
        }
        let filter = outward.filter.stops(event).filter(|_| !planted(Defect::FilterIgnored));
        filter.or_else(|| self.window.stops(series, now).filter(|_| !planted(Defect::WindowIgnored)))
    }

    /// What becomes of the counterpart of an appointment that left the scope for that reason.
    pub(super) fn leaving_for(&self, why: Outside) -> Leaving {
        if why == Outside::Meeting { Leaving::Delete } else { self.leaving }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Overlay, SeriesPatch};
    use crate::sync::examples::{at_place, daily, hides, masked, once, place, private, with};

    #[test]
    fn what_looks_like_a_mask_is_private_and_says_nothing() {
        let looks = |rule: Private, copy: &Series| hides(rule).looks_masked(Side::A, copy);
        let copy = masked(private(at_place(&once(), "Praxis")));
        assert!(looks(Private::Mask, &copy));
        assert!(!looks(Private::Pass, &copy), "nothing is masked");
        assert!(!looks(Private::Mask, &masked(once())), "somebody called it that");
        assert!(!looks(Private::Mask, &at_place(&copy, "Praxis")));
    }

    #[test]
    fn a_copy_shows_a_mask_where_its_original_is_private_and_nowhere_else() {
        let settings = Settings::default();
        let shows =
            |original: &Series, copy: &Series| settings.shows_masked(Side::A, original, copy, |_| true);
        let original = private(at_place(&once(), "Praxis"));
        assert!(shows(&original, &masked(original.clone())));
        assert!(!shows(&original, &original));
        assert!(!shows(&original, &at_place(&masked(original.clone()), "Praxis")));
        let place_is_not_written = |field| field != Field::Place;
        let with_place = at_place(&masked(original.clone()), "Praxis");
        assert!(settings.shows_masked(Side::A, &original, &with_place, place_is_not_written));
        assert!(shows(&at_place(&once(), "Ulm"), &at_place(&once(), "Ulm")), "there is nothing to hide");

        // A private instance of a public series.
        let overlay = |place: &str, sensitivity: Sensitivity| {
            let (place, sensitivity) = (Some(place.to_owned()), Some(sensitivity));
            Override::Changed(Overlay { place, sensitivity, ..Overlay::default() })
        };
        let series = at_place(&daily(5), "Ulm");
        let original = with(&series, 2, overlay("Praxis", Sensitivity::Private));
        let hidden = original.event.overlay(&masked(original.clone()).event);
        assert!(shows(&original, &with(&series, 2, Override::Changed(hidden))));
        assert!(!shows(&original, &with(&series, 2, place("Praxis"))));
        assert!(shows(&original, &with(&series, 2, Override::Cancelled)));
        assert!(shows(&with(&series, 2, place("Kiel")), &with(&series, 2, place("Kiel"))), "a public one");
        let public = with(&private(series.clone()), 2, overlay("Kiel", Sensitivity::Normal));
        let theirs = with(&masked(public.clone()), 2, overlay("Kiel", Sensitivity::Normal));
        assert!(shows(&public, &theirs), "a public instance of a private series");
        assert!(!shows(&public, &with(&public, 2, Override::Cancelled)), "the series is hidden all the same");
    }

    #[test]
    fn what_is_shown_as_it_is_is_not_copied() {
        let settings = Settings::default();
        let view = View::new(&settings, Side::A, None);
        let past = || Past { was: None, theirs: None };
        assert!(matches!(view.show(&once(), past()), Cow::Borrowed(_)));
        let hides = View::new(&settings, Side::A, Some(Side::A));
        let original = private(at_place(&once(), "Praxis"));
        assert_eq!(*hides.show(&original, past()), masked(original.clone()));
        assert_ne!(original.diff(&hides.show(&original, past())), SeriesPatch::default());
    }
}
