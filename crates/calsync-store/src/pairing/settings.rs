//! How a pairing is kept in step, as far as it differs from the installation's defaults.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use calsync_core::ids::PerSide;
use calsync_core::ids::Side;
use calsync_core::model::Field;
use calsync_core::sync::{
    self, AttachmentPolicy, ChangeGuard, ConflictPolicy, DeletionGuard, Leaving, ReadOnlyEdit, Settings,
    Window,
};
use serde::{Deserialize, Serialize};

use super::outward::OutwardSettings;
use super::words::words;

words! {
    /// Which way changes go.
    Direction {
        /// Both ways.
        Both = "both",
        /// From NVS to Exchange only.
        ToExchange = "to_exchange",
        /// From Exchange to NVS only.
        ToNvs = "to_nvs",
    }
    /// What happens when both sides changed the same field differently.
    Conflict {
        /// The later change stands; NVS where the clocks are too close to tell.
        Newer = "newer",
        /// NVS stands.
        Nvs = "nvs",
        /// Exchange stands.
        Exchange = "exchange",
        /// A person decides.
        Hold = "hold",
    }
    /// What becomes of series whose rule Exchange does not have.
    UnfitRules {
        /// They are written as several series; what cannot be split is expanded.
        Split = "split",
        /// Their instances are written as single appointments, as far as a horizon.
        Expand = "expand",
        /// They are not written, and the plan says why.
        Report = "report",
    }
    /// Whether Exchange mails attendees.
    Invitations {
        /// Never, and attendees are not written there at all.
        Never = "never",
        /// Of new meetings, of meetings that go, and where time, place, recurrence or attendees change.
        Changes = "changes",
    }
    /// Which side wins where a first sync finds two versions of one appointment.
    Lead {
        /// NVS.
        Nvs = "nvs",
        /// Exchange.
        Exchange = "exchange",
    }
}

/// The settings of a pairing. What is `None` is as the defaults say, see [`over`](Self::over).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PairingSettings {
    /// Which way changes go.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub direction: Option<Direction>,
    /// What happens when both sides changed the same field.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conflict: Option<Conflict>,
    /// The same for single fields; fields that are not named go by `conflict`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub conflict_by_field: BTreeMap<Field, Conflict>,
    /// What happens to an edit that `direction` does not carry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_only_edit: Option<ReadOnlyEdit>,
    /// Whether a deletion wins over an edit made at the same time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deletion_wins: Option<bool>,
    /// So many deletions in one round never wait for a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guard_count: Option<u64>,
    /// More than these percent of the linked appointments do, if there are more than `guard_count`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guard_percent: Option<u64>,
    /// Which changes of many appointments at once wait for a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change_guard: Option<ChangeGuard>,
    /// NVS types whose appointments Exchange may neither delete nor move; NVS shows a mark instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protected_types: Option<BTreeSet<String>>,
    /// Which side wins in a first sync where changes go both ways.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lead: Option<Lead>,
    /// How long after a round the next one begins, if nothing happens before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval_seconds: Option<u32>,
    /// Appointments that ended more days ago get no counterpart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub past_days: Option<Days>,
    /// Appointments that begin in more days get none yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub future_days: Option<Days>,
    /// What becomes of the counterpart of an appointment that left filter or window.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leaving: Option<Leaving>,
    /// Names of NVS types with those of Exchange categories.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub type_names: Option<BTreeMap<String, String>>,
    /// Whether files are carried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attachments: Option<AttachmentPolicy>,
    /// What becomes of series whose rule Exchange does not have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unfit_rules: Option<UnfitRules>,
    /// Whether Exchange mails attendees.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invitations: Option<Invitations>,
    /// Colours of Exchange categories, by the name of the category; names of colours are Exchange's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category_colours: Option<BTreeMap<String, String>>,
    /// What may go from NVS to Exchange, and how it is shown there.
    #[serde(skip_serializing_if = "OutwardSettings::is_default")]
    pub to_exchange: OutwardSettings,
    /// What may go from Exchange to NVS, and how it is shown there.
    #[serde(skip_serializing_if = "OutwardSettings::is_default")]
    pub to_nvs: OutwardSettings,
}

/// How far the window reaches into one direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Days {
    /// Without an end.
    All,
    /// So many days.
    Within(u32),
}

impl Days {
    fn engine(self) -> Option<u32> {
        match self {
            Days::All => None,
            Days::Within(days) => Some(days),
        }
    }
}

impl PairingSettings {
    /// These settings, and those of `defaults` where nothing is set. Fields named in `conflict_by_field` by either
    /// are kept; where both name one, these settings stand. A `conflict` that is set here leaves no default by field.
    #[must_use]
    pub fn over(&self, defaults: &PairingSettings) -> PairingSettings {
        let mut conflict_by_field =
            if self.conflict.is_some() { BTreeMap::new() } else { defaults.conflict_by_field.clone() };
        conflict_by_field.extend(self.conflict_by_field.clone());
        PairingSettings {
            direction: self.direction.or(defaults.direction),
            conflict: self.conflict.or(defaults.conflict),
            conflict_by_field,
            read_only_edit: self.read_only_edit.or(defaults.read_only_edit),
            deletion_wins: self.deletion_wins.or(defaults.deletion_wins),
            guard_count: self.guard_count.or(defaults.guard_count),
            guard_percent: self.guard_percent.or(defaults.guard_percent),
            change_guard: self.change_guard.or(defaults.change_guard),
            protected_types: self.protected_types.clone().or_else(|| defaults.protected_types.clone()),
            lead: self.lead.or(defaults.lead),
            interval_seconds: self.interval_seconds.or(defaults.interval_seconds),
            past_days: self.past_days.or(defaults.past_days),
            future_days: self.future_days.or(defaults.future_days),
            leaving: self.leaving.or(defaults.leaving),
            type_names: self.type_names.clone().or_else(|| defaults.type_names.clone()),
            attachments: self.attachments.or(defaults.attachments),
            unfit_rules: self.unfit_rules.or(defaults.unfit_rules),
            invitations: self.invitations.or(defaults.invitations),
            category_colours: self.category_colours.clone().or_else(|| defaults.category_colours.clone()),
            to_exchange: self.to_exchange.over(&defaults.to_exchange),
            to_nvs: self.to_nvs.over(&defaults.to_nvs),
        }
    }

    /// What the engine reads of them; what is not set is as the engine's own defaults say.
    pub fn engine(&self) -> Settings {
        let defaults = Settings::default();
        let guard = DeletionGuard {
            count: self.guard_count.unwrap_or(defaults.guard.count),
            percent: self.guard_percent.unwrap_or(defaults.guard.percent),
        };
        Settings {
            direction: self.direction.map_or(defaults.direction, Direction::engine),
            conflict: self.conflict.map_or(defaults.conflict, Conflict::engine),
            conflict_by_field: self
                .conflict_by_field
                .iter()
                .map(|(field, conflict)| (*field, conflict.engine()))
                .collect(),
            read_only_edit: self.read_only_edit.unwrap_or(defaults.read_only_edit),
            deletion_wins: self.deletion_wins.unwrap_or(defaults.deletion_wins),
            guard,
            change_guard: self.change_guard.unwrap_or(defaults.change_guard),
            protected: self.protected_types.clone().unwrap_or(defaults.protected),
            lead: self.lead.map_or(defaults.lead, Lead::side),
            outward: PerSide { a: self.to_exchange.engine(), b: self.to_nvs.engine() },
            window: Window {
                past_days: self.past_days.map_or(defaults.window.past_days, Days::engine),
                future_days: self.future_days.map_or(defaults.window.future_days, Days::engine),
            },
            leaving: self.leaving.unwrap_or(defaults.leaving),
            categories: self.type_names.clone().map_or(defaults.categories, Into::into),
            attachments: self.attachments.unwrap_or(defaults.attachments),
            clock_uncertainty: defaults.clock_uncertainty,
            installation: defaults.installation,
        }
    }

    /// How long after a round the next one begins; `None` where that is not set.
    pub fn interval(&self) -> Option<Duration> {
        self.interval_seconds.map(|seconds| Duration::from_secs(seconds.into()))
    }
}

impl Direction {
    fn engine(self) -> sync::Direction {
        match self {
            Direction::Both => sync::Direction::Both,
            Direction::ToExchange => sync::Direction::AToB,
            Direction::ToNvs => sync::Direction::BToA,
        }
    }
}

impl Conflict {
    fn engine(self) -> ConflictPolicy {
        match self {
            Conflict::Newer => ConflictPolicy::Newer,
            Conflict::Nvs => ConflictPolicy::Prefer(Side::A),
            Conflict::Exchange => ConflictPolicy::Prefer(Side::B),
            Conflict::Hold => ConflictPolicy::Hold,
        }
    }
}

impl Lead {
    /// The engine's name of this side.
    pub fn side(self) -> Side {
        match self {
            Lead::Nvs => Side::A,
            Lead::Exchange => Side::B,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_set_is_what_the_engine_does_by_itself() {
        assert_eq!(PairingSettings::default().engine(), Settings::default());
    }

    #[test]
    fn nvs_is_side_a_and_exchange_is_side_b() {
        let settings = PairingSettings {
            direction: Some(Direction::ToExchange),
            conflict: Some(Conflict::Nvs),
            conflict_by_field: BTreeMap::from([(Field::Place, Conflict::Exchange)]),
            lead: Some(Lead::Exchange),
            ..PairingSettings::default()
        };
        let engine = settings.engine();
        assert!(engine.direction.writes(Side::B) && !engine.direction.writes(Side::A));
        assert_eq!(engine.conflict, ConflictPolicy::Prefer(Side::A));
        assert_eq!(engine.conflict_policy(Field::Place), ConflictPolicy::Prefer(Side::B));
        assert_eq!(engine.lead, Side::B);
    }

    #[test]
    fn what_is_said_about_scope_names_and_files_reaches_the_engine() {
        let settings = PairingSettings {
            past_days: Some(Days::Within(30)),
            future_days: Some(Days::Within(365)),
            leaving: Some(Leaving::Delete),
            type_names: Some(BTreeMap::from([("Einsatz".to_owned(), "Job".to_owned())])),
            attachments: Some(AttachmentPolicy::Skip),
            change_guard: Some(ChangeGuard::Any),
            protected_types: Some(BTreeSet::from(["Urlaub".to_owned()])),
            unfit_rules: Some(UnfitRules::Report),
            invitations: Some(Invitations::Changes),
            category_colours: Some(BTreeMap::from([("Job".to_owned(), "red".to_owned())])),
            to_exchange: OutwardSettings { plain_notes: Some(true), ..OutwardSettings::default() },
            ..PairingSettings::default()
        };
        let engine = settings.engine();
        assert_eq!(engine.window, Window { past_days: Some(30), future_days: Some(365) });
        assert_eq!(engine.leaving, Leaving::Delete);
        assert_eq!(BTreeMap::from(engine.categories), settings.type_names.clone().unwrap());
        assert_eq!(engine.attachments, AttachmentPolicy::Skip);
        assert_eq!(engine.change_guard, ChangeGuard::Any);
        assert!(engine.protected.contains("Urlaub"));
        assert!(engine.outward.a.plain_notes && !engine.outward.b.plain_notes, "NVS is side A");
        assert_eq!(PairingSettings::default().over(&settings), settings);
        let all = PairingSettings { past_days: Some(Days::All), ..PairingSettings::default() };
        assert_eq!(all.over(&settings).engine().window.past_days, None, "a default can be taken back");
    }

    #[test]
    fn a_pairing_overrides_the_defaults_setting_by_setting() {
        let defaults = PairingSettings {
            conflict: Some(Conflict::Hold),
            conflict_by_field: BTreeMap::from([(Field::Notes, Conflict::Nvs)]),
            guard_count: Some(9),
            interval_seconds: Some(60),
            ..PairingSettings::default()
        };
        let own = PairingSettings {
            conflict_by_field: BTreeMap::from([(Field::Place, Conflict::Exchange)]),
            guard_count: Some(2),
            ..PairingSettings::default()
        };
        let both = own.over(&defaults);
        assert_eq!(both.conflict, Some(Conflict::Hold));
        assert_eq!(both.guard_count, Some(2));
        assert_eq!(both.interval(), Some(Duration::from_mins(1)));
        assert_eq!(both.conflict_by_field.len(), 2);

        let strict = PairingSettings { conflict: Some(Conflict::Newer), ..PairingSettings::default() };
        assert!(
            strict.over(&defaults).conflict_by_field.is_empty(),
            "a default by field outlived its default"
        );
    }

    #[test]
    fn words_are_the_same_in_commands_and_in_json() {
        for direction in Direction::ALL {
            assert_eq!(direction.as_str().parse(), Ok(*direction));
            assert_eq!(serde_json::to_string(direction).unwrap(), format!("\"{direction}\""));
        }
        let error = "sideways".parse::<Direction>().unwrap_err();
        assert_eq!(error.to_string(), "\"sideways\" is not known here: use one of both, to_exchange, to_nvs");
    }
}
