//! Sample calendars of a small craft business: employees, rooms and vans with a few months of appointments.
//!
//! In: how many pairings and appointments, and a seed; out: the same calendars in every run. Appointments are entered by
//! people on either side ([`Calendars`]), about half on each, and no two of a pairing look alike, so that a comparison of both
//! sides cannot be right by accident.

use std::collections::BTreeSet;

use chrono::{Datelike as _, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Weekday};

use crate::exchange::{MockExchange, Rights};
use crate::nvs::{MockNvs, MockUnit};
use crate::people::{Busy, Calendars, Draft, Edit, Repeat, Rhythm, Until};

/// What to make up.
#[derive(Debug, Clone)]
pub struct SampleSpec {
    /// How many pairings of a calendar unit and a mailbox.
    pub pairings: usize,
    /// How many appointments and series each pairing gets, on both sides together.
    pub appointments: usize,
    /// The same seed makes the same calendars.
    pub seed: u64,
    /// The day round which everything lies.
    pub around: NaiveDate,
}

/// What kind of thing a calendar belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An employee.
    Person,
    /// A room.
    Room,
    /// A van.
    Vehicle,
}

/// A calendar unit and the mailbox it is kept in step with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SamplePairing {
    /// Id of the calendar unit, such as `u-0001`.
    pub unit: String,
    /// Address of the mailbox, such as `jana.krueger@example.test`.
    pub mailbox: String,
    /// Display name on both sides.
    pub name: String,
    /// Whose calendar it is.
    pub kind: Kind,
}

const FIRST: [&str; 20] = [
    "Anna",
    "Jonas",
    "Jana",
    "Mehmet",
    "Käthe",
    "Björn",
    "Sofie",
    "Lukas",
    "Zoë",
    "Henning",
    "Aylin",
    "Paul",
    "Ömer",
    "Frieda",
    "Thomas",
    "Ulrike",
    "Sebastian",
    "Małgorzata",
    "Emil",
    "Jürgen",
];
const LAST: [&str; 24] = [
    "Berger",
    "Weber",
    "Krüger",
    "Yılmaz",
    "Großmann",
    "Schäfer",
    "Lehmann",
    "Voß",
    "Müller-Lüdenscheidt",
    "Köhler",
    "Hoffmann",
    "Öztürk",
    "Brandt",
    "Jäger",
    "Nowak",
    "Peters",
    "Grünwald",
    "Sommer",
    "Winter",
    "Böhm",
    "Kaiser",
    "Roth",
    "Thiele",
    "Zeller",
];
const ROOMS: [&str; 6] =
    ["Besprechung Nord", "Besprechung Süd", "Schulungsraum", "Werkstatt", "Konferenz", "Lagerbüro"];
const TASKS: [&str; 14] = [
    "Wartung",
    "Aufmaß",
    "Montage",
    "Reparatur",
    "Abnahme",
    "Beratung",
    "Störung",
    "Übergabe",
    "Prüfung",
    "Besichtigung",
    "Angebot",
    "Inbetriebnahme",
    "Lieferung",
    "Rückbau",
];
const CUSTOMERS: [&str; 12] = [
    "Bäckerei Höfer",
    "Müller & Söhne",
    "Fa. \"Glas-Klar\"",
    "Kita Löwenzahn",
    "Autohaus <Nord>",
    "Gemeinde Straßkirchen",
    "Dr. Schön & Partner",
    "WEG Mühlenstr. 5",
    "Hotel Zur Post",
    "Elektro Weiß",
    "Praxis d'Alembert",
    "Familie Özdemir",
];
const PLACES: [&str; 8] = [
    "Hauptstraße 12",
    "Gewerbepark <West>, Tor 3",
    "beim Kunden",
    "Büro",
    "Mühlenweg 5 & 7",
    "Baustelle Süd",
    "Halle 2",
    "",
];
const WEEKLY: [&str; 6] =
    ["Jour fixe", "Teambesprechung", "Lieferung Großhandel", "Kaffeeküche", "Schulung", "Werkstattdienst"];
const CATEGORIES: [&str; 4] = ["Kundentermin", "Intern", "Wartung", "Urlaub"];

/// Dice that always fall the same way for a seed.
#[derive(Debug, Clone)]
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// From 0 to `n - 1`.
    fn below(&mut self, n: u64) -> u64 {
        self.next() % n.max(1)
    }

    fn index(&mut self, n: usize) -> usize {
        usize::try_from(self.below(n as u64)).unwrap_or(0)
    }

    fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from.get(self.index(from.len())).copied().unwrap_or_default()
    }
}

/// The pairings of a sample: mostly employees, and from three on at least a room and a van.
pub fn pairings(n: usize, seed: u64) -> Vec<SamplePairing> {
    let special = if n < 3 { 0 } else { (n / 8).max(1) };
    let people = n - 2 * special;
    let mut dice = Dice(seed ^ 0x5eed);
    let mut taken = BTreeSet::new();
    (0..n)
        .map(|k| {
            let (kind, name) = if k < people {
                (Kind::Person, format!("{} {}", dice.pick(&FIRST), dice.pick(&LAST)))
            } else if k < people + special {
                let k = k - people;
                let room = ROOMS.get(k % ROOMS.len()).copied().unwrap_or_default();
                (
                    Kind::Room,
                    if k < ROOMS.len() { room.to_owned() } else { format!("{room} {}", k / ROOMS.len() + 1) },
                )
            } else {
                (Kind::Vehicle, format!("Transporter {}", k - people - special + 1))
            };
            let stem = ascii(&name);
            let mut local = stem.clone();
            let mut again = 1;
            while !taken.insert(local.clone()) {
                again += 1;
                local = format!("{stem}{again}");
            }
            let name = if again > 1 { format!("{name} {again}") } else { name };
            SamplePairing {
                unit: format!("u-{:04}", k + 1),
                mailbox: format!("{local}@example.test"),
                name,
                kind,
            }
        })
        .collect()
}

/// Sets both servers up for the pairings: mailboxes, calendar units, and one service account that reaches every mailbox by
/// full access and may impersonate.
pub fn furnish(
    exchange: &MockExchange,
    nvs: &MockNvs,
    pairings: &[SamplePairing],
    user: &str,
    password: &str,
) {
    exchange.add_account(user, password);
    exchange.set_impersonation(user, true);
    for pairing in pairings {
        exchange.add_mailbox(&pairing.mailbox, &pairing.name);
        exchange.set_rights(user, &pairing.mailbox, Rights::Owner);
        nvs.put_unit(MockUnit {
            id: pairing.unit.clone(),
            kind: match pairing.kind {
                Kind::Person => "person",
                Kind::Room => "room",
                Kind::Vehicle => "vehicle",
            }
            .to_owned(),
            name: pairing.name.clone(),
            address: Some(pairing.mailbox.clone()),
            writable: true,
        });
    }
}

/// `vorname.nachname` in plain letters.
fn ascii(name: &str) -> String {
    let mut out = String::new();
    for c in name.to_lowercase().chars() {
        match c {
            'ä' => out.push_str("ae"),
            'ö' => out.push_str("oe"),
            'ü' => out.push_str("ue"),
            'ß' => out.push_str("ss"),
            'ë' => out.push('e'),
            'ı' => out.push('i'),
            'ł' => out.push('l'),
            ' ' => out.push('.'),
            c if c.is_ascii_alphanumeric() || c == '-' => out.push(c),
            _ => {}
        }
    }
    out
}

/// Enters the sample's appointments into both calendars of every pairing; returns how many there are.
///
/// The calendars must exist. Whatever a side refuses is entered on neither, so the count is what really lies there.
pub fn fill(exchange: &dyn Calendars, nvs: &dyn Calendars, spec: &SampleSpec) -> usize {
    let mut entered = 0;
    for (k, pairing) in pairings(spec.pairings, spec.seed).iter().enumerate() {
        let mut dice = Dice(spec.seed.wrapping_mul(31).wrapping_add(k as u64 + 1));
        for n in 0..spec.appointments {
            let draft = draft(&mut dice, spec.around, k * spec.appointments + n + 1);
            let (side, calendar) =
                if dice.percent(50) { (exchange, &pairing.mailbox) } else { (nvs, &pairing.unit) };
            let Some(id) = side.create(calendar, &draft) else { continue };
            entered += 1;
            if draft.repeat.is_some() && dice.percent(45) {
                unsettle(&mut dice, side, calendar, &id, &draft);
            }
        }
    }
    entered
}

/// An appointment as somebody would enter it; `number` keeps it unlike every other.
fn draft(dice: &mut Dice, around: NaiveDate, number: usize) -> Draft {
    let repeats = dice.percent(25);
    let all_day = dice.percent(if repeats { 12 } else { 15 });
    let reach = if repeats { (60, 90) } else { (45, 150) };
    let mut day = shifted(around, dice.below(reach.0 + reach.1), reach.0);
    if !all_day {
        // Working days only.
        while matches!(day.weekday(), Weekday::Sat | Weekday::Sun) {
            day = day + Days::new(1);
        }
    }
    let (start, end) = if all_day {
        let length = if repeats || dice.percent(60) { 1 } else { 1 + dice.below(5) };
        (at(day, 0), at(day + Days::new(length), 0))
    } else {
        let start = at(day, 7 * 60 + 15 * dice.below(36));
        let minutes = i64::try_from(15 * (1 + dice.below(12))).unwrap_or(15);
        (start, start + TimeDelta::minutes(minutes))
    };
    let customer = dice.percent(60);
    let subject = match (all_day, repeats) {
        (true, false) => format!("Urlaub / frei {number}"),
        (true, true) => format!("Geburtstag {} {number}", dice.pick(&FIRST)),
        (false, true) => format!("{} {number}", dice.pick(&WEEKLY)),
        (false, false) => format!("{} {} {number}", dice.pick(&TASKS), dice.pick(&CUSTOMERS)),
    };
    let notes = match dice.below(4) {
        0 => String::new(),
        1 => format!("Auftrag {number}\nSchlüssel beim Hausmeister"),
        2 => "Maße: 3 < 4 & 5 > 2\n\nBitte \"grünes\" Tor benutzen".to_owned(),
        _ => format!("Rückruf unter 0151 / {}", 100_000 + dice.below(899_999)),
    };
    let zone = if all_day || dice.percent(94) {
        "Europe/Berlin"
    } else {
        dice.pick(&["Europe/London", "America/New_York"])
    };
    Draft {
        subject,
        place: dice.pick(&PLACES).to_owned(),
        notes,
        start,
        end,
        zone: zone.to_owned(),
        all_day,
        category: dice.percent(70).then(|| dice.pick(&CATEGORIES).to_owned()),
        busy: match dice.below(10) {
            0 => Busy::Free,
            1 => Busy::Tentative,
            2 => Busy::OutOfOffice,
            _ => Busy::Busy,
        },
        private: dice.percent(8),
        reminder: dice
            .percent(65)
            .then(|| [0, 5, 15, 30, 60, 1440].get(dice.index(6)).copied().unwrap_or(15)),
        customer: customer.then(|| format!("{}", 10_000 + dice.below(500))),
        repeat: repeats.then(|| repeat(dice, day, all_day)),
    }
}

/// A rhythm on which the first day lies.
fn repeat(dice: &mut Dice, day: NaiveDate, all_day: bool) -> Repeat {
    let every = if dice.percent(70) { 1 } else { 2 };
    let last_of_month = (day + Days::new(1)).day() == 1;
    let nth = i8::try_from((day.day() - 1) / 7 + 1).ok().filter(|n| *n <= 4).unwrap_or(-1);
    let rhythm = match dice.below(if all_day { 4 } else { 10 }) {
        0 => Rhythm::Yearly,
        1 if last_of_month => Rhythm::MonthlyOn(31),
        1 if day.day() <= 28 => Rhythm::MonthlyOn(u8::try_from(day.day()).unwrap_or(1)),
        1 | 2 => Rhythm::MonthlyNth(nth, day.weekday()),
        3 | 4 => Rhythm::Daily,
        _ => {
            let mut days = vec![day.weekday()];
            if dice.percent(40) {
                days.push(day.weekday().succ().succ());
            }
            days.sort_by_key(Weekday::num_days_from_monday);
            Rhythm::Weekly(days)
        }
    };
    // 29 February has no yearly form that both sides agree on.
    let rhythm =
        if rhythm == Rhythm::Yearly && (day.month(), day.day()) == (2, 29) { Rhythm::Daily } else { rhythm };
    let until = match dice.below(4) {
        0 => Until::Forever,
        1 => Until::Day(day + Days::new(60 + dice.below(200))),
        _ => Until::Count(u32::try_from(4 + dice.below(20)).unwrap_or(4)),
    };
    Repeat { rhythm, every: if all_day { 1 } else { every }, until }
}

/// Changes and deletes a few occurrences of a new series.
fn unsettle(dice: &mut Dice, side: &dyn Calendars, calendar: &str, id: &str, draft: &Draft) {
    let first = draft.start.date();
    let mut days = side.occurrences(calendar, id, first, first + Days::new(120));
    // The first one stays, so that no side has to guess where the series begins.
    for _ in 0..=dice.below(3) {
        if days.len() < 4 {
            return;
        }
        let original = days.remove(1 + dice.index(days.len() - 1));
        match dice.below(4) {
            0 => {
                side.delete_occurrence(calendar, id, original);
            }
            1 if !draft.all_day => {
                // Within the same day, so that no neighbour is in the way.
                let length = draft.end - draft.start;
                let start = original + TimeDelta::minutes(30);
                let edit = Edit { span: Some((start, start + length)), ..Edit::default() };
                side.edit_occurrence(calendar, id, original, &edit);
            }
            2 => {
                let edit = Edit { place: Some("verlegt: Halle 7".to_owned()), ..Edit::default() };
                side.edit_occurrence(calendar, id, original, &edit);
            }
            _ => {
                let edit =
                    Edit { subject: Some(format!("{} (geändert)", draft.subject)), ..Edit::default() };
                side.edit_occurrence(calendar, id, original, &edit);
            }
        }
    }
}

fn shifted(day: NaiveDate, forward: u64, back: u64) -> NaiveDate {
    day + Days::new(forward) - Days::new(back)
}

fn at(day: NaiveDate, minutes: u64) -> NaiveDateTime {
    day.and_time(NaiveTime::MIN) + TimeDelta::minutes(i64::try_from(minutes).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::ServerVersion;

    fn spec() -> SampleSpec {
        SampleSpec {
            pairings: 4,
            appointments: 120,
            seed: 7,
            around: NaiveDate::from_ymd_opt(2026, 11, 24).unwrap(),
        }
    }

    /// Both sides in mock mailboxes: the pairings' units are mailboxes too.
    fn sides(spec: &SampleSpec) -> (MockExchange, MockExchange) {
        let (a, b) = (
            MockExchange::in_memory(ServerVersion::Exchange2016),
            MockExchange::in_memory(ServerVersion::Exchange2016),
        );
        for pairing in pairings(spec.pairings, spec.seed) {
            a.add_mailbox(&pairing.mailbox, &pairing.name);
            b.add_mailbox(&pairing.unit, &pairing.name);
        }
        (a, b)
    }

    #[test]
    fn the_same_seed_makes_the_same_calendars() {
        let spec = spec();
        let year = |side: &MockExchange, calendar: &str| {
            side.tiles(
                calendar,
                NaiveDate::from_ymd_opt(2026, 1, 1).unwrap(),
                NaiveDate::from_ymd_opt(2027, 12, 31).unwrap(),
            )
        };
        let ((a1, b1), (a2, b2)) = (sides(&spec), sides(&spec));
        assert_eq!(fill(&a1, &b1, &spec), fill(&a2, &b2, &spec));
        for pairing in pairings(spec.pairings, spec.seed) {
            let tiles = year(&a1, &pairing.mailbox);
            assert!(tiles.len() > 40);
            assert_eq!(tiles, year(&a2, &pairing.mailbox));
            assert_eq!(year(&b1, &pairing.unit), year(&b2, &pairing.unit));
        }
    }

    #[test]
    fn every_draft_is_accepted_and_all_kinds_occur_on_both_sides() {
        let spec = spec();
        let (a, b) = sides(&spec);
        assert_eq!(fill(&a, &b, &spec), spec.pairings * spec.appointments);
        let (from, to) =
            (NaiveDate::from_ymd_opt(2026, 8, 1).unwrap(), NaiveDate::from_ymd_opt(2027, 8, 1).unwrap());
        for (side, calendars) in [(&a, a.calendars()), (&b, b.calendars())] {
            let tiles: Vec<_> = calendars.keys().flat_map(|c| side.tiles(c, from, to)).collect();
            assert!(tiles.iter().any(|t| t.recurring && t.subject.ends_with("(geändert)")));
            assert!(tiles.iter().any(|t| t.start.len() == 10 && !t.recurring));
            assert!(tiles.iter().any(|t| t.private));
            assert!(tiles.iter().any(|t| t.subject.contains("<Nord>")));
            assert!(tiles.iter().any(|t| t.customer.is_some()));
        }
    }

    #[test]
    fn names_and_addresses_are_unique_and_there_is_a_room_and_a_van() {
        let made = pairings(300, 1);
        let mailboxes: BTreeSet<_> = made.iter().map(|p| p.mailbox.clone()).collect();
        assert_eq!(mailboxes.len(), 300);
        assert!(made.iter().all(|p| p.mailbox.is_ascii()));
        let small = pairings(3, 1);
        assert!(small.iter().any(|p| p.kind == Kind::Room) && small.iter().any(|p| p.kind == Kind::Vehicle));
        assert_eq!(pairings(0, 1), []);
    }

    #[test]
    fn the_first_day_of_a_series_lies_on_its_rhythm() {
        let mut dice = Dice(3);
        let side = MockExchange::in_memory(ServerVersion::Exchange2016);
        side.add_mailbox("x@example.test", "X");
        let around = spec().around;
        for number in 0..400 {
            let draft = draft(&mut dice, around, number);
            if draft.repeat.is_some() {
                let id = side.create("x@example.test", &draft).unwrap();
                let day = draft.start.date();
                assert_eq!(
                    side.occurrences("x@example.test", &id, day, day + Days::new(1)),
                    [draft.start],
                    "{draft:?}"
                );
            }
        }
    }
}
