//! A series: a single appointment, or a recurring master with its overrides; and what changes in it.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Change, Event, Field, Notes, Overlay, OverlayPatch, Patch, RecurrenceId, notes};
use crate::ids::{ContentHash, Uid};
use crate::recur::Rule;

/// How a series repeats. Exceptions (`EXDATE`) are not here: they are [`Override::Cancelled`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recurrence {
    /// RFC 5545 `RRULE`.
    pub rule: Rule,
    /// RFC 5545 `RDATE`: additional starts.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub dates: BTreeSet<RecurrenceId>,
}

/// What is different about one instance of a series.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly all are the large variant, and a box would only add a pointer"
)]
pub enum Override {
    /// The instance does not take place (`EXDATE`, EWS `DeletedOccurrence`).
    Cancelled,
    /// The instance differs from the master in these fields.
    Changed(Overlay),
}

/// Everything that shares a UID.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Series {
    /// RFC 5545 `UID`.
    pub uid: Uid,
    /// The single appointment, or the master: its span is that of the first instance.
    pub event: Event,
    /// `None` for a single appointment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recurrence: Option<Recurrence>,
    /// What differs, by the start that the rule gave the instance. Empty for a single appointment.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", with = "by_recurrence_id")]
    pub overrides: BTreeMap<RecurrenceId, Override>,
}

impl Series {
    /// Whether the series has an instance of this name: its rule gives one then, or an additional date.
    pub fn has_instance(&self, id: &RecurrenceId) -> bool {
        let start = &self.event.span.start;
        self.recurrence.as_ref().is_some_and(|recurrence| {
            recurrence.dates.contains(id) || recurrence.rule.contains(start.local(), start.zone(), id.local())
        })
    }

    /// A single appointment.
    pub fn single(uid: Uid, event: Event) -> Series {
        Series { uid, event, recurrence: None, overrides: BTreeMap::new() }
    }

    /// What has to change in `self` to make it show what `to` shows. The UID is not part of it.
    #[must_use]
    pub fn diff(&self, to: &Series) -> SeriesPatch {
        let keys: BTreeSet<_> = self.overrides.keys().chain(to.overrides.keys()).collect();
        SeriesPatch {
            recurrence: (self.recurrence != to.recurrence)
                .then(|| Change { from: self.recurrence.clone(), to: to.recurrence.clone() }),
            master: self.event.diff(&to.event),
            overrides: keys
                .into_iter()
                .filter_map(|key| {
                    let patch = OverridePatch::between(self.overrides.get(key), to.overrides.get(key))?;
                    Some((*key, patch))
                })
                .collect(),
            mark: None,
        }
    }

    /// A digest of when it takes place: of two appointments that a person would take for the same it is the same. What
    /// they are called has to be compared besides, in the words of one side.
    pub fn time_hash(&self) -> ContentHash {
        let TimeSlot { start, end, all_day, repeats } = self.time_slot();
        let point = |(seconds, absolute): Point| format!("{seconds}{}", if absolute { "Z" } else { "" });
        ContentHash::of(&[
            &point(start),
            &point(end),
            if all_day { "day" } else { "time" },
            if repeats { "series" } else { "once" },
        ])
    }

    /// Whether both take place at the same time: the same as to compare their [`time_hash`](Series::time_hash), and far
    /// cheaper.
    pub fn is_at_the_time_of(&self, other: &Series) -> bool {
        self.time_slot() == other.time_slot()
    }

    fn time_slot(&self) -> TimeSlot {
        let point = |when: &super::When| match when.instant() {
            Some(instant) => (instant.timestamp(), true),
            None => (when.local().and_utc().timestamp(), false),
        };
        let span = &self.event.span;
        TimeSlot {
            start: point(&span.start),
            end: point(&span.end),
            all_day: span.is_all_day(),
            // Not the rule itself: each system writes the same rhythm in its own words.
            repeats: self.recurrence.is_some(),
        }
    }

    /// The same with nothing in these fields, neither in the master nor in an instance.
    #[must_use]
    pub fn without(&self, fields: &[Field]) -> Series {
        let mut rest = self.clone();
        let blank = Event::new("", self.event.span.clone());
        self.event.diff(&blank).only(|field| fields.contains(&field)).apply(&mut rest.event);
        for over in rest.overrides.values_mut() {
            if let Override::Changed(overlay) = over {
                let said = overlay.diff(&Overlay::default());
                said.only(|field| fields.contains(&field)).apply(overlay);
            }
        }
        rest
    }

    /// A digest of everything in it.
    pub fn content_hash(&self) -> ContentHash {
        // The model holds no map with keys that JSON refuses and no float, so serialising cannot fail; if it did, an
        // empty hash equals no other content and only costs a comparison.
        ContentHash::of(&[&serde_json::to_string(self).unwrap_or_default()])
    }
}

/// Seconds since 1970, of an instant or of a wall clock.
type Point = (i64, bool);

/// When a series takes place, as far as two that a person would take for the same have it in common.
#[derive(PartialEq)]
struct TimeSlot {
    start: Point,
    end: Point,
    all_day: bool,
    repeats: bool,
}

/// What changes in one instance of a series.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly all are the large variant, and a box would only add a pointer"
)]
pub enum OverridePatch {
    /// The instance no longer takes place.
    Cancel,
    /// The instance takes place again, as the overlay says (empty: as the rule says).
    Restore(Overlay),
    /// Fields of the instance change.
    Change(OverlayPatch),
}

impl OverridePatch {
    fn between(from: Option<&Override>, to: Option<&Override>) -> Option<OverridePatch> {
        let empty = Overlay::default();
        match (from, to) {
            (Some(Override::Cancelled), Some(Override::Cancelled)) => None,
            (None | Some(Override::Changed(_)), Some(Override::Cancelled)) => Some(OverridePatch::Cancel),
            (Some(Override::Cancelled), None) => Some(OverridePatch::Restore(empty)),
            (Some(Override::Cancelled), Some(Override::Changed(overlay))) => {
                Some(OverridePatch::Restore(overlay.clone()))
            }
            (None | Some(Override::Changed(_)), None | Some(Override::Changed(_))) => {
                let overlay = |side: Option<&Override>| match side {
                    Some(Override::Changed(overlay)) => overlay.clone(),
                    _ => Overlay::default(),
                };
                let patch = overlay(from).diff(&overlay(to));
                (!patch.is_empty()).then_some(OverridePatch::Change(patch))
            }
        }
    }

    /// The same for an instance that shows `shown`, which may come from its master: plain text is merged into HTML.
    fn with_notes_upon(&self, shown: &Notes) -> OverridePatch {
        let mut patch = self.clone();
        match &mut patch {
            OverridePatch::Cancel => {}
            OverridePatch::Restore(overlay) => {
                overlay.notes = overlay.notes.take().map(|notes| shown.rewritten_if_html(&notes));
            }
            OverridePatch::Change(fields) => {
                if let Some(Change { to: Some(to), .. }) = &mut fields.notes {
                    *to = shown.rewritten_if_html(to);
                }
            }
        }
        patch
    }

    fn apply(&self, current: Option<&Override>) -> Option<Override> {
        match self {
            OverridePatch::Cancel => Some(Override::Cancelled),
            OverridePatch::Restore(overlay) => changed(overlay.clone()),
            OverridePatch::Change(patch) => {
                let mut overlay = match current {
                    Some(Override::Changed(overlay)) => overlay.clone(),
                    None | Some(Override::Cancelled) => Overlay::default(),
                };
                patch.apply(&mut overlay);
                changed(overlay)
            }
        }
    }
}

fn changed(overlay: Overlay) -> Option<Override> {
    (!overlay.is_empty()).then_some(Override::Changed(overlay))
}

/// A remark on an appointment that may not be changed from the other side: what was done to its counterpart there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// What happened.
    pub kind: MarkKind,
    /// For people: where it was moved to, or which instance it was. Numbers only, so that it needs no language.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// What a [`Mark`] says was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MarkKind {
    /// The appointment, or an instance of it, was deleted.
    Deleted,
    /// It was moved.
    Moved,
}

/// What changes in a series, field by field and instance by instance.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeriesPatch {
    /// How it repeats; a change from or to `None` turns a series into a single appointment and back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recurrence: Option<Change<Option<Recurrence>>>,
    /// The single appointment or the master.
    #[serde(default, skip_serializing_if = "Patch::is_empty")]
    pub master: Patch,
    /// Instances, by the start that the rule gave them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", with = "by_recurrence_id")]
    pub overrides: BTreeMap<RecurrenceId, OverridePatch>,
    /// A remark that is left on the appointment; nothing of its content, and never read back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<Mark>,
}

impl SeriesPatch {
    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.recurrence.is_none()
            && self.master.is_empty()
            && self.overrides.is_empty()
            && self.mark.is_none()
    }

    /// Carries the changes out upon `series`; what they do not name stays.
    #[must_use]
    pub fn apply(&self, series: &Series) -> Series {
        let mut out = series.clone();
        self.master.apply(&mut out.event);
        if let Some(change) = &self.recurrence {
            out.recurrence.clone_from(&change.to);
        }
        for (key, patch) in &self.overrides {
            match patch.apply(out.overrides.get(key)) {
                Some(value) => out.overrides.insert(*key, value),
                None => out.overrides.remove(key),
            };
        }
        if out.recurrence.is_none() {
            out.overrides.clear();
        }
        out
    }

    /// Without what `series` shows already.
    #[must_use]
    pub fn pending(&self, series: &Series) -> SeriesPatch {
        SeriesPatch {
            recurrence: self.recurrence.as_ref().filter(|change| change.to != series.recurrence).cloned(),
            master: self.master.pending(&series.event),
            overrides: self
                .overrides
                .iter()
                .filter_map(|(key, patch)| {
                    let current = series.overrides.get(key);
                    let patch = &patch.with_notes_upon(&self.notes_upon(series, current));
                    let patch = match (patch, current) {
                        (OverridePatch::Change(patch), Some(Override::Changed(overlay))) => {
                            let patch = patch.pending(overlay);
                            (!patch.is_empty()).then_some(OverridePatch::Change(patch))
                        }
                        _ => (patch.apply(current).as_ref() != current).then(|| patch.clone()),
                    };
                    Some((*key, patch?))
                })
                .collect(),
            mark: self.mark.clone(),
        }
    }

    /// The notes that an instance of `series` shows, once the master is changed.
    fn notes_upon<'s>(&self, series: &'s Series, current: Option<&'s Override>) -> Cow<'s, Notes> {
        match (current, &self.master.notes) {
            (Some(Override::Changed(Overlay { notes: Some(own), .. })), _) => Cow::Borrowed(own),
            (_, Some(change)) => Cow::Owned(notes::carry(&change.from, &change.to, &series.event.notes)),
            (_, None) => Cow::Borrowed(&series.event.notes),
        }
    }

    /// What changes, in words for plans: `master.subject`, `recurrence`, `instance 2026-11-24T08:00:00 span`.
    pub fn paths(&self) -> Vec<String> {
        let mut paths = Vec::new();
        if self.recurrence.is_some() {
            paths.push("recurrence".to_owned());
        }
        paths.extend(self.master.fields().into_iter().map(|field| format!("master.{field}")));
        paths.extend(self.mark.as_ref().map(|mark| match mark.kind {
            MarkKind::Deleted => "mark deleted".to_owned(),
            MarkKind::Moved => "mark moved".to_owned(),
        }));
        for (key, patch) in &self.overrides {
            let key = key.to_text();
            match patch {
                OverridePatch::Cancel => paths.push(format!("instance {key} cancelled")),
                OverridePatch::Restore(_) => paths.push(format!("instance {key} restored")),
                OverridePatch::Change(patch) => {
                    paths.extend(patch.fields().into_iter().map(|field| format!("instance {key} {field}")));
                }
            }
        }
        paths
    }

    /// Only the fields that `keep` wants. Recurrence and cancellations count as [`Field::Span`]: they say when.
    #[must_use]
    pub fn only(&self, keep: impl Fn(Field) -> bool) -> SeriesPatch {
        SeriesPatch {
            recurrence: self.recurrence.clone().filter(|_| keep(Field::Span)),
            master: self.master.only(&keep),
            overrides: self
                .overrides
                .iter()
                .filter_map(|(key, patch)| {
                    let patch = match patch {
                        OverridePatch::Cancel | OverridePatch::Restore(_) => {
                            keep(Field::Span).then(|| patch.clone())
                        }
                        OverridePatch::Change(patch) => {
                            let patch = patch.only(&keep);
                            (!patch.is_empty()).then_some(OverridePatch::Change(patch))
                        }
                    };
                    Some((*key, patch?))
                })
                .collect(),
            mark: self.mark.clone(),
        }
    }
}

/// JSON keys are text, so maps by [`RecurrenceId`] use its text form.
mod by_recurrence_id {
    use std::collections::BTreeMap;

    use serde::de::{Error as _, Unexpected};
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::RecurrenceId;

    pub(super) fn serialize<V: Serialize, S: Serializer>(
        map: &BTreeMap<RecurrenceId, V>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_map(map.iter().map(|(key, value)| (key.to_text(), value)))
    }

    pub(super) fn deserialize<'de, V: Deserialize<'de>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeMap<RecurrenceId, V>, D::Error> {
        BTreeMap::<String, V>::deserialize(deserializer)?
            .into_iter()
            .map(|(key, value)| {
                let id = RecurrenceId::from_text(&key).ok_or_else(|| {
                    D::Error::invalid_value(Unexpected::Str(&key), &"a date or a local date and time")
                })?;
                Ok((id, value))
            })
            .collect()
    }
}
