//! What every implementation of a trait of the core has to do, as suites that name what is broken.
//!
//! A suite is a list of rules, each a sentence and a check upon a fresh subject. It runs them all and tells every
//! rule that does not hold, not only the first.

mod state;

use std::fmt;

use calsync_core::store::{StateStore, StoreError};

/// A rule that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// The rule.
    pub rule: &'static str,
    /// What was seen instead.
    pub why: String,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\": {}", self.rule, self.why)
    }
}

/// Asserts that the stores which `make` makes keep every rule of [`StateStore`]. Each must be empty.
///
/// # Panics
///
/// With all rules that are broken.
pub async fn state_store<S: StateStore>(make: impl AsyncFn() -> S) {
    let broken = broken_state_store_rules(make).await;
    let told: Vec<String> = broken.iter().map(Broken::to_string).collect();
    assert!(broken.is_empty(), "{} rules are broken:\n{}", broken.len(), told.join("\n"));
}

/// The rules of [`StateStore`] that the stores which `make` makes do not keep.
pub async fn broken_state_store_rules<S: StateStore>(make: impl AsyncFn() -> S) -> Vec<Broken> {
    let mut broken = Vec::new();
    for (rule, check) in state::RULES {
        let store = make().await;
        if let Err(Fault(why)) = check(&store).await {
            broken.push(Broken { rule, why });
        }
    }
    broken
}

/// What a check saw.
#[derive(Debug)]
struct Fault(String);

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Fault {
        Fault(format!("failed: {error}"))
    }
}

type Checked = Result<(), Fault>;

/// Fails the check unless both are equal.
fn same<T: PartialEq + fmt::Debug>(what: &str, got: &T, wanted: &T) -> Checked {
    if got == wanted { Ok(()) } else { Err(Fault(format!("{what}: {got:?} instead of {wanted:?}"))) }
}

/// Fails the check unless this holds.
fn holds(what: &str, condition: bool) -> Checked {
    if condition { Ok(()) } else { Err(Fault(what.to_owned())) }
}
