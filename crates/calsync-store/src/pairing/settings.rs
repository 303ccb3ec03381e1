//! How a pairing is kept in step, as far as it differs from the installation's defaults.

use std::collections::BTreeMap;
use std::time::Duration;

use calsync_core::ids::Side;
use calsync_core::model::Field;
use calsync_core::sync::{self, ConflictPolicy, DeletionGuard, ReadOnlyEdit, Settings};
use serde::{Deserialize, Serialize};

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
    /// Which side wins in a first sync.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lead: Option<Lead>,
    /// How long after a round the next one begins, if nothing happens before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval_seconds: Option<u32>,
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
            lead: self.lead.or(defaults.lead),
            interval_seconds: self.interval_seconds.or(defaults.interval_seconds),
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
            lead: self.lead.map_or(defaults.lead, Lead::side),
            outward: defaults.outward,
            window: defaults.window,
            leaving: defaults.leaving,
            categories: defaults.categories,
            attachments: defaults.attachments,
            clock_uncertainty: defaults.clock_uncertainty,
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
