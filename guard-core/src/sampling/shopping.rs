//! The glances that one tick buys.

use std::collections::BTreeSet;

use super::choice::{Candidate, choose};
use super::metrics_of_glance;
use super::watched::Watched;
use crate::ledger::CATCH_UP_MIN;
use crate::posting::Rests;
use crate::roster::Roster;
use crate::time::Minute;

/// Metrics of the glances of one tick: as many as fill five calls. A walk that does not fit continues at the next tick.
const GLANCE_METRICS_MAX: u64 = 2_500;

/// A look aims at this fraction of the tolerated hidden spend.
const AIM_PART: i128 = 2;

/// The purchases of one tick.
pub(super) struct Shopping<'a> {
    pub(super) roster: &'a Roster,
    pub(super) rests: &'a Rests,
    pub(super) settled: Minute,
    pub(super) in_focus: &'a BTreeSet<usize>,
    /// Metrics that are paid for, and the number including a possible overdraft.
    pub(super) purse: (u64, u64),
    pub(super) glances: BTreeSet<usize>,
    pub(super) metrics: u64,
    pub(super) with_concurrency: bool,
}

impl Shopping<'_> {
    /// Buys the glances that one budget asks for, as far as they can be paid for.
    pub(super) fn buy(&mut self, watch: &Watched<'_>) {
        let candidates = self.candidates(watch);
        let aim = watch.threshold.mul_div_up(1, AIM_PART);
        let halved = watch.suspicion().mul_div_up(1, 2);
        let (paid, overdrawn) = self.purse;
        let most = if watch.is_urgent() { overdrawn } else { paid };
        let everybody = || (0..candidates.len()).collect::<Vec<usize>>();
        let best = choose(&candidates, &watch.unexplained, aim).unwrap_or_else(everybody);
        let cost = self.cost(&candidates, &best);
        let left = most.saturating_sub(self.metrics);
        let chosen = if cost <= left {
            best
        } else {
            let fewer = choose(&candidates, &watch.unexplained, halved).filter(|_| halved > aim);
            match fewer.filter(|fewer| self.cost(&candidates, fewer) <= left) {
                Some(fewer) => fewer,
                // Half of the choice is worth buying.
                None if 2 * left >= cost => best,
                None => return,
            }
        };
        self.take(&candidates, chosen, left.min(GLANCE_METRICS_MAX.saturating_sub(self.metrics)));
    }

    /// Takes the dearest and longest unseen first, up to the given number of metrics.
    fn take(&mut self, candidates: &[Candidate], chosen: Vec<usize>, mut left: u64) {
        let mut chosen: Vec<&Candidate> =
            chosen.into_iter().filter_map(|place| candidates.get(place)).collect();
        chosen.sort_by_key(|one| (std::cmp::Reverse(one.price * i128::from(one.minutes)), one.index));
        for one in chosen {
            let metrics = metrics_of_glance(self.roster, one.index, self.with_concurrency);
            if metrics > left {
                break;
            }
            if self.glances.insert(one.index) {
                left -= metrics;
                self.metrics += metrics;
            }
        }
    }

    fn cost(&self, candidates: &[Candidate], chosen: &[usize]) -> u64 {
        let of = |place: &usize| {
            candidates
                .get(*place)
                .map_or(0, |one| metrics_of_glance(self.roster, one.index, self.with_concurrency))
        };
        chosen.iter().map(of).sum()
    }

    /// The functions of a scope that are not in focus, dearest first.
    fn candidates(&self, watch: &Watched<'_>) -> Vec<Candidate> {
        let reach = self.settled.plus(-CATCH_UP_MIN);
        let mut candidates = Vec::new();
        for index in self.roster.covered.get(watch.place).into_iter().flatten() {
            let (Some(looked), Some(member)) = (self.rests.rows.get(*index), self.roster.members.get(*index))
            else {
                continue;
            };
            let minutes = self.settled.since(looked.until.max(reach));
            if minutes > 0 && !self.in_focus.contains(index) {
                let (price, us) = (member.per_busy_second, looked.usual.over(minutes).us);
                candidates.push(Candidate { index: *index, price, minutes, us });
            }
        }
        candidates
    }
}
