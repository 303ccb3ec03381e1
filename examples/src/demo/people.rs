//! People who edit on both sides, the same ones in the same way for the same seed.
//!
//! Which appointments there are they are told by the state, because it knows both sides' ids; the edits themselves go
//! into the servers past every client.

use calsync_core::ids::{LinkId, PairingId};
use calsync_core::link::Link;
use calsync_core::model::Event;
use calsync_core::store::StateStore as _;
use calsync_testkit::people::{Busy, Calendars, Draft, Edit};
use calsync_testkit::sample::SamplePairing;
use chrono::{Days, NaiveTime, TimeDelta};

use super::world::{Error, World};

/// People with their dice.
#[derive(Debug)]
pub struct People {
    dice: u64,
    number: u64,
}

/// What somebody did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// On which side.
    pub side: &'static str,
    /// In whose calendar.
    pub name: String,
    /// What, in words.
    pub what: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Nvs,
    Exchange,
}

impl At {
    fn name(self) -> &'static str {
        match self {
            At::Nvs => "NVS",
            At::Exchange => "Exchange",
        }
    }
}

/// An appointment that both sides have.
struct Known {
    nvs: String,
    exchange: String,
    event: Event,
    repeats: bool,
}

impl People {
    /// The same seed does the same.
    pub fn new(seed: u64) -> People {
        People { dice: seed ^ 0xd1ce, number: 0 }
    }

    fn roll(&mut self, below: u64) -> u64 {
        self.dice = self.dice.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.dice;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % below.max(1)
    }

    /// A busy morning: in every calendar and on both sides appointments are entered, changed and deleted, some of them
    /// on both sides at once.
    ///
    /// # Errors
    ///
    /// Those of the state.
    pub async fn edit_everywhere(&mut self, world: &World) -> Result<Vec<Done>, Error> {
        let mut done = Vec::new();
        for pairing in &world.pairings {
            let mut known = known(world, pairing).await?;
            let edits = (known.len() / 20).clamp(1, 20);
            for at in [At::Nvs, At::Exchange] {
                done.extend(self.enter(world, pairing, at));
                for _ in 0..edits {
                    // Each appointment is touched once: what happens twice is a conflict, and has its own turn.
                    let Some(one) = self.take(&mut known) else { break };
                    done.extend(self.change(world, pairing, at, &one));
                }
                if known.len() > 10 {
                    done.extend(self.take(&mut known).and_then(|one| delete(world, pairing, at, &one)));
                }
            }
            if known.len() > 2 {
                for same_field in [true, false] {
                    let Some(one) = self.take(&mut known) else { break };
                    done.extend(self.change_on_both(world, pairing, &one, same_field));
                }
            }
        }
        Ok(done)
    }

    /// One edit somewhere.
    ///
    /// # Errors
    ///
    /// Those of the state.
    pub async fn edit_once(&mut self, world: &World) -> Result<Option<Done>, Error> {
        let Some(pairing) = world.pairings.get(index(self.roll(world.pairings.len() as u64))) else {
            return Ok(None);
        };
        let at = if self.roll(2) == 0 { At::Nvs } else { At::Exchange };
        let mut known = known(world, pairing).await?;
        let what = self.roll(10);
        let one = self.take(&mut known);
        Ok(match (what, one) {
            (0 | 1, _) | (_, None) => self.enter(world, pairing, at),
            (2, Some(one)) if known.len() > 5 => delete(world, pairing, at, &one),
            (_, Some(one)) => self.change(world, pairing, at, &one),
        })
    }

    fn take(&mut self, known: &mut Vec<Known>) -> Option<Known> {
        if known.is_empty() {
            return None;
        }
        let at = index(self.roll(known.len() as u64));
        Some(known.swap_remove(at))
    }

    fn enter(&mut self, world: &World, pairing: &SamplePairing, at: At) -> Option<Done> {
        self.number += 1;
        let day = world.around + Days::new(1 + self.roll(20));
        let start =
            day.and_time(NaiveTime::MIN) + TimeDelta::minutes(8 * 60 + 15 * i64::from(self.small(32)));
        let draft = Draft {
            subject: format!("Neuer Auftrag {} ({})", self.number, at.name()),
            place: "Musterstraße 1".to_owned(),
            notes: "Bitte vorher anrufen".to_owned(),
            start,
            end: start + TimeDelta::minutes(60),
            zone: "Europe/Berlin".to_owned(),
            all_day: false,
            category: Some("Kundentermin".to_owned()),
            busy: Busy::Busy,
            private: false,
            reminder: Some(15),
            customer: Some(format!("{}", 20_000 + self.number)),
            repeat: None,
        };
        let (calendars, calendar) = side(world, pairing, at);
        calendars.create(calendar, &draft)?;
        Some(done(pairing, at, format!("entered \u{201c}{}\u{201d}", draft.subject)))
    }

    fn small(&mut self, below: u8) -> u8 {
        u8::try_from(self.roll(u64::from(below))).unwrap_or_default()
    }

    fn change(&mut self, world: &World, pairing: &SamplePairing, at: At, one: &Known) -> Option<Done> {
        self.number += 1;
        let (calendars, calendar) = side(world, pairing, at);
        let (id, subject) = (id(one, at), &one.event.subject);
        let what = self.roll(6);
        if one.repeats && what < 3 {
            let (from, to) = (world.around, world.around + Days::new(120));
            let mut coming = calendars.occurrences(calendar, id, from, to);
            if coming.len() > 2 {
                let original = coming.remove(1 + index(self.roll(coming.len() as u64 - 2)));
                if what == 0 {
                    calendars.delete_occurrence(calendar, id, original).then_some(())?;
                    return Some(done(
                        pairing,
                        at,
                        format!("deleted \u{201c}{subject}\u{201d} on {original}"),
                    ));
                }
                let edit = Edit { place: Some(format!("Ausweichraum {}", self.number)), ..Edit::default() };
                calendars.edit_occurrence(calendar, id, original, &edit).then_some(())?;
                return Some(done(
                    pairing,
                    at,
                    format!("changed \u{201c}{subject}\u{201d} on {original}: place"),
                ));
            }
        }
        let (edit, field) = match what {
            0 => (Edit { subject: Some(format!("{subject} *")), ..Edit::default() }, "subject"),
            1 if !one.repeats && !one.event.span.is_all_day() => {
                let shift = TimeDelta::minutes(15 * (1 + i64::from(self.small(8))));
                let span = (one.event.span.start.local() + shift, one.event.span.end.local() + shift);
                (Edit { span: Some(span), ..Edit::default() }, "time")
            }
            2 => (Edit { busy: Some(Busy::OutOfOffice), ..Edit::default() }, "busy status"),
            3 => (Edit { reminder: Some(Some(45)), ..Edit::default() }, "reminder"),
            4 => (Edit { notes: Some(format!("Neue Notiz {}", self.number)), ..Edit::default() }, "notes"),
            _ => (Edit { place: Some(format!("Halle {}", self.number)), ..Edit::default() }, "place"),
        };
        calendars.edit(calendar, id, &edit).then_some(())?;
        Some(done(pairing, at, format!("changed \u{201c}{subject}\u{201d}: {field}")))
    }

    /// Both sides change one appointment before anybody has carried anything.
    fn change_on_both(
        &mut self,
        world: &World,
        pairing: &SamplePairing,
        one: &Known,
        same_field: bool,
    ) -> Vec<Done> {
        self.number += 1;
        let place = |who: &str| Edit { place: Some(format!("{who} {}", self.number)), ..Edit::default() };
        let notes = Edit { notes: Some(format!("Notiz {}", self.number)), ..Edit::default() };
        let edits =
            [(At::Nvs, place("Lager")), (At::Exchange, if same_field { place("Büro") } else { notes })];
        let mut all = Vec::new();
        for (at, edit) in edits {
            let (calendars, calendar) = side(world, pairing, at);
            if calendars.edit(calendar, id(one, at), &edit) {
                let what =
                    format!("changed \u{201c}{}\u{201d}, and so does the other side", one.event.subject);
                all.push(done(pairing, at, what));
            }
        }
        all
    }
}

fn delete(world: &World, pairing: &SamplePairing, at: At, one: &Known) -> Option<Done> {
    let (calendars, calendar) = side(world, pairing, at);
    calendars.delete(calendar, id(one, at)).then_some(())?;
    Some(done(pairing, at, format!("deleted \u{201c}{}\u{201d}", one.event.subject)))
}

fn done(pairing: &SamplePairing, at: At, what: String) -> Done {
    Done { side: at.name(), name: pairing.name.clone(), what }
}

fn side<'a>(world: &'a World, pairing: &'a SamplePairing, at: At) -> (&'a dyn Calendars, &'a str) {
    match at {
        At::Nvs => (&world.nvs, &pairing.unit),
        At::Exchange => (&world.exchange, &pairing.mailbox),
    }
}

fn id(one: &Known, at: At) -> &str {
    match at {
        At::Nvs => &one.nvs,
        At::Exchange => &one.exchange,
    }
}

fn index(roll: u64) -> usize {
    usize::try_from(roll).unwrap_or_default()
}

/// The appointments of a pairing that both sides have, in the order of their subjects.
async fn known(world: &World, pairing: &SamplePairing) -> Result<Vec<Known>, Error> {
    let name = PairingId::new(&pairing.unit);
    let mut after: Option<LinkId> = None;
    let mut known = Vec::new();
    loop {
        let page: Vec<Link> = world.store.links(&name, after, 500).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        known.extend(page.iter().filter_map(|link| {
            let (nvs, exchange) = (link.halves.a.as_ref()?, link.halves.b.as_ref()?);
            let (_, series) = nvs.latest()?;
            Some(Known {
                nvs: nvs.key.as_str().to_owned(),
                exchange: exchange.key.as_str().to_owned(),
                event: series.event.clone(),
                repeats: series.recurrence.is_some(),
            })
        }));
    }
    // Ids differ from run to run, subjects do not.
    known.sort_by(|one, other| one.event.subject.cmp(&other.event.subject));
    Ok(known)
}
