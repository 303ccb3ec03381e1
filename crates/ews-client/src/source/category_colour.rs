//! The colours that Outlook offers for categories.

use std::fmt;
use std::str::FromStr;

/// The colour of a category (MS-OXOCFG 2.2.5.2.2): no colour, or one of twenty-five.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CategoryColour(Option<u8>);

/// Names by number, as Outlook shows them.
const NAMES: [&str; 25] = [
    "red",
    "orange",
    "peach",
    "yellow",
    "green",
    "teal",
    "olive",
    "blue",
    "purple",
    "maroon",
    "steel",
    "dark_steel",
    "grey",
    "dark_grey",
    "black",
    "dark_red",
    "dark_orange",
    "dark_peach",
    "dark_yellow",
    "dark_green",
    "dark_teal",
    "dark_olive",
    "dark_blue",
    "dark_purple",
    "dark_maroon",
];

/// A name that no colour has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no category colour {0:?}, use one of: none, {names}", names = NAMES.join(", "))]
pub struct UnknownColour(String);

impl CategoryColour {
    /// No colour.
    pub const NONE: Self = Self(None);

    /// All colours, in Outlook's order, without [`NONE`](Self::NONE).
    pub fn all() -> impl Iterator<Item = Self> + Clone {
        (0..25).map(|number| Self(Some(number)))
    }

    /// As Outlook writes it: -1 is no colour.
    pub(super) fn number(self) -> i8 {
        self.0.and_then(|number| i8::try_from(number).ok()).unwrap_or(-1)
    }
}

impl fmt::Display for CategoryColour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.and_then(|number| NAMES.get(usize::from(number)).copied()).unwrap_or("none"))
    }
}

impl FromStr for CategoryColour {
    type Err = UnknownColour;

    fn from_str(text: &str) -> Result<Self, UnknownColour> {
        if text == "none" {
            return Ok(Self::NONE);
        }
        Self::all().find(|colour| colour.to_string() == text).ok_or_else(|| UnknownColour(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back_to_their_colours() {
        for colour in CategoryColour::all().chain([CategoryColour::NONE]) {
            assert_eq!(colour.to_string().parse(), Ok(colour));
        }
        assert_eq!(CategoryColour::all().map(CategoryColour::number).max(), Some(24));
        assert_eq!(CategoryColour::NONE.number(), -1);
        assert!("pink".parse::<CategoryColour>().unwrap_err().to_string().contains("dark_blue"));
    }
}
