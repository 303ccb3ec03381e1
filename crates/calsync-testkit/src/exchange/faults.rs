//! How the mock says no: refusals of single entries, faults of whole requests, and trouble on demand.
//!
//! A [`Refusal`] becomes a response message with `ResponseClass="Error"`; a [`Fault`] ends the request with HTTP 500 and a
//! SOAP fault. [`Trouble`] is what a test orders: the next requests fail in the way it names.

use std::collections::VecDeque;
use std::time::Duration;

/// One entry of a request was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: String,
    pub(crate) text: String,
    /// `MessageXml/Value` entries.
    pub(crate) values: Vec<(String, String)>,
    /// `MessageXml/FieldURI`.
    pub(crate) field: Option<String>,
}

impl Refusal {
    /// A refusal with the server's code and words.
    pub(crate) fn new(code: &str, text: &str) -> Self {
        Self { code: code.to_owned(), text: text.to_owned(), values: Vec::new(), field: None }
    }

    /// Adds a value.
    pub(crate) fn with(mut self, name: &str, value: String) -> Self {
        self.values.push((name.to_owned(), value));
        self
    }

    /// Names the field.
    pub(crate) fn field(mut self, uri: &str) -> Self {
        self.field = Some(uri.to_owned());
        self
    }

    pub(crate) fn not_found() -> Self {
        Self::new("ErrorItemNotFound", "The specified object was not found in the store.")
    }

    pub(crate) fn not_a_master() -> Self {
        Self::new("ErrorCalendarCannotUseIdForOccurrenceId", "The item is not a recurring master item.")
    }

    pub(crate) fn access_denied() -> Self {
        Self::new("ErrorAccessDenied", "Access is denied. Check credentials and try again.")
    }

    pub(crate) fn busy(back_off: Duration) -> Self {
        Self::new("ErrorServerBusy", "The server cannot service this request right now. Try again later.")
            .with("BackOffMilliseconds", back_off.as_millis().to_string())
    }
}

/// The whole request was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault(pub(crate) Refusal);

impl Fault {
    pub(crate) fn new(code: &str, text: &str) -> Self {
        Self(Refusal::new(code, text))
    }

    /// The request does not fit the schema.
    pub(crate) fn schema(text: &str) -> Self {
        Self::new("ErrorSchemaValidation", text)
    }
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        Self(refusal)
    }
}

/// Trouble that a test orders for coming requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// `ErrorServerBusy` as a SOAP fault with HTTP 500 and this back-off; nothing is done.
    Busy(Duration),
    /// `ErrorServerBusy` for every entry inside HTTP 200; nothing is done. For operations that have no entries the fault.
    BusyPerItem(Duration),
    /// Any other error code as a SOAP fault; nothing is done.
    Fault(String),
    /// A bare HTTP status with a short text body, such as 503 of a full IIS queue; nothing is done.
    Status(u16),
    /// HTTP 200 with an HTML page, as proxies and login forms send; nothing is done.
    HtmlPage,
    /// The connection breaks before the request is looked at.
    DropBefore,
    /// The request is carried out, then the connection breaks: the answer is lost.
    DropAfter,
    /// The answer breaks off after half of its bytes; the request was carried out.
    CutAnswer,
    /// HTTP 401 in the middle of a working session; nothing is done.
    Unauthorized,
}

/// Which requests an ordered [`Trouble`] meets.
#[derive(Debug, Clone)]
pub(crate) struct Order {
    /// SOAP operation, or any.
    pub(crate) operation: Option<String>,
    pub(crate) trouble: Trouble,
    /// Requests that still pass untouched before it strikes.
    pub(crate) after: u32,
    pub(crate) times: u32,
}

/// Orders in sequence; the first that fits a request is used up.
#[derive(Debug, Clone, Default)]
pub(crate) struct Orders(VecDeque<Order>);

impl Orders {
    pub(crate) fn push(&mut self, order: Order) {
        self.0.push_back(order);
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// The trouble for a request of this operation, if any.
    pub(crate) fn strike(&mut self, operation: &str) -> Option<Trouble> {
        let fits = |o: &Order| o.operation.as_deref().is_none_or(|name| name == operation);
        let at = self.0.iter().position(fits)?;
        let order = self.0.get_mut(at)?;
        if order.after > 0 {
            order.after -= 1;
            return None;
        }
        let trouble = order.trouble.clone();
        order.times -= 1;
        if order.times == 0 {
            self.0.remove(at);
        }
        Some(trouble)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_waits_for_its_operation_and_is_used_up() {
        let mut orders = Orders::default();
        orders.push(Order {
            operation: Some("CreateItem".to_owned()),
            trouble: Trouble::DropAfter,
            after: 1,
            times: 2,
        });
        assert_eq!(orders.strike("GetItem"), None);
        assert_eq!(orders.strike("CreateItem"), None);
        assert_eq!(orders.strike("CreateItem"), Some(Trouble::DropAfter));
        assert_eq!(orders.strike("CreateItem"), Some(Trouble::DropAfter));
        assert_eq!(orders.strike("CreateItem"), None);
    }
}
