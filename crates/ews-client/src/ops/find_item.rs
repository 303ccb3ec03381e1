//! `FindItem`: listings, by a property of one's own or by a window of time.
//!
//! With a window the server computes the occurrences of series; without one it lists what is stored, masters and single
//! appointments.

use super::{FolderRef, Operation, Shape, only};
use crate::client::{EwsClient, Target};
use crate::error::EwsError;
use crate::version::Version;
use crate::wire::{Answer, CalendarItem, DateTime, ExtendedField, Writer};

/// Asks for a listing.
#[derive(Debug, Clone)]
pub struct FindItem {
    /// Which folder.
    pub folder: FolderRef,
    /// What of each item. Bodies and attendees are never in a listing.
    pub shape: Shape,
    /// Which part.
    pub range: Range,
}

/// Which part of a folder is listed.
#[derive(Debug, Clone)]
pub enum Range {
    /// Stored items, page by page.
    Page {
        /// Where the page begins.
        offset: u32,
        /// The most entries; servers cut at 1,000.
        max: u32,
        /// Only items that meet this.
        restriction: Option<Restriction>,
    },
    /// Single appointments and occurrences that overlap a window of at most two years. There are no pages: a server that
    /// has more than it gives refuses or cuts.
    View {
        /// Begin of the window.
        start: DateTime,
        /// Exclusive end of the window.
        end: DateTime,
        /// The most entries.
        max: Option<u32>,
    },
}

/// A condition on items.
#[derive(Debug, Clone)]
pub enum Restriction {
    /// A property has one of these values; at least one.
    OneOf {
        /// Which property.
        field: ExtendedField,
        /// The values.
        values: Vec<String>,
    },
    /// A property is there, whatever its value.
    Exists(ExtendedField),
}

impl Restriction {
    fn write(&self, xml: &mut Writer) {
        xml.start("m:Restriction");
        match self {
            Self::OneOf { field, values } => {
                if values.len() > 1 {
                    xml.start("t:Or");
                }
                for value in values {
                    xml.start("t:IsEqualTo");
                    field.write(xml);
                    xml.start("t:FieldURIOrConstant")
                        .start("t:Constant")
                        .attribute("Value", value)
                        .end("t:Constant")
                        .end("t:FieldURIOrConstant")
                        .end("t:IsEqualTo");
                }
                if values.len() > 1 {
                    xml.end("t:Or");
                }
            }
            Self::Exists(field) => {
                xml.start("t:Exists");
                field.write(xml);
                xml.end("t:Exists");
            }
        }
        xml.end("m:Restriction");
    }
}

/// One page of a listing.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct FoundPage {
    /// The items. With pages, one may show up twice while the folder changes.
    pub items: Vec<CalendarItem>,
    /// Where the next page begins, `None` after the last.
    pub next_offset: Option<u32>,
    /// How many there are in all.
    pub total: Option<u32>,
}

impl Operation for FindItem {
    const NAME: &'static str = "FindItem";
    type Output = FoundPage;

    fn write(&self, xml: &mut Writer, version: Version, target: &Target) {
        xml.start("m:FindItem").attribute("Traversal", "Shallow");
        self.shape.write(xml, version);
        match &self.range {
            Range::Page { offset, max, restriction } => {
                xml.start("m:IndexedPageItemView")
                    .attribute("MaxEntriesReturned", max)
                    .attribute("Offset", offset)
                    .attribute("BasePoint", "Beginning")
                    .end("m:IndexedPageItemView");
                if let Some(restriction) = restriction {
                    restriction.write(xml);
                }
            }
            Range::View { start, end, max } => {
                xml.start("m:CalendarView")
                    .attribute_opt("MaxEntriesReturned", *max)
                    .attribute("StartDate", start)
                    .attribute("EndDate", end)
                    .end("m:CalendarView");
            }
        }
        xml.start("m:ParentFolderIds");
        self.folder.write(xml, target);
        xml.end("m:ParentFolderIds").end("m:FindItem");
    }

    fn read(&self, answer: Answer) -> Result<FoundPage, EwsError> {
        let message = only(answer, Self::NAME)?;
        let next_offset = match (&self.range, message.includes_last) {
            (Range::View { .. }, _) | (_, Some(true)) => None,
            (Range::Page { .. }, None) if message.items.is_empty() => None,
            (Range::Page { offset, .. }, _) => {
                let counted = offset.saturating_add(u32::try_from(message.items.len()).unwrap_or(u32::MAX));
                // A page that does not advance would be asked for ever.
                Some(message.next_offset.unwrap_or(counted)).filter(|next| next > offset)
            }
        };
        Ok(FoundPage { items: message.items, next_offset, total: message.total })
    }
}

impl EwsClient {
    /// Reads one page of a listing, or one window.
    ///
    /// # Errors
    ///
    /// [`Smaller`](crate::Next::Smaller): the window holds more than the server gives at once.
    pub async fn find_item(&self, target: &Target, question: &FindItem) -> Result<FoundPage, EwsError> {
        self.call(target, question).await
    }
}
