//! Writing a rule: fixed order of parts, sorted lists, and nothing that was not given.

use std::fmt::{Display, Formatter, Result, Write as _};

use chrono::{NaiveDateTime, Weekday};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::rule::{DayRule, End, Frequency, Rule, Until};

impl Display for Frequency {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(match self {
            Self::Secondly => "SECONDLY",
            Self::Minutely => "MINUTELY",
            Self::Hourly => "HOURLY",
            Self::Daily => "DAILY",
            Self::Weekly => "WEEKLY",
            Self::Monthly => "MONTHLY",
            Self::Yearly => "YEARLY",
        })
    }
}

fn code(day: Weekday) -> &'static str {
    match day {
        Weekday::Mon => "MO",
        Weekday::Tue => "TU",
        Weekday::Wed => "WE",
        Weekday::Thu => "TH",
        Weekday::Fri => "FR",
        Weekday::Sat => "SA",
        Weekday::Sun => "SU",
    }
}

impl Display for DayRule {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        if let Some(nth) = self.nth {
            write!(f, "{nth}")?;
        }
        f.write_str(code(self.weekday))
    }
}

fn basic(at: NaiveDateTime) -> impl Display {
    at.format("%Y%m%dT%H%M%S")
}

impl Display for Until {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Date(date) => write!(f, "{}", date.format("%Y%m%d")),
            Self::Local(at) => write!(f, "{}", basic(*at)),
            Self::Utc(at) => write!(f, "{}Z", basic(at.naive_utc())),
        }
    }
}

fn list<T: Display>(f: &mut Formatter<'_>, name: &str, values: &[T]) -> Result {
    for (index, value) in values.iter().enumerate() {
        if index == 0 {
            write!(f, ";{name}={value}")?;
        } else {
            f.write_char(',')?;
            value.fmt(f)?;
        }
    }
    Ok(())
}

impl Display for Rule {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let parts = self.parts();
        write!(f, "FREQ={}", parts.freq)?;
        if parts.interval.get() > 1 {
            write!(f, ";INTERVAL={}", parts.interval)?;
        }
        list(f, "BYMONTH", &parts.by_month)?;
        list(f, "BYWEEKNO", &parts.by_week_no)?;
        list(f, "BYYEARDAY", &parts.by_year_day)?;
        list(f, "BYMONTHDAY", &parts.by_month_day)?;
        list(f, "BYDAY", &parts.by_day)?;
        list(f, "BYHOUR", &parts.by_hour)?;
        list(f, "BYMINUTE", &parts.by_minute)?;
        list(f, "BYSECOND", &parts.by_second)?;
        list(f, "BYSETPOS", &parts.by_set_pos)?;
        if let Some(day) = parts.week_start {
            write!(f, ";WKST={}", code(day))?;
        }
        match parts.end {
            End::Never => Ok(()),
            End::Count(count) => write!(f, ";COUNT={count}"),
            End::Until(until) => write!(f, ";UNTIL={until}"),
        }
    }
}

impl Serialize for Rule {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Rule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use crate::recur::Rule;

    #[test]
    fn a_rule_is_written_in_a_fixed_order_and_reads_back_equal() {
        let text = "WKST=SU;BYSETPOS=-1,1;BYDAY=FR,MO;UNTIL=20260301T000000Z;INTERVAL=2;FREQ=MONTHLY";
        let rule: Rule = text.parse().unwrap();
        assert_eq!(
            rule.to_string(),
            "FREQ=MONTHLY;INTERVAL=2;BYDAY=MO,FR;BYSETPOS=-1,1;WKST=SU;UNTIL=20260301T000000Z"
        );
        assert_eq!(rule.to_string().parse::<Rule>().unwrap(), rule);
    }

    #[test]
    fn numbered_days_keep_their_number() {
        let rule: Rule = "FREQ=MONTHLY;BYDAY=+1MO,-1FR,WE".parse().unwrap();
        assert_eq!(rule.to_string(), "FREQ=MONTHLY;BYDAY=WE,-1FR,1MO");
    }

    #[test]
    fn a_rule_is_its_text_in_json() {
        let rule: Rule = "FREQ=WEEKLY;BYDAY=MO".parse().unwrap();
        let json = serde_json::to_string(&rule).unwrap();
        assert_eq!(json, "\"FREQ=WEEKLY;BYDAY=MO\"");
        assert_eq!(serde_json::from_str::<Rule>(&json).unwrap(), rule);
        assert!(serde_json::from_str::<Rule>("\"FREQ=NEVER\"").is_err());
    }
}
