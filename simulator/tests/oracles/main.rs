//! Oracles: answers that the simulator did not compute, from queueing theory, closed forms and published runs.
//! `MODEL.md` lists them.

#![expect(clippy::unwrap_used, reason = "a test's own helpers may fail it")]

mod attempts;
mod bills;
mod concurrency;
mod conservation;
mod giving_up;
mod limits;
mod price_examples;

use guard_core::time::Minute;
use simulator::load::Source;
use simulator::world::{Cast, Tally, World};

/// A world of one function `f` with the given lines, and one traffic to it with the others.
pub(crate) fn world(function: &str, traffic: &str, seed: u64) -> World {
    seeded(
        &format!(
            "[[function]]\nname = \"f\"\n{function}\n[[traffic]]\nname = \"t\"\nfunction = \"f\"\n{traffic}\n"
        ),
        seed,
    )
}

/// A world of these tables.
pub(crate) fn world_of(tables: &str) -> World {
    seeded(tables, 1)
}

/// A world of these tables under a seed.
pub(crate) fn seeded(tables: &str, seed: u64) -> World {
    let text =
        format!("schema = 1\ntitle = \"oracle\"\nstart = \"2026-11-02T00:00:00Z\"\nminutes = 60\n{tables}");
    let loaded = Source::of_text("oracle", &text).ready(&[]).unwrap();
    World::new(&loaded.stage, Minute::of(loaded.scenario.start), Cast::Everyone, seed)
}

/// What became of all traffic.
pub(crate) fn all(world: &World) -> Tally {
    world.tallies().fold(Tally::default(), |sum, one| sum.plus(*one))
}

/// What became of the traffic after so many minutes.
pub(crate) fn live(world: &mut World, minutes: u32) -> Tally {
    for _ in 0..minutes {
        world.live_minute();
    }
    *world.tallies().next().unwrap()
}

/// A count as floating point.
pub(crate) fn real(count: u64) -> f64 {
    f64::from(u32::try_from(count).unwrap())
}
