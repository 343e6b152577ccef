//! The request for a run: a scenario and its seed, and how it is run.

use crate::run::Terms;
use crate::scenario::Scenario;
use crate::stage::Stage;
use crate::world::Cast;

/// A scenario under its own policy, on one seed.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The scenario's name.
    pub name: &'a str,
    /// The scenario.
    pub scenario: &'a Scenario,
    /// The same, made ready.
    pub stage: &'a Stage,
    /// The seed of all randomness.
    pub seed: u64,
}

impl<'a> Request<'a> {
    /// One run of it, with or without the guard. `minutes` as in [`Terms::minutes`].
    pub fn terms(&self, guarded: bool, cast: Cast, minutes: Option<u32>) -> Terms<'a> {
        let Request { scenario, stage, seed, .. } = *self;
        Terms { scenario, stage, guarded, cast, seed, minutes }
    }
}
