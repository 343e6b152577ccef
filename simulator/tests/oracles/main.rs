//! Oracles: answers that the simulator did not compute, from queueing theory, closed forms and published runs.
//! `MODEL.md` lists them.

mod attempts;
mod bills;
mod concurrency;
mod limits;

use guard_core::time::Minute;
use simulator::scenario::Scenario;
use simulator::stage::Stage;
use simulator::world::{Cast, Tally, World};

/// A world of one function `f` with the given lines, and one traffic to it with the others.
pub(crate) fn world(function: &str, traffic: &str, seed: u64) -> World {
    let text = format!(
        "schema = 1\ntitle = \"oracle\"\nstart = \"2026-11-02T00:00:00Z\"\nminutes = 60\n\
         [[function]]\nname = \"f\"\n{function}\n[[traffic]]\nname = \"t\"\nfunction = \"f\"\n{traffic}\n"
    );
    let scenario: Scenario = toml::from_str(&text).unwrap();
    let stage = Stage::new(&scenario, None).unwrap();
    World::new(&stage, Minute::of(scenario.start), Cast::Everyone, seed)
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
