//! Random scripts. Values that cause trouble are drawn on purpose: changes of the clocks, ends of months, markup, empty
//! texts.

use calsync_core::zone::Zone;
use calsync_testkit::exchange::ServerVersion;
use calsync_testkit::people::{Busy, Draft, Edit, Repeat, Rhythm, Until};
use chrono::{Datelike as _, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Weekday};

use super::dice::Dice;
use super::script::{At, Plain, Script, Shift, Step};

const ZONES: [&str; 24] = [
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "America/Santiago",
    "Africa/Casablanca",
    "Asia/Kolkata",
    "Pacific/Chatham",
    "UTC",
    "Europe/London",
    "Europe/Dublin",
    "Europe/Vienna",
    "Africa/Cairo",
    "Asia/Beirut",
    "Asia/Kathmandu",
    "America/St_Johns",
    "America/Sao_Paulo",
    "Australia/Adelaide",
    "Pacific/Auckland",
    "Pacific/Kiritimati",
    "Pacific/Apia",
    "America/Los_Angeles",
    "America/Havana",
    "Asia/Jerusalem",
    "Atlantic/Azores",
];

/// Texts people enter; a number makes them unlike each other.
const TEXTS: [&str; 14] = [
    "Wartung",
    "Müller & Söhne",
    "Fa. \"Glas-Klar\" <Nord>",
    "O'Brien; Tor 3, Halle 2",
    "Straße Ä Ö Ü ß é",
    "Aufmaß – 3 × 4 m „grün“",
    "日本語 カレンダー",
    "Gerüst 🏗️ abholen 👷",
    "a &amp; b &lt;c&gt; &#228;",
    "]]> <![CDATA[ x ]]>",
    "<b>fett</b> <script>x</script>",
    "  zwei  Leerzeichen",
    "100 % {json: \"ja\"} \\n \\u00e4",
    "عربي עברית",
];

/// What only one side lets people enter in a line, or keeps as it is.
const ONLY_NVS: [&str; 3] = ["Nichtzeichen \u{FFFE}", "   ", LONG];
const ONLY_EXCHANGE: [&str; 4] =
    ["Tab\tim Titel", "zwei\nZeilen", "Windows\r\nZeilen", "Klingel \u{85} Ende"];
/// Longer than a subject can be on Exchange.
const LONG: &str = "Lange Geschichte über Öfen, Übergänge und Größen, die niemand zu Ende liest, weil sie immer so \
    weitergeht, mit Umlauten äöü und ohne, und die noch immer nicht zu Ende ist, auch wenn der Titel eines Termins nach \
    zweihundertfünfundfünfzig Zeichen aufhören sollte, was er hier aber nicht tut, sondern weitergeht bis ans Ende";

const NOTES: [&str; 11] = [
    "eine Zeile",
    "Auftrag\nSchlüssel beim Hausmeister",
    "Maße: 3 < 4 & 5 > 2\n\nBitte \"grünes\" Tor",
    "\nerste Zeile leer",
    "endet leer\n\n",
    "Tab\tund  zwei Leerzeichen",
    "Windows\r\nZeilen\r\n",
    "<p>kein HTML</p> &nbsp;",
    "   eingerückt\n   noch mehr",
    "Formular\u{b}vorschub\u{c} und Glocke\u{7}",
    "😀 Smiley und € und \u{2028}Trenner",
];

const CATEGORIES: [&str; 5] = ["Kundentermin", "Intern", "Wartung & Pflege", "Urlaub <frei>", "Größe"];

/// The script of a seed.
pub(crate) fn script(seed: u64) -> Script {
    let mut maker = Maker { dice: Dice::new(seed), number: 0, at: At::Nvs, formatted: false };
    maker.formatted = maker.dice.percent(30);
    // Every version in turn, so that any hundred cases have each of them twenty times.
    let versions = ServerVersion::ALL;
    let version = versions[usize::try_from(seed).unwrap() % versions.len()].name().to_owned();
    let mut steps = Vec::new();
    let items = maker.dice.pick(&[1_usize, 1, 2, 2, 3]);
    for _ in 0..items {
        let at = maker.side();
        steps.push(maker.enter(at));
        // Some are changed before they are ever carried.
        if maker.dice.percent(25) {
            let item = steps
                .iter()
                .filter(|step| matches!(step, Step::Create { .. } | Step::CreateOnBoth { .. }))
                .count()
                - 1;
            steps.push(maker.change(at, item));
        }
    }
    let phases = maker.dice.range(1, 3);
    for _ in 0..phases {
        steps.push(Step::Sync);
        let only = match maker.dice.index(3) {
            0 => Some(At::Nvs),
            1 => Some(At::Exchange),
            _ => None,
        };
        for _ in 0..maker.dice.range(1, 4) {
            let at = only.unwrap_or_else(|| maker.side());
            let item = maker.dice.index(items);
            steps.push(maker.change(at, item));
        }
    }
    Script { version, steps }
}

struct Maker {
    dice: Dice,
    number: u32,
    /// Where the person sits for whom something is made up.
    at: At,
    /// Whether people write notes with formatting here: then what is typed becomes part of HTML.
    formatted: bool,
}

/// Whether HTML can say the text: it has no tabs, and no blanks at the ends of a line.
fn fits_html(text: &str) -> bool {
    text.lines().all(|line| line == line.trim() && !line.contains(char::is_control))
        && !text.contains(['\u{b}', '\u{c}', '\u{2028}'])
}

impl Maker {
    fn side(&mut self) -> At {
        self.dice.pick(&At::BOTH)
    }

    fn enter(&mut self, at: At) -> Step {
        self.at = at;
        let draft = self.draft();
        if draft.repeat.is_none() && self.dice.percent(10) {
            let edit = self.edit();
            return Step::CreateOnBoth { draft, edit };
        }
        Step::Create { at, draft }
    }

    fn change(&mut self, at: At, item: usize) -> Step {
        self.at = at;
        let nth = self.dice.index(40);
        if self.dice.percent(12) {
            return match self.dice.index(4) {
                0 => Step::Turn { at, item, into: None },
                1 => {
                    let count = self.dice.percent(50).then(|| u32::try_from(self.dice.range(2, 30)).unwrap());
                    let every = u16::try_from(self.dice.range(1, 3)).unwrap();
                    let into = Plain { weekly: self.dice.percent(50), every, count };
                    Step::Turn { at, item, into: Some(into) }
                }
                _ => Step::Split { at, item, nth, edit: self.edit() },
            };
        }
        match self.dice.index(20) {
            0..=5 => Step::Edit { at, item, edit: self.edit() },
            6..=8 => Step::Move { at, item, by: self.shift(3) },
            9 => Step::Delete { at, item },
            10..=13 => Step::EditOccurrence { at, item, nth, edit: self.edit() },
            14..=16 => Step::MoveOccurrence { at, item, nth, by: self.shift(2) },
            _ => Step::DeleteOccurrence { at, item, nth },
        }
    }

    fn shift(&mut self, days: i64) -> Shift {
        let days = if self.dice.percent(50) { 0 } else { self.dice.range(-days, days) };
        let minutes = if self.dice.percent(40) { 0 } else { 15 * self.dice.range(-16, 16) };
        let longer = if self.dice.percent(70) { 0 } else { self.dice.range(0, 1) };
        Shift { days, minutes, longer: if days == 0 && minutes == 0 { 1 } else { longer } }
    }

    fn text(&mut self) -> String {
        self.number += 1;
        let text = match (self.dice.percent(6), self.at) {
            (false, _) => self.dice.pick(&TEXTS),
            (true, At::Nvs) => self.dice.pick(&ONLY_NVS),
            (true, At::Exchange) => self.dice.pick(&ONLY_EXCHANGE),
        };
        format!("{} {text}", self.number)
    }

    fn notes(&mut self) -> String {
        self.number += 1;
        let mut notes = self.dice.pick(&NOTES);
        while self.formatted && !fits_html(notes) {
            notes = self.dice.pick(&NOTES);
        }
        if self.dice.percent(50) {
            format!("{} {notes}", self.number)
        } else {
            format!("{notes}{}", self.number)
        }
    }

    /// Notes with formatting, as mail programs and web pages write them.
    fn html(&mut self) -> String {
        let mut html = String::new();
        for _ in 0..self.dice.range(1, 4) {
            self.number += 1;
            let number = self.number;
            let block = match self.dice.index(7) {
                0 => format!(
                    "<p class=\"MsoNormal\"><b>Auftrag {number}</b> und <i>mehr</i><o:p></o:p></p>\r\n"
                ),
                1 => format!("<div>Zeile {number}<br>noch eine &amp; &lt;spitze&gt;</div>"),
                2 => format!("<ul><li>Punkt {number}</li><li>&#220;ber&shy;gabe</li></ul>"),
                3 => format!("<p>Siehe <a href=\"https://example.com/?a=1&amp;b={number}\">den Plan</a></p>"),
                4 => format!("<p style=\"color:red\">rot\n   {number} <span>Straße&nbsp;7</span></p>"),
                5 => format!(
                    "<table><tr><td>Maß</td><td>{number}</td></tr><tr><td>b</td><td>2</td></tr></table>"
                ),
                _ => format!("<p>Absatz {number}</p><p>&nbsp;</p><p>Ende {number}</p>"),
            };
            html.push_str(&block);
        }
        html
    }

    fn busy(&mut self) -> Busy {
        self.dice.pick(&[
            Busy::Busy,
            Busy::Busy,
            Busy::Free,
            Busy::Tentative,
            Busy::OutOfOffice,
            Busy::WorkingElsewhere,
        ])
    }

    fn reminder(&mut self) -> Option<u32> {
        self.dice.pick(&[None, None, Some(0), Some(5), Some(15), Some(1440), Some(20_160)])
    }

    fn edit(&mut self) -> Edit {
        let mut edit = Edit::default();
        for _ in 0..self.dice.pick(&[1, 1, 2, 3]) {
            let empty = self.dice.percent(15);
            if self.formatted && self.dice.percent(25) {
                edit.html = Some(self.html());
                edit.notes = None;
                continue;
            }
            match self.dice.index(9) {
                0 | 1 => edit.subject = Some(if empty { String::new() } else { self.text() }),
                2 => edit.place = Some(if empty { String::new() } else { self.text() }),
                3 => {
                    edit.notes = Some(if empty { String::new() } else { self.notes() });
                    edit.html = None;
                }
                4 => edit.category = Some((!empty).then(|| self.dice.pick(&CATEGORIES).to_owned())),
                5 => edit.busy = Some(self.busy()),
                6 => edit.private = Some(self.dice.percent(50)),
                7 => edit.reminder = Some(self.reminder()),
                _ => edit.customer = Some((!empty).then(|| self.text())),
            }
        }
        edit
    }

    fn draft(&mut self) -> Draft {
        let zone = if self.dice.percent(30) { ZONES[0] } else { self.dice.pick(&ZONES) };
        let repeats = self.dice.percent(60);
        let all_day = self.dice.percent(25);
        let start = self.start(zone, all_day, repeats);
        let length = match (all_day, repeats) {
            (true, true) => TimeDelta::days(1),
            (true, false) => TimeDelta::days(self.dice.pick(&[1, 1, 2, 5, 14])),
            (false, true) => TimeDelta::minutes(self.dice.pick(&[0, 15, 45, 60, 90, 240, 600])),
            (false, false) => TimeDelta::minutes(self.dice.pick(&[0, 15, 60, 90, 240, 1440, 3000])),
        };
        let repeat = repeats.then(|| self.repeat(start.date()));
        Draft {
            subject: if self.dice.percent(5) { String::new() } else { self.text() },
            place: if self.dice.percent(30) { String::new() } else { self.text() },
            notes: if self.dice.percent(30) { String::new() } else { self.notes() },
            start,
            end: start + length,
            zone: zone.to_owned(),
            all_day,
            category: self.dice.percent(60).then(|| self.dice.pick(&CATEGORIES).to_owned()),
            busy: self.busy(),
            private: self.dice.percent(15),
            reminder: self.reminder(),
            customer: self.dice.percent(50).then(|| self.text()),
            repeat,
        }
    }

    fn start(&mut self, zone: &str, all_day: bool, repeats: bool) -> NaiveDateTime {
        let begin = NaiveDate::from_ymd_opt(2026, 1, 1).unwrap();
        let any = begin + Days::new(u64::try_from(self.dice.range(0, 600)).unwrap());
        // Some series are old.
        let any = if repeats && self.dice.percent(15) { any - Days::new(2200) } else { any };
        let quarter = NaiveTime::MIN + TimeDelta::minutes(15 * self.dice.range(0, 95));
        let near = self.near_a_change(zone).filter(|_| self.dice.percent(45));
        match (near, all_day) {
            (Some(near), true) => near.date().and_time(NaiveTime::MIN),
            (Some(near), false) => near,
            (None, true) => any.and_time(NaiveTime::MIN),
            (None, false) => any.and_time(quarter),
        }
    }

    /// A wall clock reading near a change of the zone's clocks: in the gap or fold, shortly before or after, or some days
    /// or weeks earlier at the same time of day.
    fn near_a_change(&mut self, zone: &str) -> Option<NaiveDateTime> {
        let zone = Zone::new(zone).ok()?;
        let utc = |year| NaiveDate::from_ymd_opt(year, 1, 1).unwrap().and_time(NaiveTime::MIN).and_utc();
        let changes: Vec<_> = zone.changes(utc(2026), utc(2028)).collect();
        if changes.is_empty() {
            return None;
        }
        let (at, _) = changes[self.dice.index(changes.len())];
        let wall = zone.to_local(at - TimeDelta::minutes(1)) + TimeDelta::minutes(1);
        let wall = wall + TimeDelta::minutes(15 * self.dice.range(-8, 8));
        let earlier = if self.dice.percent(60) { self.dice.pick(&[1, 2, 7, 7, 14, 28, 28, 91]) } else { 0 };
        Some(wall - TimeDelta::days(earlier))
    }

    /// A rhythm on which the first day lies.
    fn repeat(&mut self, day: NaiveDate) -> Repeat {
        let last_of_month = (day + Days::new(1)).day() == 1;
        let nth = i8::try_from((day.day() - 1) / 7 + 1).ok().filter(|n| *n <= 4).unwrap_or(-1);
        let rhythm = match self.dice.index(8) {
            0 if (day.month(), day.day()) != (2, 29) => Rhythm::Yearly,
            1 | 2 if last_of_month => Rhythm::MonthlyOn(31),
            1 | 2 if day.day() <= 28 => Rhythm::MonthlyOn(u8::try_from(day.day()).unwrap()),
            2 | 3 => {
                // The last one of its month may be the fourth as well.
                let is_last = (day + Days::new(7)).month() != day.month();
                let nth = if is_last && self.dice.percent(50) { -1 } else { nth };
                Rhythm::MonthlyNth(nth, day.weekday())
            }
            4 | 5 => Rhythm::Daily,
            _ => {
                let mut days = vec![day.weekday()];
                for more in [Weekday::Mon, Weekday::Wed, Weekday::Sun] {
                    if self.dice.percent(35) && !days.contains(&more) {
                        days.push(more);
                    }
                }
                days.sort_by_key(Weekday::num_days_from_monday);
                Rhythm::Weekly(days)
            }
        };
        let every = u16::try_from(self.dice.pick(&[1, 1, 1, 2, 3])).unwrap();
        let until = match self.dice.index(3) {
            0 => Until::Forever,
            1 => Until::Count(u32::try_from(self.dice.range(1, 40)).unwrap()),
            _ => Until::Day(day + Days::new(u64::try_from(self.dice.range(0, 500)).unwrap())),
        };
        Repeat { rhythm, every, until }
    }
}
