//! Which items hold a series.
//!
//! In: a series, and what Exchange can hold; out: the content of each item, or why there is none. A series that Exchange
//! holds as it is has one item, itself. The same series always gives the same items, so an update only has to compare.

use std::collections::{BTreeMap, BTreeSet};

use calsync_core::model::{Attachments, Override, Recurrence, RecurrenceId, Series, Span, When};
use calsync_core::recur::{End, Rule, SeriesTimes, Until, expand};
use calsync_core::source::Shape;
use calsync_core::zone::Zone;
use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, TimeDelta, Utc};

use super::{Role, UnfitRules, Whole};
use crate::recurrence::{self, split, to_rule};
use crate::source::read::base_instance;
use crate::source::write::{NotHeld, Setting, starting_at, time_changes};
use crate::version::Version;

/// The most series that one is split into.
const MOST_PIECES: usize = 12;
/// Occurrences that are looked at before something is believed of all of them.
const COMPARED: usize = 64;
/// The most single appointments of one series.
const MOST_SINGLES: usize = 250;
/// How far back a series is expanded.
const BACK: Days = Days::new(30);
/// How far ahead a series is expanded.
const AHEAD: Days = Days::new(400);
/// The least that an expansion has to cover.
const LEAST: Days = Days::new(14);

/// What a layout depends on besides the series.
#[derive(Debug, Clone, Copy)]
pub(in crate::source) struct Terms<'a> {
    pub(in crate::source) setting: Setting<'a>,
    pub(in crate::source) unfit: UnfitRules,
    pub(in crate::source) today: NaiveDate,
}

/// What was laid out before and should stay.
#[derive(Debug, Clone, Default)]
pub(in crate::source) struct Before {
    /// Instances that Exchange refused to hold in their series.
    pub(in crate::source) forced: BTreeSet<RecurrenceId>,
    /// Instances of an expanded series that are there, the owner's first.
    pub(in crate::source) expanded: Vec<RecurrenceId>,
}

impl Before {
    pub(in crate::source) fn of(whole: &Whole) -> Self {
        let singles = whole.items.keys().filter_map(|role| match role {
            Role::Once(instance) => Some(*instance),
            Role::Owner | Role::Rule(_) => None,
        });
        let expanded = whole.owner.map(|owner| std::iter::once(owner).chain(singles).collect());
        Self { forced: whole.forced.clone(), expanded: expanded.unwrap_or_default() }
    }
}

/// The items that hold a series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::source) struct Layout {
    /// The content of each, always with an owner. Those of parts have no UID.
    pub(in crate::source) items: BTreeMap<Role, Series>,
    /// The instance that the owner shows, when the series is expanded.
    pub(in crate::source) owner: Option<RecurrenceId>,
    /// What is special about instances that no item stands for.
    pub(in crate::source) rest: BTreeMap<RecurrenceId, Override>,
    /// The last day, when the series is expanded.
    pub(in crate::source) until: Option<NaiveDate>,
    /// What is unusual.
    pub(in crate::source) shapes: Vec<Shape>,
}

impl Layout {
    fn whole(series: &Series) -> Self {
        Self {
            items: BTreeMap::from([(Role::Owner, series.clone())]),
            owner: None,
            rest: BTreeMap::new(),
            until: None,
            shapes: Vec::new(),
        }
    }

    /// Whether the series is one item.
    pub(in crate::source) fn is_whole(&self) -> bool {
        self.shapes.is_empty()
    }
}

/// Lays a series out.
///
/// # Errors
///
/// Why Exchange cannot hold it, for people.
pub(in crate::source) fn layout(
    series: &Series,
    terms: &Terms<'_>,
    before: &Before,
) -> Result<Layout, NotHeld> {
    let Some(recurrence) = &series.recurrence else { return Ok(Layout::whole(series)) };
    let Pieces { mut pieces, apart } = match pieces(series, recurrence, terms) {
        Ok(pieces) => pieces,
        Err(why) if terms.unfit == UnfitRules::Report => return Err(why),
        Err(why) => return expanded(series, recurrence, terms, before, &why),
    };
    if !recurrence.dates.is_empty() && terms.unfit == UnfitRules::Report {
        return Err("it has additional dates".to_owned());
    }
    let mut out = Layout::whole(series);
    if pieces.len() > 1 {
        out.shapes.push(Shape::Split(pieces.len()));
    }
    let mut singles = additional(series, recurrence, &pieces);
    if !singles.is_empty() {
        out.shapes.push(Shape::Dates(singles.len()));
    }
    if let Some(key) = apart {
        singles.insert(key, single(series, key));
        let why =
            "on its day the clocks skip its start or end, and no series of Exchange can begin so".to_owned();
        out.shapes.push(Shape::Single { instance: key, why });
    }
    for (key, value) in &series.overrides {
        if singles.contains_key(key) {
            if *value == Override::Cancelled {
                singles.remove(key);
                out.rest.insert(*key, value.clone());
            }
        } else if let Some(piece) = pieces.iter_mut().find(|piece| happens(piece, *key)) {
            piece.overrides.insert(*key, value.clone());
        } else {
            out.rest.insert(*key, value.clone());
        }
    }
    for piece in &mut pieces {
        for key in refused(piece, &before.forced) {
            singles.insert(key, single(series, key));
            piece.overrides.insert(key, Override::Cancelled);
            let why = "its neighbour in the series is in the way".to_owned();
            out.shapes.push(Shape::Single { instance: key, why });
        }
    }
    if out.is_whole() {
        return Ok(Layout::whole(series));
    }
    if singles.len() > MOST_SINGLES {
        return Err(format!("it would take more than {MOST_SINGLES} single appointments"));
    }
    for part in pieces.iter_mut().skip(1).chain(singles.values_mut()) {
        part.event.attachments = Attachments::default();
    }
    out.items = pieces
        .into_iter()
        .zip(1u16..)
        .map(|(piece, number)| (if number == 1 { Role::Owner } else { Role::Rule(number) }, piece))
        .chain(singles.into_iter().map(|(key, single)| (Role::Once(key), single)))
        .collect();
    if let Some(owner) = out.items.get_mut(&Role::Owner) {
        owner.uid = series.uid.clone();
    }
    Ok(out)
}

/// The series that together have the instances of a rule.
struct Pieces {
    /// Without overrides, in order of their first start.
    pieces: Vec<Series>,
    /// The first instance, where none of them has it.
    apart: Option<RecurrenceId>,
}

fn pieces(series: &Series, recurrence: &Recurrence, terms: &Terms<'_>) -> Result<Pieces, NotHeld> {
    let span = &series.event.span;
    let piece = |start: NaiveDateTime, rule| {
        let mut piece = Series { uid: "".into(), overrides: BTreeMap::new(), ..series.clone() };
        piece.event.span = starting_at(span, start);
        piece.recurrence = Some(Recurrence { rule, dates: BTreeSet::new() });
        piece
    };
    let one = piece(span.start.local(), recurrence.rule.clone());
    let why = match is_held(&one, terms) {
        Ok(()) => return Ok(Pieces { pieces: vec![one], apart: None }),
        Err(why) => in_short(why),
    };
    if terms.unfit != UnfitRules::Split {
        return Err(why);
    }
    let times =
        recurrence::Series { start: span.start.local(), all_day: span.is_all_day(), zone: span.start.zone() };
    let first_day_known = terms.setting.version >= Version::Exchange2010Sp1;
    let found = split(&recurrence.rule, times, first_day_known, MOST_PIECES);
    let pieces: Option<Vec<Series>> = found
        .into_iter()
        .flatten()
        .map(|found| {
            let read = to_rule(&found.recurrence, recurrence::Series { start: found.start, ..times }).ok()?;
            let piece = piece(read.start, read.rule);
            is_held(&piece, terms).is_ok().then_some(piece)
        })
        .collect();
    if let Some(pieces) = pieces.filter(|pieces| pieces.len() > 1) {
        return Ok(Pieces { pieces, apart: None });
    }
    match later(&recurrence.rule, times) {
        Some((first, start, rule)) => {
            let piece = piece(start, rule);
            if is_held(&piece, terms).is_err() {
                return Err(why);
            }
            Ok(Pieces { pieces: vec![piece], apart: Some(RecurrenceId::of(&span.start, first)) })
        }
        None => Err(why),
    }
}

/// Whether Exchange holds a series without overrides as it is.
fn is_held(piece: &Series, terms: &Terms<'_>) -> Result<(), NotHeld> {
    time_changes(piece, terms.setting)?;
    let Some(recurrence) = &piece.recurrence else { return Ok(()) };
    let span = &piece.event.span;
    let length = span.end.local().signed_duration_since(span.start.local());
    if length <= TimeDelta::days(1) {
        return Ok(());
    }
    let starts: Vec<NaiveDateTime> =
        recurrence.rule.occurrences(span.start.local(), span.start.zone()).take(COMPARED).collect();
    let gaps = starts
        .iter()
        .zip(starts.iter().skip(1))
        .map(|(one, next)| next.date().signed_duration_since(one.date()));
    if gaps.min().is_some_and(|least| length > least) {
        return Err("its instances overlap each other".to_owned());
    }
    Ok(())
}

/// The first occurrence of a rule, and the rule that has all others with where it begins.
fn later(rule: &Rule, times: recurrence::Series<'_>) -> Option<(NaiveDateTime, NaiveDateTime, Rule)> {
    let mut occurrences = rule.occurrences(times.start, times.zone);
    let (first, second) = (occurrences.next()?, occurrences.next()?);
    let mut rest = rule.anchored(times.start);
    if let End::Count(_) = rest.end() {
        let mut occurrences = rule.occurrences(times.start, times.zone);
        let last = occurrences.by_ref().last().filter(|_| !occurrences.truncated())?;
        let until = if times.all_day { Until::Date(last.date()) } else { Until::Local(last) };
        rest = rest.with_end(End::Until(until));
    }
    let ours = rule.occurrences(times.start, times.zone).skip(1).take(COMPARED);
    let is_rest = ours.eq(rest.occurrences(second, times.zone).take(COMPARED));
    is_rest.then_some((first, second, rest))
}

/// What a message says beyond that Exchange cannot hold a series.
fn in_short(why: NotHeld) -> NotHeld {
    match why.strip_prefix("Exchange cannot hold this series: ") {
        Some(rest) => rest.to_owned(),
        None => why,
    }
}

/// The additional dates that the rule does not have anyway.
fn additional(series: &Series, recurrence: &Recurrence, pieces: &[Series]) -> BTreeMap<RecurrenceId, Series> {
    let dates = recurrence.dates.iter().filter(|date| !pieces.iter().any(|piece| happens(piece, **date)));
    dates.map(|date| (*date, single(series, *date))).collect()
}

fn happens(series: &Series, key: RecurrenceId) -> bool {
    let start = &series.event.span.start;
    let rule = series.recurrence.as_ref().map(|recurrence| &recurrence.rule);
    rule.is_some_and(|rule| rule.contains(start.local(), start.zone(), key.local()))
}

/// One instance as an appointment of its own.
fn single(series: &Series, key: RecurrenceId) -> Series {
    let base = base_instance(series, key);
    let event = match series.overrides.get(&key) {
        Some(Override::Changed(overlay)) => base.with(overlay),
        Some(Override::Cancelled) | None => base,
    };
    Series::single("".into(), event)
}

/// The changed occurrences that Exchange does not let stand in their series: those that would not begin on a day between
/// those of their neighbours, or that would overlap one of them.
fn refused(piece: &Series, forced: &BTreeSet<RecurrenceId>) -> Vec<RecurrenceId> {
    let mut piece = piece.clone();
    let changed: Vec<RecurrenceId> = piece
        .overrides
        .iter()
        .filter(|(_, value)| matches!(value, Override::Changed(_)))
        .map(|(key, _)| *key)
        .collect();
    let mut refused = Vec::new();
    for key in changed {
        if forced.contains(&key) || is_in_the_way(&piece, key) {
            // It leaves its place in the series, so it is in nobody's way any more.
            piece.overrides.insert(key, Override::Cancelled);
            refused.push(key);
        }
    }
    refused
}

fn is_in_the_way(piece: &Series, key: RecurrenceId) -> bool {
    let Some(Override::Changed(overlay)) = piece.overrides.get(&key) else { return false };
    let Some(span) = &overlay.span else { return false };
    let zone = piece.event.span.start.zone();
    let (start, end) = points(span, zone);
    let (before, after) = neighbours(piece, key);
    let day = |at: DateTime<Utc>| zone.map_or_else(|| at.naive_utc(), |zone| zone.to_local(at)).date();
    let crosses_before = before.is_some_and(|other| {
        let (other_start, other_end) = points(&other, zone);
        start < other_end || day(start) <= day(other_start)
    });
    let crosses_after = after.is_some_and(|other| {
        let (other_start, _) = points(&other, zone);
        end > other_start || day(start) >= day(other_start)
    });
    crosses_before || crosses_after
}

/// Start and end on one line of time; dates begin when they do in the zone of the series.
fn points(span: &Span, zone: Option<&Zone>) -> (DateTime<Utc>, DateTime<Utc>) {
    let point = |when: &When| {
        let local = when.local();
        when.instant().unwrap_or_else(|| zone.map_or_else(|| local.and_utc(), |zone| zone.to_utc(local)))
    };
    (point(&span.start), point(&span.end))
}

/// The spans of the occurrences that stand next to `key`, as they are now.
fn neighbours(piece: &Series, key: RecurrenceId) -> (Option<Span>, Option<Span>) {
    let start = &piece.event.span.start;
    let Some(recurrence) = &piece.recurrence else { return (None, None) };
    let occurrences = || recurrence.rule.occurrences(start.local(), start.zone());
    let standing = |at: NaiveDateTime| match piece.overrides.get(&RecurrenceId::of(start, at)) {
        Some(Override::Cancelled) => None,
        Some(Override::Changed(overlay)) => {
            Some(overlay.span.clone().unwrap_or_else(|| starting_at(&piece.event.span, at)))
        }
        None => Some(starting_at(&piece.event.span, at)),
    };
    let after = occurrences().starting_at(key.local()).skip_while(|at| *at <= key.local()).find_map(standing);
    // Years first where days find nothing: the longest interval of a pattern is 99 years.
    let before = [40, 800, 100 * 366].into_iter().find_map(|days| {
        let from = key.local().checked_sub_signed(TimeDelta::days(days))?;
        occurrences().starting_at(from).ending_before(key.local()).filter_map(standing).last()
    });
    (before, after)
}

/// The instances around today, each as a single appointment.
fn expanded(
    series: &Series,
    recurrence: &Recurrence,
    terms: &Terms<'_>,
    before: &Before,
    why: &str,
) -> Result<Layout, NotHeld> {
    let start = &series.event.span.start;
    let horizon = horizon(terms.today);
    let dates: Vec<NaiveDateTime> = recurrence.dates.iter().map(RecurrenceId::local).collect();
    let times = SeriesTimes {
        start: start.local(),
        all_day: series.event.span.is_all_day(),
        zone: start.zone(),
        rule: Some(&recurrence.rule),
        rdates: &dates,
        exdates: &[],
    };
    let midnight = |day: NaiveDate| day.and_time(chrono::NaiveTime::MIN);
    let (from, to) = (midnight(horizon.0), midnight(horizon.1));
    let found = expand(times, from..to, MOST_SINGLES);
    let mut until = horizon.1;
    let mut starts = found.starts;
    if let (true, Some(last)) = (found.truncated, starts.last()) {
        until = last.date();
        if terms.today.checked_add_days(LEAST).is_none_or(|least| until < least) {
            return Err(format!("{why}, and it takes place too often to be expanded"));
        }
    }
    if starts.is_empty() {
        // All of it is yet to come, or over.
        let (century, back) = (TimeDelta::days(36_525), TimeDelta::days(-36_525));
        let far = |at: NaiveDateTime, by| at.checked_add_signed(by).unwrap_or(at);
        starts = expand(times, to..far(to, century), 1).starts;
        if starts.is_empty() {
            starts = recurrence
                .rule
                .occurrences(start.local(), start.zone())
                .starting_at(far(from, back))
                .ending_before(from)
                .last()
                .into_iter()
                .collect();
        }
    }
    let here = starts.into_iter().map(|at| RecurrenceId::of(start, at));
    let kept = before.expanded.iter().copied();
    let kept = kept.filter(|key| happens(series, *key) || recurrence.dates.contains(key));
    let mut singles: BTreeMap<RecurrenceId, Series> =
        here.chain(kept).map(|key| (key, single(series, key))).collect();
    singles.retain(|key, _| series.overrides.get(key) != Some(&Override::Cancelled));
    // An expansion that has rolled on for years lets its oldest instances go.
    let first = before.expanded.first().copied();
    let too_many = singles.len().saturating_sub(2 * MOST_SINGLES);
    let oldest: Vec<RecurrenceId> =
        singles.keys().filter(|key| Some(**key) != first).take(too_many).copied().collect();
    singles.retain(|key, _| !oldest.contains(key));
    let rest: BTreeMap<RecurrenceId, Override> = series
        .overrides
        .iter()
        .filter(|(key, _)| !singles.contains_key(*key))
        .map(|(key, value)| (*key, value.clone()))
        .collect();
    let owner = before.expanded.first().filter(|key| singles.contains_key(key)).copied();
    let Some(owner) = owner.or_else(|| singles.keys().next().copied()) else {
        return Err(format!("{why}, and none of its instances takes place around today"));
    };
    for single in singles.values() {
        time_changes(single, terms.setting)?;
    }
    let mut items: BTreeMap<Role, Series> = BTreeMap::new();
    for (key, mut single) in singles {
        if key == owner {
            single.uid = series.uid.clone();
            items.insert(Role::Owner, single);
        } else {
            single.event.attachments = Attachments::default();
            items.insert(Role::Once(key), single);
        }
    }
    let shapes = vec![Shape::Expanded { until, why: why.to_owned() }];
    Ok(Layout { items, owner: Some(owner), rest, until: Some(until), shapes })
}

/// The first day of an expansion and the day after its last one.
fn horizon(today: NaiveDate) -> (NaiveDate, NaiveDate) {
    (today.checked_sub_days(BACK).unwrap_or(today), today.checked_add_days(AHEAD).unwrap_or(today))
}

/// Whether an expansion that ends on `until` is to be carried further.
pub(in crate::source) fn is_due(until: NaiveDate, today: NaiveDate) -> bool {
    // Every few months, so that it costs nothing and never comes near its end.
    let half = Days::new(200);
    today.checked_add_days(half).is_some_and(|soon| until < soon)
}
