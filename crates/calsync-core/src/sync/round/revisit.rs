//! Decides anew where nothing changed but the rules: the settings of the pairing, or the window as time goes by.
//!
//! Items that were left alone may be wanted now, and counterparts may have to go or to look different. Only links about
//! which there is something to decide are brought up again; they count as seen once more, as they were.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use super::{LINKS, Stop, Work};
use crate::defects::{Defect, planted};
use crate::ids::{PerSide, Side};
use crate::link::{Direction, Half, Link, Observation};
use crate::store::Commit;
use crate::sync::decide::decide;
use crate::sync::parting::is_out_of_scope;
use crate::sync::plan::Action;
use crate::sync::scope::{Leaving, Window};
use crate::sync::settings::Settings;
use crate::sync::view::{CategoryNames, Outward};

impl Work {
    /// Looks at every link, if the rules are others than last time.
    pub(super) async fn revisit(&mut self) -> Result<(), Stop> {
        let rules = Ruled::of(&self.input.settings, self.input.now).to_text();
        if self.head.rules.as_ref() == Some(&rules) || planted(Defect::RulesNotRevisited) {
            return Ok(());
        }
        let before = self.head.rules.as_ref().and_then(|text| serde_json::from_str::<Ruled>(text).ok());
        self.before = before.map(|before| Box::new(before.over(&self.input.settings)));
        if self.head.rules.is_some() {
            for side in Side::BOTH {
                let mut after = None;
                loop {
                    let links = self.port.unlisted_links(side, u32::MAX, after, LINKS).await?;
                    let Some(last) = links.last() else { break };
                    after = Some(last.id);
                    let put: Vec<Link> =
                        links.into_iter().filter_map(|link| self.brought_up(link, side)).collect();
                    if !put.is_empty() {
                        self.commit(Commit { put, ..Commit::default() }).await?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Everything is as the rules of this round say. Not before that is so: a round that ends early leaves it to the next
    /// one, which then still knows how it was.
    pub(super) async fn adopt_rules(&mut self) -> Result<(), Stop> {
        let rules = Ruled::of(&self.input.settings, self.input.now).to_text();
        if self.head.rules.as_ref() == Some(&rules) {
            return Ok(());
        }
        self.commit(Commit { rules: Some(rules), ..Commit::default() }).await
    }

    /// The link as if it had just been seen, if there is something to decide about it.
    fn brought_up(&self, link: Link, side: Side) -> Option<Link> {
        if link.is_dirty() {
            return None;
        }
        let mut seen = link;
        if seen.memory.stays && !is_out_of_scope(&seen, &self.context(PerSide::default(), None, None)) {
            seen.memory.stays = false;
            return Some(seen);
        }
        match seen.lone_side() {
            // As if it had never been in step with anything.
            Some(lone) if lone == side && !seen.memory.left_alone => {
                let half = seen.halves.get_mut(side).as_mut()?;
                see_again(half);
                half.shadow = None;
            }
            // Links with two sides come up twice; once is enough.
            None if side == Side::A => Side::BOTH.into_iter().for_each(|side| {
                if let Some(half) = seen.halves.get_mut(side).as_mut() {
                    see_again(half);
                }
            }),
            Some(_) | None => return None,
        }
        let plan = decide(&seen, &self.context(PerSide::default(), None, None));
        plan.steps.iter().any(|step| step.action != Action::Leave).then_some(seen)
    }
}

/// As if it had been read just now, where it is as it was when both sides were in step.
fn see_again(half: &mut Half) {
    half.seen = half.sighted_anew().map(|sighting| Observation::Present(Box::new(sighting)));
}

/// What decides about scope and looks. A window moves every day.
#[derive(Debug, Serialize, Deserialize)]
struct Ruled {
    direction: Direction,
    outward: PerSide<Outward>,
    window: Window,
    leaving: Leaving,
    categories: CategoryNames,
    #[serde(skip_serializing_if = "Option::is_none")]
    day: Option<NaiveDate>,
}

impl Ruled {
    fn of(settings: &Settings, now: DateTime<Utc>) -> Ruled {
        let Settings { direction, outward, window, leaving, categories, .. } = settings;
        Ruled {
            direction: *direction,
            outward: outward.clone(),
            window: *window,
            leaving: *leaving,
            categories: categories.clone(),
            day: window.moves().then(|| now.date_naive()),
        }
    }

    /// The settings with these rules.
    fn over(self, settings: &Settings) -> Settings {
        let Ruled { direction, outward, window, leaving, categories, day: _ } = self;
        Settings { direction, outward, window, leaving, categories, ..settings.clone() }
    }

    fn to_text(&self) -> String {
        // Settings are plain values, so serialising cannot fail; if it did, changed rules would be found by the next edit.
        serde_json::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::sync::view::Private;

    #[test]
    fn the_rules_of_before_are_known_from_their_text_and_nothing_else_is_of_before() {
        let mut before = Settings {
            direction: Direction::AToB,
            window: Window { past_days: Some(7), future_days: Some(14) },
            leaving: Leaving::Delete,
            categories: BTreeMap::from([("Urlaub".to_owned(), "Holiday".to_owned())]).into(),
            ..Settings::default()
        };
        before.outward.a.private = Private::Skip;
        let text = Ruled::of(&before, DateTime::UNIX_EPOCH).to_text();
        let now = Settings { installation: "another".to_owned(), ..Settings::default() };
        let over = serde_json::from_str::<Ruled>(&text).unwrap().over(&now);
        assert_eq!(over, Settings { installation: now.installation, ..before });
    }
}
