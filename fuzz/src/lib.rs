//! What is fuzzed: one function for each target, over plain bytes.
//!
//! The programs in `fuzz_targets/` only hand the bytes on, so the same functions run under libFuzzer, and on a stable
//! toolchain in `tests/replay.rs`, which goes through the corpora. A finding is a panic: of the code, of an assertion
//! here, of an overflow check, or of libFuzzer where an input takes too long or too much memory.

pub mod exchange;
pub mod notes;
pub mod nvs;
pub mod round;
pub mod rule;
pub mod stored;

use calsync_core::source::Item;
use calsync_core::zone::Zone;
use std::sync::LazyLock;

/// Where the owner of the calendar sits.
static HOME: LazyLock<Zone> = LazyLock::new(|| Zone::new("Europe/Berlin").expect("is in the zone data"));

/// What was read can be stored, and is the same when it is loaded.
fn can_be_stored(item: &Item) {
    let text = serde_json::to_string(item).expect("what was read can be stored");
    let again: Item = serde_json::from_str(&text).expect("what was stored can be loaded");
    assert_eq!(*item, again);
}

/// What Exchange would make of a series.
fn fits_somehow(item: &Item) {
    use calsync_core::ids::CalendarKey;
    use calsync_core::source::{CalendarSource as _, Fit};
    use ews_client::{Access, EwsClient, ExchangeSource, Secret, UnfitRules};
    static SOURCES: LazyLock<Vec<ExchangeSource>> = LazyLock::new(|| {
        let source = |unfit| {
            let client =
                EwsClient::basic("http://127.0.0.1:9/EWS/Exchange.asmx", "user", Secret::new("x".to_owned()))
                    .build()
                    .expect("the settings are good");
            ExchangeSource::new(client, Access::Rights, HOME.clone())
                .with_unfit_rules(unfit)
                .with_clock(|| chrono::DateTime::from_timestamp(1_795_500_000, 0).expect("is in range"))
        };
        vec![source(UnfitRules::Split), source(UnfitRules::Expand)]
    });
    for source in SOURCES.iter() {
        if let Fit::Refused(why) = source.fit(&CalendarKey::new("a@example.com"), &item.series) {
            assert!(!why.is_empty());
        }
    }
}
