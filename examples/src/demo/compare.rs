//! Reads both servers back, past every client and the engine, and compares what a person would see.

use std::fmt;

use calsync_testkit::people::{Calendars as _, Tile};
use chrono::Days;

use super::world::World;

/// A tile that one side shows and the other does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Whose calendar.
    pub name: String,
    /// Which side shows it.
    pub side: &'static str,
    /// What it shows.
    pub tile: Tile,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: only {} shows {:?}", self.name, self.side, self.tile)
    }
}

/// So many days before and after today are compared.
const REACH: Days = Days::new(400);

/// How many tiles both sides show together, and which of them differ.
pub fn compare(world: &World) -> (usize, Vec<Difference>) {
    let (from, to) = (world.around - REACH, world.around + REACH);
    let mut compared = 0;
    let mut differences = Vec::new();
    for pairing in &world.pairings {
        let nvs = world.nvs.tiles(&pairing.unit, from, to);
        let exchange = world.exchange.tiles(&pairing.mailbox, from, to);
        compared += nvs.len().max(exchange.len());
        let only = |side: &'static str, tiles: Vec<Tile>| {
            let name = pairing.name.clone();
            tiles.into_iter().map(move |tile| Difference { name: name.clone(), side, tile })
        };
        differences.extend(only("NVS", without(&nvs, &exchange)));
        differences.extend(only("Exchange", without(&exchange, &nvs)));
    }
    (compared, differences)
}

/// The tiles of `all` that are not in `other`; two equal tiles need two.
fn without(all: &[Tile], other: &[Tile]) -> Vec<Tile> {
    let mut left: Vec<&Tile> = other.iter().collect();
    let mut only = Vec::new();
    for tile in all {
        match left.iter().position(|one| *one == tile) {
            Some(at) => drop(left.swap_remove(at)),
            None => only.push(tile.clone()),
        }
    }
    only
}
