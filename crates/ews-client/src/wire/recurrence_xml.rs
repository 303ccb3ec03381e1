//! Reading and writing of `Recurrence`.

use chrono::NaiveDate;

use super::open_enum::{DayOfWeek, DayOfWeekIndex, MonthName};
use super::pull::{Pull, XmlError};
use super::recurrence::{Pattern, Range, Recurrence};
use super::time::parse_date;
use super::writer::Writer;
use crate::version::Version;

/// The leaves that patterns and ranges are made of.
#[derive(Default)]
struct Leaves {
    interval: Option<u32>,
    days: Vec<DayOfWeek>,
    first_day: Option<DayOfWeek>,
    day: Option<u32>,
    index: Option<DayOfWeekIndex>,
    month: Option<MonthName>,
    start: Option<NaiveDate>,
    end: Option<NaiveDate>,
    count: Option<u32>,
}

impl Leaves {
    fn read(xml: &mut Pull<'_>) -> Result<Self, XmlError> {
        let mut leaves = Self::default();
        let level = xml.depth();
        while let Some(child) = xml.child(level)? {
            match child.local() {
                "Interval" => leaves.interval = xml.text()?.trim().parse().ok(),
                "DaysOfWeek" => {
                    leaves.days = xml.text()?.split_ascii_whitespace().map(DayOfWeek::from_wire).collect();
                }
                "FirstDayOfWeek" => leaves.first_day = Some(DayOfWeek::from_wire(xml.text()?.trim())),
                "DayOfMonth" => leaves.day = xml.text()?.trim().parse().ok(),
                "DayOfWeekIndex" => leaves.index = Some(DayOfWeekIndex::from_wire(xml.text()?.trim())),
                "Month" => leaves.month = Some(MonthName::from_wire(xml.text()?.trim())),
                "StartDate" => leaves.start = parse_date(&xml.text()?),
                "EndDate" => leaves.end = parse_date(&xml.text()?),
                "NumberOfOccurrences" => leaves.count = xml.text()?.trim().parse().ok(),
                _ => {}
            }
        }
        Ok(leaves)
    }

    fn one_day(&self) -> Option<DayOfWeek> {
        match self.days.as_slice() {
            [day] => Some(day.clone()),
            _ => None,
        }
    }

    fn pattern(self, name: &str) -> Option<Pattern> {
        Some(match name {
            "DailyRecurrence" => Pattern::Daily { interval: self.interval? },
            "WeeklyRecurrence" => {
                Pattern::Weekly { interval: self.interval?, days: self.days, first_day: self.first_day }
            }
            "AbsoluteMonthlyRecurrence" => {
                Pattern::AbsoluteMonthly { interval: self.interval?, day: self.day? }
            }
            "RelativeMonthlyRecurrence" => Pattern::RelativeMonthly {
                interval: self.interval?,
                days: self.one_day()?,
                index: self.index?,
            },
            "AbsoluteYearlyRecurrence" => Pattern::AbsoluteYearly { day: self.day?, month: self.month? },
            "RelativeYearlyRecurrence" => {
                Pattern::RelativeYearly { days: self.one_day()?, index: self.index?, month: self.month? }
            }
            other => Pattern::Other(other.to_owned()),
        })
    }

    fn range(&self, name: &str) -> Option<Range> {
        let start = self.start?;
        match name {
            "NoEndRecurrence" => Some(Range::NoEnd { start }),
            "EndDateRecurrence" => Some(Range::EndDate { start, end: self.end? }),
            "NumberedRecurrence" => Some(Range::Numbered { start, count: self.count? }),
            _ => None,
        }
    }
}

impl Recurrence {
    /// Reads the content of a `Recurrence` element; `None` when a part is missing or makes no sense.
    pub(crate) fn read(xml: &mut Pull<'_>) -> Result<Option<Self>, XmlError> {
        let (mut pattern, mut range) = (None, None);
        let level = xml.depth();
        while let Some(child) = xml.child(level)? {
            let name = child.local().to_owned();
            let leaves = Leaves::read(xml)?;
            if matches!(name.as_str(), "NoEndRecurrence" | "EndDateRecurrence" | "NumberedRecurrence") {
                range = leaves.range(&name);
            } else {
                pattern = leaves.pattern(&name);
            }
        }
        Ok(pattern.zip(range).map(|(pattern, range)| Self { pattern, range }))
    }

    /// Writes the element as this version's schema knows it.
    ///
    /// A pattern of the kind [`Pattern::Other`] is written as an empty element of its name; callers refuse it before.
    pub(crate) fn write(&self, xml: &mut Writer, version: Version) {
        xml.start("t:Recurrence");
        match &self.pattern {
            Pattern::Daily { interval } => {
                xml.start("t:DailyRecurrence").leaf("t:Interval", interval).end("t:DailyRecurrence");
            }
            Pattern::Weekly { interval, days, first_day } => {
                xml.start("t:WeeklyRecurrence").leaf("t:Interval", interval);
                let days: Vec<&str> = days.iter().map(DayOfWeek::as_wire).collect();
                xml.leaf("t:DaysOfWeek", days.join(" "));
                if version >= Version::Exchange2010Sp1 {
                    xml.leaf_opt("t:FirstDayOfWeek", first_day.as_ref());
                }
                xml.end("t:WeeklyRecurrence");
            }
            Pattern::AbsoluteMonthly { interval, day } => {
                xml.start("t:AbsoluteMonthlyRecurrence")
                    .leaf("t:Interval", interval)
                    .leaf("t:DayOfMonth", day)
                    .end("t:AbsoluteMonthlyRecurrence");
            }
            Pattern::RelativeMonthly { interval, days, index } => {
                xml.start("t:RelativeMonthlyRecurrence")
                    .leaf("t:Interval", interval)
                    .leaf("t:DaysOfWeek", days)
                    .leaf("t:DayOfWeekIndex", index)
                    .end("t:RelativeMonthlyRecurrence");
            }
            Pattern::AbsoluteYearly { day, month } => {
                xml.start("t:AbsoluteYearlyRecurrence")
                    .leaf("t:DayOfMonth", day)
                    .leaf("t:Month", month)
                    .end("t:AbsoluteYearlyRecurrence");
            }
            Pattern::RelativeYearly { days, index, month } => {
                xml.start("t:RelativeYearlyRecurrence")
                    .leaf("t:DaysOfWeek", days)
                    .leaf("t:DayOfWeekIndex", index)
                    .leaf("t:Month", month)
                    .end("t:RelativeYearlyRecurrence");
            }
            Pattern::Other(name) => {
                let name = format!("t:{name}");
                xml.start(&name).end(&name);
            }
        }
        match &self.range {
            Range::NoEnd { start } => {
                xml.start("t:NoEndRecurrence").leaf("t:StartDate", start).end("t:NoEndRecurrence");
            }
            Range::EndDate { start, end } => {
                xml.start("t:EndDateRecurrence")
                    .leaf("t:StartDate", start)
                    .leaf("t:EndDate", end)
                    .end("t:EndDateRecurrence");
            }
            Range::Numbered { start, count } => {
                xml.start("t:NumberedRecurrence")
                    .leaf("t:StartDate", start)
                    .leaf("t:NumberOfOccurrences", count)
                    .end("t:NumberedRecurrence");
            }
        }
        xml.end("t:Recurrence");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(xml: &str) -> Option<Recurrence> {
        let mut pull = Pull::new(xml);
        pull.root().unwrap();
        Recurrence::read(&mut pull).unwrap()
    }

    fn day(text: &str) -> NaiveDate {
        parse_date(text).unwrap()
    }

    #[test]
    fn every_pattern_and_range_reads_back_as_written() {
        let patterns = [
            Pattern::Daily { interval: 3 },
            Pattern::Weekly {
                interval: 2,
                days: vec![DayOfWeek::Monday, DayOfWeek::Friday],
                first_day: Some(DayOfWeek::Monday),
            },
            Pattern::AbsoluteMonthly { interval: 1, day: 31 },
            Pattern::RelativeMonthly {
                interval: 1,
                days: DayOfWeek::WeekendDay,
                index: DayOfWeekIndex::Last,
            },
            Pattern::AbsoluteYearly { day: 29, month: MonthName::February },
            Pattern::RelativeYearly {
                days: DayOfWeek::Tuesday,
                index: DayOfWeekIndex::Second,
                month: MonthName::May,
            },
        ];
        let start = day("2026-01-05");
        let ranges = [
            Range::NoEnd { start },
            Range::EndDate { start, end: day("2026-12-31") },
            Range::Numbered { start, count: 10 },
        ];
        for pattern in &patterns {
            for range in &ranges {
                let recurrence = Recurrence { pattern: pattern.clone(), range: range.clone() };
                let mut xml = Writer::new();
                recurrence.write(&mut xml, Version::Exchange2016);
                assert_eq!(read(&xml.finish()), Some(recurrence));
            }
        }
    }

    #[test]
    fn the_first_day_of_the_week_is_not_sent_to_servers_that_refuse_it() {
        let weekly = Recurrence {
            pattern: Pattern::Weekly {
                interval: 1,
                days: vec![DayOfWeek::Monday],
                first_day: Some(DayOfWeek::Sunday),
            },
            range: Range::NoEnd { start: day("2026-01-05") },
        };
        for (version, sent) in [
            (Version::Exchange2007Sp1, false),
            (Version::Exchange2010, false),
            (Version::Exchange2010Sp1, true),
        ] {
            let mut xml = Writer::new();
            weekly.write(&mut xml, version);
            assert_eq!(xml.finish().contains("FirstDayOfWeek"), sent, "{version}");
        }
    }

    #[test]
    fn a_zone_behind_a_range_date_does_not_move_the_series() {
        let xml = "<Recurrence><DailyRecurrence><Interval>1</Interval></DailyRecurrence>\
                   <EndDateRecurrence><StartDate>2026-03-27+00:00</StartDate><EndDate>2026-04-01-08:00</EndDate>\
                   </EndDateRecurrence></Recurrence>";
        let range = read(xml).unwrap().range;
        assert_eq!(range, Range::EndDate { start: day("2026-03-27"), end: day("2026-04-01") });
    }

    #[test]
    fn patterns_of_tasks_are_kept_by_name_and_nonsense_is_none() {
        let tasks = "<R><DailyRegeneration><Interval>1</Interval></DailyRegeneration>\
                     <NoEndRecurrence><StartDate>2026-01-01</StartDate></NoEndRecurrence></R>";
        assert_eq!(read(tasks).unwrap().pattern, Pattern::Other("DailyRegeneration".to_owned()));
        assert_eq!(read("<R/>"), None);
        assert_eq!(read("<R><DailyRecurrence><Interval>-5</Interval></DailyRecurrence></R>"), None);
    }
}
