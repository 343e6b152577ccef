//! A guard that knows which traffic is an attack, and when it begins and ends. It pulls the same levers as the guard,
//! under the same policy, and as late as metrics and AWS allow: what it cannot save, no guard of this kind can.

use std::collections::BTreeMap;

use guard_core::bound::Known;
use guard_core::levers::{self, Depth, Work};
use guard_core::money::Usd;
use guard_core::name::BudgetName;
use guard_core::plan::{Action, Change, Lever, Reason, Setting};
use guard_core::pricing::PriceTable;
use guard_core::roster::Roster;
use guard_core::settle::ApplyResult;
use guard_core::time::Minute;

use crate::control_plane::ControlPlane;
use crate::request::Request;
use crate::run::{Rival, Seat};
use crate::scenario::Happening;
use crate::stage::GUARD;
use crate::world::TrafficTally;

/// The guard, and its view of the account.
#[derive(Debug)]
pub(super) struct AllSeeing {
    roster: Roster,
    control: ControlPlane,
    /// By function, in the roster's order.
    targets: Vec<Target>,
}

/// One function.
#[derive(Debug, Default)]
struct Target {
    /// When metrics show attacks on it, from the first minute to the one after the last.
    shown: Vec<(Minute, Minute)>,
    /// The concurrency that a cap leaves.
    floor: u32,
    /// The levers that it has pulled, with their values before.
    originals: BTreeMap<Lever, Setting>,
}

impl AllSeeing {
    /// `known` is what the guard learns of the ordinary use of each function.
    pub(super) fn new(request: &Request<'_>, prices: &PriceTable, known: &[Known]) -> Self {
        let (scenario, stage) = (request.scenario, request.stage);
        let roster = Roster::new(scenario.policy.clone(), prices, stage.inventory(), Some(GUARD.into()));
        let start = Minute::of(scenario.start);
        let at = |second: u32| start.plus(i64::from((second + scenario.service.metric_delay_s).div_ceil(60)));
        let targets = (0..stage.functions.len()).map(|place| {
            let attacks = stage.attacks().filter(|actor| actor.function == place);
            Target {
                shown: attacks.map(|actor| (at(actor.from_s), at(actor.until_s))).collect(),
                floor: roster.floor(place, known.get(place).and_then(|known| known.concurrency_p99)),
                originals: BTreeMap::new(),
            }
        });
        AllSeeing {
            targets: targets.collect(),
            control: ControlPlane { actuation_s: scenario.service.actuation_s },
            roster,
        }
    }

    /// How far the policy lets it go with a function now; `None` to leave it as it is.
    fn depth(&self, place: usize, target: &Target, seat: &Seat<'_, '_>) -> Option<Depth> {
        let is_spent = |budget: &BudgetName| {
            let period = seat.periods.iter().rev().find(|period| period.budget == *budget);
            period.is_some_and(|period| period.spent >= period.amount)
        };
        let mut acting = self.roster.acting(place).peekable();
        acting.peek()?;
        if acting.any(|rule| self.roster.stops(place, rule) && is_spent(&rule.name)) {
            return Some(Depth::Stop);
        }
        let is_attacked = target.shown.iter().any(|(from, until)| *from <= seat.at && seat.at < *until);
        is_attacked.then_some(Depth::Cap(target.floor))
    }
}

impl Rival for AllSeeing {
    fn minute(&mut self, seat: &mut Seat<'_, '_>) {
        if !self.roster.policy.armed || seat.now.is(Happening::GuardOutage) {
            return;
        }
        let is_down = seat.now.is(Happening::ControlPlaneDown);
        let mut targets = std::mem::take(&mut self.targets);
        let mut calls = 0;
        for (place, target) in targets.iter_mut().enumerate() {
            let depth = self.depth(place, target, seat);
            let Some(function) = self.roster.inventory.functions.get_mut(place) else { continue };
            // Deploys and people change it too.
            function.reserved = seat.world.reserved(place);
            let function = function.clone();
            let changes: Vec<Change> = match depth {
                Some(depth) => {
                    let work =
                        Work { attempts_per_mille: 1000, failure_per_mille: 0, allow_event_loss: false };
                    let changes = levers::changes(&function, depth, target.floor, work).0;
                    changes.into_iter().map(|(change, _)| change).collect()
                }
                None => {
                    let pulled = target.originals.iter();
                    let back = pulled.filter_map(|(lever, to)| {
                        Change::of(lever, guard_core::settle::setting_of(&function, lever)?, *to)
                    });
                    back.collect()
                }
            };
            for change in changes {
                let action = Action {
                    function: function.name.clone(),
                    change: change.clone(),
                    reason: Reason::HardLine,
                    budget: None,
                };
                if self.control.call(&mut self.roster.inventory, &action, is_down) != ApplyResult::Applied {
                    continue;
                }
                if depth.is_some() {
                    target.originals.entry(change.lever()).or_insert(change.from());
                } else {
                    target.originals.remove(&change.lever());
                }
                seat.world.schedule(place, change, self.control.delay_s(calls));
                calls += 1;
            }
        }
        self.targets = targets;
    }

    fn cost(&self, _: u32, _: &[TrafficTally]) -> Usd {
        Usd::ZERO
    }
}
