//! Enumerations that a server may extend.
//!
//! Each value the schema knows has a variant, everything else is kept as [`Other`](DayOfWeek::Other) and is written
//! back unchanged. The spelling is the wire's own, in XML and in JSON alike.

macro_rules! open_enum {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$vmeta])* $variant,)+
            /// A value that this client does not know, as the server spelled it.
            Other(String),
        }

        impl $name {
            /// Reads the wire's spelling; never fails.
            pub fn from_wire(text: &str) -> Self {
                match text {
                    $($text => Self::$variant,)+
                    other => Self::Other(other.to_owned()),
                }
            }

            /// The wire's spelling.
            pub fn as_wire(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)+
                    Self::Other(text) => text,
                }
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_wire())
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_wire())
            }
        }
    };
}
pub(crate) use open_enum;

open_enum! {
    /// `Sensitivity`: who may see an item.
    Sensitivity {
        /// Everybody with rights on the folder.
        Normal = "Normal",
        /// Marked personal; readers still see it.
        Personal = "Personal",
        /// Hidden from delegates without the right to see private items.
        Private = "Private",
        /// Company-confidential; readers still see it.
        Confidential = "Confidential",
    }
}

open_enum! {
    /// `Importance` of an item.
    Importance {
        /// Low.
        Low = "Low",
        /// Normal, the default.
        Normal = "Normal",
        /// High.
        High = "High",
    }
}

open_enum! {
    /// `LegacyFreeBusyStatus`: how the time shows to others.
    BusyStatus {
        /// Free.
        Free = "Free",
        /// Tentative.
        Tentative = "Tentative",
        /// Busy.
        Busy = "Busy",
        /// Out of office.
        OutOfOffice = "OOF",
        /// Working elsewhere, Exchange 2013 and later.
        WorkingElsewhere = "WorkingElsewhere",
        /// The server has no data.
        NoData = "NoData",
    }
}

open_enum! {
    /// `CalendarItemType`: what an item is within a series.
    ItemKind {
        /// An appointment that does not recur.
        Single = "Single",
        /// A computed occurrence of a series.
        Occurrence = "Occurrence",
        /// An occurrence that differs from its series.
        Exception = "Exception",
        /// The series itself.
        RecurringMaster = "RecurringMaster",
    }
}

open_enum! {
    /// `MyResponseType` and the `ResponseType` of an attendee.
    ResponseType {
        /// Nothing known.
        Unknown = "Unknown",
        /// The organiser.
        Organizer = "Organizer",
        /// Tentatively accepted.
        Tentative = "Tentative",
        /// Accepted.
        Accept = "Accept",
        /// Declined.
        Decline = "Decline",
        /// Not answered yet.
        NoResponseReceived = "NoResponseReceived",
    }
}

open_enum! {
    /// `BodyType`: the form of a body.
    BodyType {
        /// HTML.
        Html = "HTML",
        /// Plain text.
        Text = "Text",
    }
}

open_enum! {
    /// `DayOfWeek` of recurrences and zone transitions: a day, or one of three sets of days.
    DayOfWeek {
        /// Sunday.
        Sunday = "Sunday",
        /// Monday.
        Monday = "Monday",
        /// Tuesday.
        Tuesday = "Tuesday",
        /// Wednesday.
        Wednesday = "Wednesday",
        /// Thursday.
        Thursday = "Thursday",
        /// Friday.
        Friday = "Friday",
        /// Saturday.
        Saturday = "Saturday",
        /// Any day.
        Day = "Day",
        /// Monday to Friday.
        Weekday = "Weekday",
        /// Saturday and Sunday.
        WeekendDay = "WeekendDay",
    }
}

open_enum! {
    /// `DayOfWeekIndex`: which of the month's matching days.
    DayOfWeekIndex {
        /// The first.
        First = "First",
        /// The second.
        Second = "Second",
        /// The third.
        Third = "Third",
        /// The fourth.
        Fourth = "Fourth",
        /// The last.
        Last = "Last",
    }
}

open_enum! {
    /// `Month` of yearly recurrences.
    MonthName {
        /// January.
        January = "January",
        /// February.
        February = "February",
        /// March.
        March = "March",
        /// April.
        April = "April",
        /// May.
        May = "May",
        /// June.
        June = "June",
        /// July.
        July = "July",
        /// August.
        August = "August",
        /// September.
        September = "September",
        /// October.
        October = "October",
        /// November.
        November = "November",
        /// December.
        December = "December",
    }
}

impl MonthName {
    /// The month's number, 1 to 12; `None` for a spelling this client does not know.
    pub fn number(&self) -> Option<u32> {
        Some(match self {
            Self::January => 1,
            Self::February => 2,
            Self::March => 3,
            Self::April => 4,
            Self::May => 5,
            Self::June => 6,
            Self::July => 7,
            Self::August => 8,
            Self::September => 9,
            Self::October => 10,
            Self::November => 11,
            Self::December => 12,
            Self::Other(_) => return None,
        })
    }

    /// The month of that number, `None` outside 1 to 12.
    pub fn from_number(month: u32) -> Option<Self> {
        Some(match month {
            1 => Self::January,
            2 => Self::February,
            3 => Self::March,
            4 => Self::April,
            5 => Self::May,
            6 => Self::June,
            7 => Self::July,
            8 => Self::August,
            9 => Self::September,
            10 => Self::October,
            11 => Self::November,
            12 => Self::December,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_values_are_kept_as_they_were_spelled() {
        assert_eq!(BusyStatus::from_wire("OOF"), BusyStatus::OutOfOffice);
        let odd = BusyStatus::from_wire("Napping");
        assert_eq!(odd, BusyStatus::Other("Napping".to_owned()));
        assert_eq!(odd.as_wire(), "Napping");
    }

    #[test]
    fn month_numbers_go_both_ways() {
        for month in 1..=12 {
            assert_eq!(MonthName::from_number(month).and_then(|m| m.number()), Some(month));
        }
        assert_eq!(MonthName::from_number(13), None);
    }
}
