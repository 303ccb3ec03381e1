//! Reading and writing of time zones.

use std::sync::Arc;

use super::open_enum::{DayOfWeek, DayOfWeekIndex, MonthName};
use super::pull::{Element, Pull, SeenZone, XmlError};
use super::time::{format_minutes, parse_date, parse_minutes, parse_time};
use super::writer::Writer;
use super::zone::{
    ChangeRule, MeetingTimeZone, Period, Target, TimeChange, Transition, TransitionGroup, TransitionTime,
    ZoneDefinition,
};

/// How many different definitions of a document are remembered.
const SEEN_ZONES: usize = 16;

/// More periods, rules and transitions than any zone has. One that has more is known by its name alone: half of its rules
/// would be another zone.
const MOST_ENTRIES: usize = 2_000;

impl ZoneDefinition {
    /// A zone by its id alone, which is enough for every server that knows the id.
    pub fn by_id(id: impl Into<String>) -> Self {
        Self { id: Some(id.into()), ..Self::default() }
    }

    /// Reads a `StartTimeZone`, `EndTimeZone` or `TimeZoneDefinition`.
    ///
    /// A page repeats one definition for every item: what the document has had before is not read again.
    pub(crate) fn read(element: &Element<'_>, xml: &mut Pull<'_>) -> Result<Arc<Self>, XmlError> {
        let attributes = element.raw_attributes();
        let inside = xml.raw()?;
        let seen = xml.zones.iter().find(|seen| seen.inside == inside && seen.attributes == attributes);
        if let Some(seen) = seen {
            return Ok(Arc::clone(&seen.zone));
        }
        let mut zone =
            Self { id: element.attribute("Id"), name: element.attribute("Name"), ..Self::default() };
        // A document of its own needs a root.
        let part = format!("<zone>{inside}</zone>");
        let mut content = Pull::new(&part);
        content.root()?;
        zone.read_content(&mut content)?;
        let rules: usize = zone.groups.iter().map(|group| group.transitions.len().saturating_add(1)).sum();
        let entries = zone.periods.len().saturating_add(zone.transitions.len()).saturating_add(rules);
        if entries > MOST_ENTRIES {
            zone = Self { id: zone.id, name: zone.name, ..Self::default() };
        }
        let zone = Arc::new(zone);
        if xml.zones.len() < SEEN_ZONES {
            let attributes = attributes.to_owned();
            xml.zones.push(SeenZone { attributes, inside, zone: Arc::clone(&zone) });
        }
        Ok(zone)
    }

    fn read_content(&mut self, xml: &mut Pull<'_>) -> Result<(), XmlError> {
        let level = xml.depth();
        while let Some(child) = xml.child(level)? {
            let inner = xml.depth();
            match child.local() {
                "Periods" => {
                    while let Some(period) = xml.child(inner)? {
                        self.periods.push(Period {
                            id: period.attribute("Id").unwrap_or_default(),
                            name: period.attribute("Name").unwrap_or_default(),
                            bias_minutes: period
                                .attribute("Bias")
                                .as_deref()
                                .and_then(parse_minutes)
                                .unwrap_or(0),
                        });
                    }
                }
                "TransitionsGroups" => {
                    while let Some(group) = xml.child(inner)? {
                        let id = group.attribute("Id").unwrap_or_default();
                        self.groups.push(TransitionGroup { id, transitions: read_transitions(xml)? });
                    }
                }
                "Transitions" => self.transitions = read_transitions(xml)?,
                _ => {}
            }
        }
        Ok(())
    }

    pub(crate) fn write(&self, xml: &mut Writer, name: &str) {
        xml.start(name).attribute_opt("Id", self.id.as_ref()).attribute_opt("Name", self.name.as_ref());
        if !self.periods.is_empty() {
            xml.start("t:Periods");
            for period in &self.periods {
                xml.start("t:Period")
                    .attribute("Bias", format_minutes(period.bias_minutes))
                    .attribute("Name", &period.name)
                    .attribute("Id", &period.id)
                    .end("t:Period");
            }
            xml.end("t:Periods");
            if !self.groups.is_empty() {
                xml.start("t:TransitionsGroups");
                for group in &self.groups {
                    xml.start("t:TransitionsGroup").attribute("Id", &group.id);
                    for transition in &group.transitions {
                        transition.write(xml);
                    }
                    xml.end("t:TransitionsGroup");
                }
                xml.end("t:TransitionsGroups");
            }
            if !self.transitions.is_empty() {
                xml.start("t:Transitions");
                for transition in &self.transitions {
                    transition.write(xml);
                }
                xml.end("t:Transitions");
            }
        }
        xml.end(name);
    }
}

fn read_transitions(xml: &mut Pull<'_>) -> Result<Vec<Transition>, XmlError> {
    let mut list = Vec::new();
    let level = xml.depth();
    while let Some(element) = xml.child(level)? {
        let kind = element.local().to_owned();
        let mut to = None;
        let (mut date, mut minutes, mut month, mut day_of_week, mut occurrence, mut day) =
            (String::new(), 0, 0, None, 1, 1);
        let inner = xml.depth();
        while let Some(child) = xml.child(inner)? {
            match child.local() {
                "To" => {
                    let is_period = child.attribute("Kind").is_none_or(|kind| kind == "Period");
                    let id = xml.string()?;
                    to = Some(if is_period { Target::Period(id) } else { Target::Group(id) });
                }
                "DateTime" => date = xml.string()?,
                "TimeOffset" => minutes = parse_minutes(&xml.text()?).unwrap_or(0),
                "Month" => month = xml.text()?.trim().parse().unwrap_or(0),
                "DayOfWeek" => day_of_week = Some(DayOfWeek::from_wire(xml.text()?.trim())),
                "Occurrence" => occurrence = xml.text()?.trim().parse().unwrap_or(1),
                "Day" => day = xml.text()?.trim().parse().unwrap_or(1),
                _ => {}
            }
        }
        let at = match (kind.as_str(), day_of_week) {
            ("AbsoluteDateTransition", _) => TransitionTime::Date(date),
            ("RecurringDayTransition", Some(day)) => {
                TransitionTime::YearlyDay { month, day, occurrence, minutes }
            }
            ("RecurringDateTransition", _) => TransitionTime::YearlyDate { month, day, minutes },
            _ => TransitionTime::Always,
        };
        if let Some(to) = to {
            list.push(Transition { to, at });
        }
    }
    Ok(list)
}

impl Transition {
    fn write(&self, xml: &mut Writer) {
        let name = match &self.at {
            TransitionTime::Always => "t:Transition",
            TransitionTime::Date(_) => "t:AbsoluteDateTransition",
            TransitionTime::YearlyDay { .. } => "t:RecurringDayTransition",
            TransitionTime::YearlyDate { .. } => "t:RecurringDateTransition",
        };
        let (kind, id) = match &self.to {
            Target::Period(id) => ("Period", id),
            Target::Group(id) => ("Group", id),
        };
        xml.start(name).start("t:To").attribute("Kind", kind).text(id).end("t:To");
        match &self.at {
            TransitionTime::Always => {}
            TransitionTime::Date(date) => {
                xml.leaf("t:DateTime", date);
            }
            TransitionTime::YearlyDay { month, day, occurrence, minutes } => {
                xml.leaf("t:TimeOffset", format_minutes(*minutes))
                    .leaf("t:Month", month)
                    .leaf("t:DayOfWeek", day)
                    .leaf("t:Occurrence", occurrence);
            }
            TransitionTime::YearlyDate { month, day, minutes } => {
                xml.leaf("t:TimeOffset", format_minutes(*minutes)).leaf("t:Month", month).leaf("t:Day", day);
            }
        }
        xml.end(name);
    }
}

impl MeetingTimeZone {
    /// A zone by its Windows id, which is enough from Exchange 2007 SP1 on.
    pub fn by_name(name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..Self::default() }
    }

    /// Reads a `MeetingTimeZone`.
    pub(crate) fn read(element: &Element<'_>, xml: &mut Pull<'_>) -> Result<Self, XmlError> {
        let mut zone = Self { name: element.attribute("TimeZoneName"), ..Self::default() };
        let level = xml.depth();
        while let Some(child) = xml.child(level)? {
            match child.local() {
                "BaseOffset" => zone.base_offset_minutes = parse_minutes(&xml.text()?),
                "Standard" => zone.standard = Some(TimeChange::read(&child, xml)?),
                "Daylight" => zone.daylight = Some(TimeChange::read(&child, xml)?),
                _ => {}
            }
        }
        Ok(zone)
    }

    pub(crate) fn write(&self, xml: &mut Writer) {
        xml.start("t:MeetingTimeZone").attribute_opt("TimeZoneName", self.name.as_ref());
        if let Some(base) = self.base_offset_minutes {
            xml.leaf("t:BaseOffset", format_minutes(base));
            if let (Some(standard), Some(daylight)) = (&self.standard, &self.daylight) {
                standard.write(xml, "t:Standard");
                daylight.write(xml, "t:Daylight");
            }
        }
        xml.end("t:MeetingTimeZone");
    }
}

impl TimeChange {
    fn read(element: &Element<'_>, xml: &mut Pull<'_>) -> Result<Self, XmlError> {
        let mut change = Self { name: element.attribute("TimeZoneName"), ..Self::default() };
        let level = xml.depth();
        while let Some(child) = xml.child(level)? {
            match child.local() {
                "Offset" => change.offset_minutes = parse_minutes(&xml.text()?).unwrap_or(0),
                "Time" => change.minutes = parse_time(&xml.text()?).unwrap_or(0),
                "AbsoluteDate" => change.date = parse_date(&xml.text()?).map(|date| date.to_string()),
                "RelativeYearlyRecurrence" => {
                    let (mut day, mut index, mut month) = (None, None, None);
                    let inner = xml.depth();
                    while let Some(leaf) = xml.child(inner)? {
                        match leaf.local() {
                            "DaysOfWeek" => day = Some(DayOfWeek::from_wire(xml.text()?.trim())),
                            "DayOfWeekIndex" => index = Some(DayOfWeekIndex::from_wire(xml.text()?.trim())),
                            "Month" => month = Some(MonthName::from_wire(xml.text()?.trim())),
                            _ => {}
                        }
                    }
                    if let (Some(day), Some(index), Some(month)) = (day, index, month) {
                        change.rule = Some(ChangeRule { day, index, month });
                    }
                }
                _ => {}
            }
        }
        Ok(change)
    }

    fn write(&self, xml: &mut Writer, name: &str) {
        xml.start(name).attribute_opt("TimeZoneName", self.name.as_ref());
        xml.leaf("t:Offset", format_minutes(self.offset_minutes));
        if let Some(rule) = &self.rule {
            xml.start("t:RelativeYearlyRecurrence")
                .leaf("t:DaysOfWeek", &rule.day)
                .leaf("t:DayOfWeekIndex", &rule.index)
                .leaf("t:Month", &rule.month)
                .end("t:RelativeYearlyRecurrence");
        } else if let Some(date) = &self.date {
            xml.leaf("t:AbsoluteDate", date);
        }
        xml.leaf("t:Time", format!("{:02}:{:02}:00", self.minutes / 60, self.minutes % 60));
        xml.end(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_definition_reads_back_as_written() {
        let zone = ZoneDefinition {
            id: Some("W. Europe Standard Time".to_owned()),
            name: Some("(UTC+01:00) Amsterdam".to_owned()),
            periods: vec![
                Period { id: "s".to_owned(), name: "Standard".to_owned(), bias_minutes: -60 },
                Period { id: "d".to_owned(), name: "Daylight".to_owned(), bias_minutes: -120 },
            ],
            groups: vec![TransitionGroup {
                id: "0".to_owned(),
                transitions: vec![
                    Transition {
                        to: Target::Period("d".to_owned()),
                        at: TransitionTime::YearlyDay {
                            month: 3,
                            day: DayOfWeek::Sunday,
                            occurrence: -1,
                            minutes: 120,
                        },
                    },
                    Transition {
                        to: Target::Period("s".to_owned()),
                        at: TransitionTime::YearlyDate { month: 10, day: 25, minutes: 180 },
                    },
                ],
            }],
            transitions: vec![
                Transition { to: Target::Group("0".to_owned()), at: TransitionTime::Always },
                Transition {
                    to: Target::Group("0".to_owned()),
                    at: TransitionTime::Date("2030-01-01T00:00:00".to_owned()),
                },
            ],
        };
        let mut xml = Writer::new();
        zone.write(&mut xml, "t:StartTimeZone");
        let text = xml.finish();
        let mut pull = Pull::new(&text);
        let root = pull.root().unwrap();
        assert_eq!(*ZoneDefinition::read(&root, &mut pull).unwrap(), zone);
    }

    #[test]
    fn a_repeated_definition_is_read_once_and_another_one_is_not_mixed_up_with_it() {
        let one = "<Z Id='a'><Periods><Period Bias='-PT1H' Id='s'/></Periods></Z>";
        let other = one.replace("PT1H", "PT2H");
        let named = one.replace("'a'", "'b'");
        let text = format!("<list>{one}{one}{other}{named}<Z Id='a'/></list>");
        let mut pull = Pull::new(&text);
        pull.root().unwrap();
        let level = pull.depth();
        let mut zones = Vec::new();
        while let Some(element) = pull.child(level).unwrap() {
            zones.push(ZoneDefinition::read(&element, &mut pull).unwrap());
        }
        assert!(Arc::ptr_eq(&zones[0], &zones[1]));
        assert_eq!(zones[2].periods[0].bias_minutes, -120);
        assert_eq!(zones[3].id.as_deref(), Some("b"));
        assert_eq!((zones[4].id.as_deref(), zones[4].periods.len()), (Some("a"), 0));
    }

    #[test]
    fn the_older_form_reads_back_as_written() {
        let change = |month, minutes, offset_minutes| TimeChange {
            name: Some("x".to_owned()),
            offset_minutes,
            rule: Some(ChangeRule { day: DayOfWeek::Sunday, index: DayOfWeekIndex::Last, month }),
            date: None,
            minutes,
        };
        let zone = MeetingTimeZone {
            name: Some("W. Europe Standard Time".to_owned()),
            base_offset_minutes: Some(-60),
            standard: Some(change(MonthName::October, 180, 0)),
            daylight: Some(change(MonthName::March, 120, -60)),
        };
        let mut xml = Writer::new();
        zone.write(&mut xml);
        let text = xml.finish();
        let mut pull = Pull::new(&text);
        let root = pull.root().unwrap();
        assert_eq!(MeetingTimeZone::read(&root, &mut pull).unwrap(), zone);
    }
}
