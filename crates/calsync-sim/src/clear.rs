//! I3, where the journal is no excuse: what somebody wrote and nobody replaced is to be seen.

use std::collections::{BTreeMap, BTreeSet};

use calsync_core::model::Field;

use crate::book::{Appointment, Told};
use crate::place::Standing;
use crate::words::{Word, words};
use crate::world::World;

/// Fields whose words stand for the whole of them.
const TEXTS: [Field; 3] = [Field::Subject, Field::Place, Field::Notes];

impl World {
    /// The journal keeps what lost a conflict. What had no rival lost none: it must not be gone from an appointment that is
    /// there.
    pub(crate) fn nothing_cleared(&self, on: &[BTreeMap<usize, Vec<Standing>>; 2]) {
        if self.restored {
            return;
        }
        let mut visible: BTreeSet<Word> = BTreeSet::new();
        for item in on.iter().flat_map(BTreeMap::values).flatten() {
            words(&item.series, &mut |word, _| {
                visible.insert(word);
            });
        }
        let book = self.book();
        let mut cleared = Vec::new();
        for (word, told) in &book.told {
            let [event] = told.events[..] else { continue };
            let stands = on.iter().all(|side| side.contains_key(&event));
            let Some(appointment) = book.event(event).filter(|_| stands) else { continue };
            if !told.alive || visible.contains(word) || !self.must_stay(told, appointment) {
                continue;
            }
            let rival = book.told.iter().any(|(other, rival)| {
                other != word
                    && rival.events.contains(&event)
                    && rival.spot == told.spot
                    && (rival.alive || visible.contains(other))
            });
            if !rival && !told.outdone {
                cleared.push((*word, event, told.side));
            }
        }
        drop(book);
        for (word, event, side) in cleared {
            self.shared.violated(
                "I3",
                format!("{word:?} of appointment {event}, written on {side}, was taken away by nobody"),
            );
        }
    }

    /// Whether nothing can rightly have taken it away.
    fn must_stay(&self, told: &Told, appointment: &Appointment) -> bool {
        let (instance, field) = told.spot;
        let unheld = [&self.options.manners.a, &self.options.manners.b]
            .into_iter()
            .any(|side| side.unheld.contains(&field));
        let put_back = appointment.put_back.a || appointment.put_back.b;
        let odd = appointment.loose.is_some()
            || appointment.split.is_some()
            || appointment.private_by.is_some()
            || appointment.hidden
            || appointment.meeting.is_some()
            || appointment.alike
            || appointment.deleted
            || appointment.parted
            || put_back && self.options.settings.deletion_wins
            || told.against
            || told.again
            || told.secret;
        if odd || unheld || !TEXTS.contains(&field) {
            return false;
        }
        // An instance goes with a rule that does not have it, with a deletion that wins, and with a move of the whole series, which
        // takes from all instances what they had of their own: that is said against it.
        let moved = appointment.moved.a || appointment.moved.b;
        instance.is_none() || !(appointment.ruled || moved || self.options.settings.deletion_wins)
    }
}
