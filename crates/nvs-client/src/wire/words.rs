//! Words with a fixed list of values, open at the end: a word that is not known is kept as it came.

use serde::{Deserialize, Serialize};

macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(from = "String", into = "String")]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$vmeta])* $variant,)+
            /// A word this version does not know.
            Other(String),
        }

        impl $name {
            /// The word as it is on the wire.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $word,)+
                    Self::Other(word) => word,
                }
            }

            /// Every word of this version, for comparison with the OpenAPI document.
            pub const KNOWN: &'static [&'static str] = &[$($word),+];
        }

        impl From<String> for $name {
            fn from(word: String) -> Self {
                match word.as_str() {
                    $($word => Self::$variant,)+
                    _ => Self::Other(word),
                }
            }
        }

        impl From<$name> for String {
            fn from(word: $name) -> Self {
                word.as_str().to_owned()
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

words! {
    /// What a calendar unit stands for.
    UnitKind {
        /// An employee.
        Person = "person",
        /// A car, van or truck.
        Vehicle = "vehicle",
        /// A machine or tool.
        Machine = "machine",
        /// A room.
        Room = "room",
    }
}

words! {
    /// What the caller may do with a calendar unit.
    Access {
        /// Read it.
        Read = "read",
        /// Read and write it.
        Write = "write",
    }
}

words! {
    /// How the time of an appointment is shown to others.
    BusyStatus {
        /// Free.
        Free = "free",
        /// Tentative.
        Tentative = "tentative",
        /// Busy.
        Busy = "busy",
        /// Out of office.
        OutOfOffice = "out_of_office",
        /// Working elsewhere.
        WorkingElsewhere = "working_elsewhere",
    }
}

words! {
    /// How the text of notes is to be read.
    NotesFormat {
        /// Plain text with `\n` line ends.
        Plain = "plain",
        /// An HTML fragment or document.
        Html = "html",
    }
}

words! {
    /// Part an attendee plays.
    AttendeeRole {
        /// Has to be there.
        Required = "required",
        /// May be there.
        Optional = "optional",
        /// A room or thing.
        Resource = "resource",
    }
}

words! {
    /// What an attendee answered.
    ResponseStatus {
        /// Nothing yet.
        None = "none",
        /// Accepted.
        Accepted = "accepted",
        /// Tentatively accepted.
        Tentative = "tentative",
        /// Declined.
        Declined = "declined",
    }
}

words! {
    /// What happened elsewhere to an appointment that may not be changed from there.
    MarkKind {
        /// It was deleted on the other side.
        Deleted = "deleted",
        /// It was moved in time on the other side.
        Moved = "moved",
    }
}
