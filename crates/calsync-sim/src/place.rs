//! A calendar system as the world sees it: what people and administrators do there, and what stands there now.
//!
//! The world asks for no more than this, so the same seeds can run over other sides: typed ones in memory
//! ([`model`](crate::model)), or clients that speak HTTP to mock servers.

use std::sync::Arc;

use calsync_core::model::Series;
use calsync_core::source::{Access, CalendarSource, Receipt};

use crate::line::Line;

/// An item that stands in a calendar.
#[derive(Debug, Clone)]
pub struct Standing {
    /// Its name there.
    pub key: String,
    /// Another one after every change.
    pub revision: u64,
    /// Its content.
    pub series: Arc<Series>,
    /// What the engine wrote into it.
    pub receipt: Option<Arc<Receipt>>,
    /// What may be written to it.
    pub access: Access,
    /// It is one of several items by which this side holds one appointment.
    pub composed: bool,
}

/// A calendar system with one calendar, people who use it, and an administrator.
pub trait Place: Send + Sync {
    /// A client, as a new process has one.
    fn client(&self) -> Box<dyn CalendarSource>;

    /// Everything in the calendar.
    fn items(&self) -> Vec<Standing>;

    /// What stands under this name.
    fn item(&self, key: &str) -> Option<Standing>;

    /// Somebody makes an appointment; gives its name.
    fn make(&self, series: Series, access: Access) -> String;

    /// Somebody changes an appointment.
    fn edit(&self, key: &str, series: Series);

    /// Somebody throws an appointment into the bin.
    fn bin(&self, key: &str);

    /// What is in the bin.
    fn binned(&self) -> Vec<Standing>;

    /// Somebody takes an appointment out of the bin: the same item, under its old name or a new one. Gives the name.
    fn put_back(&self, key: &str, new_name: bool) -> Option<String>;

    /// A device files again what is in the bin, as it was and when it was changed last, under a new name, which this gives.
    fn comes_back(&self, key: &str) -> Option<String>;

    /// Somebody copies an appointment: everything but identity comes along, and it is at another time. Gives its name.
    fn copy(&self, key: &str, series: Series) -> Option<String>;

    /// Somebody moves an appointment out of the calendar and back: the same item under another name, which this gives.
    fn move_out_and_back(&self, key: &str) -> Option<String>;

    /// The server gives feeds a new beginning: what was read of them so far is forgotten.
    fn expire(&self);

    /// A backup of everything; gives its number.
    fn backup(&self) -> usize;

    /// The server goes back to that backup.
    fn restore(&self, backup: usize);

    /// The next create stops after its first step: the item is there, without receipt, and nobody learns of it.
    fn leave_half_made(&self, on: bool);

    /// Files the series as this server holds it.
    fn as_held(&self, series: Series) -> Series;

    /// Whether two series say the same to whoever looks at this calendar.
    fn shows_same(&self, one: &Series, other: &Series) -> bool {
        one == other
    }

    /// Clients of this side send real requests: what befalls each is told by `line`, and nothing else befalls them.
    /// Called once, before anything happens.
    fn connect(&self, line: Line) {
        drop(line);
    }
}
