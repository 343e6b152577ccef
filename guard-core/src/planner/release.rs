//! Release: gradual, after a cooldown and in calm, by compare-and-set, back to exactly the original settings.

use chrono::Duration;

use super::{Draft, share};
use crate::budget::BudgetRule;
use crate::cost::UnitCost;
use crate::levers::{self, MAPPING_CONCURRENCY};
use crate::money::Usd;
use crate::observation::{Freshness, Observation};
use crate::plan::{Change, Lever, Reason, Setting, Verdict};
use crate::policy::{AtRollover, Mode};
use crate::posting::{FunctionReading, Reading};
use crate::roster::Roster;
use crate::state::{Latch, LeverState, Phase, State};
use crate::time::Minute;

/// A cap that started at the floor is removed altogether when the next doubling would pass this multiple of it.
const RAMP_UNTIL_FLOORS: u32 = 4;

/// Cooldowns double at every relapse, up to this many times: 30 minutes become 16 hours.
const DOUBLINGS_MAX: u32 = 5;

/// Records which capped functions are calm, ends flap windows that are over, and drops operators' orders that have
/// expired.
pub(super) fn mark_calm(roster: &Roster, state: &mut State, reading: &Reading, seen: &Observation) {
    let State { latches, operator, .. } = state;
    operator.holds.retain(|_, until| seen.at < *until);
    operator.pardons.retain(|_, until| seen.at < *until);
    let flap_window = Duration::hours(i64::from(roster.policy.release.flap_window_h));
    latches.retain(|_, latch| {
        let is_over = latch.phase == Phase::Watching && seen.at >= latch.phase_since + flap_window;
        !is_over || !latch.levers.is_empty()
    });
    let shares = if latches.is_empty() { Vec::new() } else { share::shares(roster, reading) };
    for (name, latch) in latches.iter_mut() {
        let index = roster.inventory.functions.binary_search_by(|function| function.name.cmp(name));
        let place = index
            .ok()
            .and_then(|index| reading.functions.binary_search_by(|reading| reading.index.cmp(&index)).ok());
        let function_reading = place.and_then(|place| reading.functions.get(place));
        let mut rules = roster.rules.iter().zip(&shares);
        let rule = latch.budget.as_ref().and_then(|budget| rules.find(|(rule, _)| rule.name == *budget));
        let calm = function_reading.is_some_and(|reading| is_calm(latch, rule, reading));
        latch.calm_since = match (calm, latch.calm_since) {
            (true, Some(since)) => Some(since),
            (true, None) => Some(reading.now),
            (false, _) => None,
        };
    }
}

/// Calm must be measured, not assumed: fresh data, nothing refused, nothing above the ordinary. If the ordinary is
/// unknown, because there is no history or the function is less than a day in use: spend within its share of the even
/// share of the budget, and concurrency below the cap.
fn is_calm(latch: &Latch, rule: Option<(&BudgetRule, &Usd)>, reading: &FunctionReading) -> bool {
    let is_unknown = share::is_unknown(reading);
    let excess = match rule {
        Some((rule, share)) if is_unknown => share::above(*share, rule, reading),
        _ => reading.excess_per_hour,
    };
    let saturated = latch.levers.iter().any(|lever| match (&lever.lever, lever.known()) {
        (Lever::ReservedConcurrency | Lever::MappingConcurrency { .. }, Setting::Concurrency(Some(cap))) => {
            cap > 0 && reading.concurrency_max >= cap
        }
        _ => false,
    });
    reading.freshness.is_trustworthy()
        && reading.throttles == 0
        && excess == Usd::ZERO
        && (!is_unknown || !saturated)
        && !is_waited_for(latch, reading)
}

/// Whether queues keep a function busy up to the guard's limit. As under a reservation, no event is refused then: the
/// surplus waits, and its size is unknown.
fn is_waited_for(latch: &Latch, reading: &FunctionReading) -> bool {
    let left = latch.levers.iter().filter_map(|lever| match (&lever.lever, lever.known()) {
        (Lever::MappingConcurrency { .. }, Setting::Concurrency(left)) => left,
        _ => None,
    });
    left.reduce(u32::saturating_add).is_some_and(|left| reading.concurrency_max >= left)
}

impl Draft<'_> {
    /// Takes the next step of every release that is due.
    pub(super) fn release(&mut self) {
        let mut latches: Vec<_> = self
            .state
            .latches
            .iter()
            .filter_map(|(name, latch)| Some((self.index_of(name)?, name, latch)))
            .collect();
        // Actions that give a reservation back come first: they free room for functions that get theirs again.
        latches.sort_by_key(|(index, _, latch)| !self.gives_back(*index, latch));
        for (index, name, latch) in latches {
            if latch.phase == Phase::Standing || latch.levers.is_empty() {
                continue;
            }
            if self.is_held(name) {
                self.reasons.insert(index, Reason::Operator);
                continue;
            }
            let of_guard = || latch.levers.iter().filter(|lever| !lever.is_elsewhere());
            if of_guard().next().is_none() || of_guard().any(|lever| lever.pending.is_some()) {
                continue;
            }
            match self.due(index, latch) {
                Ok(reason) => self.step(index, latch, &reason),
                Err(waiting) => {
                    self.reasons.entry(index).or_insert(waiting);
                }
            }
        }
    }

    /// The reason for taking the next step now, or for not taking it.
    fn due(&self, index: usize, latch: &Latch) -> Result<Reason, Reason> {
        let freshness = self.reading_of(index).map(|reading| reading.freshness).unwrap_or_default();
        // A function that no budget may hold any more is released, calm or not.
        if !self.is_asked_for(index, latch) {
            let is_known = freshness != Freshness::Unknown;
            return if is_known { Ok(Reason::Restored) } else { Err(Reason::Blind { freshness }) };
        }
        // Calm releases altogether; money only lets more through.
        self.due_in_calm(index, latch, freshness).or_else(|not_yet| {
            let affordable = self.affords_more(index, latch).ok_or(not_yet)?;
            Ok(Reason::Affords { affordable })
        })
    }

    /// The reason for taking the next step because of calm or a new period, or for not taking it.
    fn due_in_calm(&self, index: usize, latch: &Latch, freshness: Freshness) -> Result<Reason, Reason> {
        let rule = latch.budget.as_ref().and_then(|budget| self.rule(budget));
        let rolled = rule.is_some_and(|rule| {
            let place = self.roster.rules.iter().position(|other| other.name == rule.name);
            place.is_some_and(|place| self.reading.rolled.contains(&place))
        });
        if rolled
            && rule.is_some_and(|rule| rule.at_rollover == AtRollover::Release)
            && latch.phase == Phase::Capped
            && !self.would_trip(index)
        {
            return Ok(Reason::Rollover);
        }
        if let Some(rule) = rule.filter(|rule| self.stays_stopped(index, rule)) {
            let end = self.state.budgets.get(&rule.name).map_or(self.seen.at, |book| book.period_end);
            let minutes = u32::try_from((end - self.seen.at).num_minutes().max(0)).unwrap_or(u32::MAX);
            return Err(Reason::CoolingDown { minutes });
        }
        let release = self.roster.policy.release;
        let wait_min = match latch.phase {
            Phase::Ramping => release.calm_min,
            _ => release.cooldown_min.saturating_mul(1 << latch.relapses.min(DOUBLINGS_MAX)),
        };
        let waited = self.minutes_since(latch.phase_since);
        if !freshness.is_trustworthy() {
            return Err(Reason::Blind { freshness });
        }
        let calm_min = latch.calm_since.map_or(0, |since| calm_minutes(since, self.now()));
        let missing = wait_min.saturating_sub(waited).max(release.calm_min.saturating_sub(calm_min));
        if missing > 0 || latch.calm_since.is_none() || self.would_trip(index) {
            return Err(Reason::CoolingDown { minutes: missing.max(1) });
        }
        Ok(Reason::Calm { minutes: calm_min })
    }

    /// The concurrency that the remaining money of every budget affords a capped function until its period ends, and
    /// its amount in every later period, if that is at least twice the guard's limit: an amount was raised, or less was
    /// spent than the cap assumed. Functions held, or released within the flap window, get equal parts.
    fn affords_more(&self, index: usize, latch: &Latch) -> Option<u32> {
        let (function, member) =
            self.roster.inventory.functions.get(index).zip(self.roster.members.get(index))?;
        let reading = self.reading_of(index).filter(|reading| reading.freshness.is_trustworthy())?;
        let is_due = self.minutes_since(latch.phase_since) >= self.roster.policy.release.calm_min;
        // A stop has its own rule, and so has a standing ceiling.
        let is_stopped = latch
            .levers
            .iter()
            .any(|lever| matches!(lever.known(), Setting::Concurrency(Some(0)) | Setting::Enabled(false)));
        let is_held = matches!(latch.phase, Phase::Capped | Phase::Ramping) && !is_stopped;
        if latch.budget.is_none() || !is_due || !is_held || self.ceilings.contains_key(&index) {
            return None;
        }
        let counting = UnitCost::counting();
        let mut affordable = u32::MAX;
        for place in &member.budgets {
            let (Some(rule), Some(outlook)) = (self.roster.rules.get(*place), self.outlooks.get(*place))
            else {
                continue;
            };
            if self.roster.mode(index, rule) < Mode::Cap {
                continue;
            }
            // A budget that asks for action has no money to spare, whatever its period affords.
            if self.verdicts.get(*place) == Some(&Verdict::BreachedAlert) {
                return None;
            }
            let book = self.state.budgets.get(&rule.name)?;
            // The barrier has its own arithmetic, and a new period's money does not lift a cap held until calm.
            let is_older = latch.phase_since < book.period_start && rule.at_rollover == AtRollover::Hold;
            if rule.guarantee || is_older || self.stays_stopped(index, rule) {
                return None;
            }
            let functions = self.roster.inventory.functions.iter().zip(&self.roster.members);
            let held = functions.filter(|(function, member)| {
                member.budgets.contains(place) && self.state.latches.contains_key(&function.name)
            });
            let held = i128::try_from(held.count().max(1)).unwrap_or(i128::MAX);
            let left = rule.amount - outlook.line().expected - outlook.ordinary_to_come;
            let unit = rule.unit_cost(&member.unit, &counting);
            let each = |money: Usd, seconds: i64| {
                let seconds = u64::try_from(seconds.max(1)).unwrap_or(1);
                levers::affordable(money.at_least_zero().mul_div_up(1, held), seconds, unit)
            };
            let period_s = (book.period_end - book.period_start).num_seconds();
            let now = each(left, (book.period_end - self.seen.at).num_seconds());
            affordable = affordable.min(now).min(each(rule.amount, period_s));
        }
        let floor = self.roster.floor(index, reading.concurrency_p99);
        let left = levers::reach(function)?.max(floor);
        (affordable >= left.saturating_mul(2)).then_some(affordable)
    }

    /// Twice the guard's limit, at least the floor; never more than the original, nor more than there is room for.
    fn doubled(&self, index: usize, lever: &LeverState, floor: u32) -> Setting {
        let (Setting::Concurrency(Some(cap)), Setting::Concurrency(original)) =
            (lever.known(), lever.original)
        else {
            return lever.original;
        };
        let most = match lever.lever {
            Lever::ReservedConcurrency => self.roster.inventory.account.concurrency,
            _ => MAPPING_CONCURRENCY.1,
        };
        let doubled = cap.saturating_mul(2).max(floor);
        if doubled >= original.unwrap_or(most) {
            return self.within_room(index, lever, lever.original);
        }
        self.within_room(index, lever, Setting::Concurrency(Some(doubled)))
    }

    /// One step up: mappings poll again, concurrency doubles, and once all of that is restored, the retries.
    fn step(&mut self, index: usize, latch: &Latch, reason: &Reason) {
        let floor = self.floor_of(index);
        let is_queue = |lever: &&LeverState| matches!(lever.lever, Lever::MappingConcurrency { .. });
        let queues = u32::try_from(latch.levers.iter().filter(is_queue).count().max(1)).unwrap_or(u32::MAX);
        let steps: Vec<(LeverState, Setting)> = latch
            .levers
            .iter()
            .rev()
            .filter(|lever| lever.lever != Lever::AsyncConfig && !lever.is_elsewhere())
            .map(|lever| {
                // Several queues share a floor as they share a cap.
                let floor = match lever.lever {
                    Lever::MappingConcurrency { .. } => floor.div_ceil(queues).max(MAPPING_CONCURRENCY.0),
                    _ => floor,
                };
                let to = match reason {
                    Reason::Restored => self.within_room(index, lever, lever.original),
                    Reason::Affords { .. } => self.doubled(index, lever, floor),
                    _ => self.next(index, lever, floor),
                };
                (lever.clone(), to)
            })
            .collect();
        let all_back = steps.iter().all(|(lever, to)| *to == lever.original);
        let retries = latch
            .levers
            .iter()
            .filter(|lever| all_back && lever.lever == Lever::AsyncConfig && !lever.is_elsewhere());
        let retries: Vec<_> = retries.map(|lever| (lever.clone(), lever.original)).collect();
        let rule = latch.budget.as_ref().and_then(|budget| self.rule(budget));
        for (lever, to) in steps.into_iter().chain(retries) {
            let Some(change) = Change::of(&lever.lever, lever.known(), to).filter(|_| to != lever.known())
            else {
                if let (Setting::Concurrency(Some(wanted)), Setting::Concurrency(from)) =
                    (lever.original, lever.known())
                    && to != lever.original
                    && !self.ceilings.contains_key(&index)
                {
                    let room = self.pool.room(from);
                    self.reasons.entry(index).or_insert(Reason::NoRoom { wanted, room });
                }
                continue;
            };
            let reason = match reason {
                Reason::Calm { .. } if to == lever.original => Reason::Restored,
                other => other.clone(),
            };
            self.act(index, change, reason, rule);
        }
    }

    pub(super) fn floor_of(&self, index: usize) -> u32 {
        let p99 = self.reading_of(index).and_then(|reading| reading.concurrency_p99);
        self.roster.floor(index, p99)
    }

    /// Whether the next step of a release would leave a function without reservation.
    fn gives_back(&self, index: usize, latch: &Latch) -> bool {
        let lever = latch.lever(&Lever::ReservedConcurrency);
        let lever = lever.filter(|lever| !lever.is_elsewhere());
        lever.is_some_and(|lever| self.next(index, lever, self.floor_of(index)) == Setting::Concurrency(None))
    }

    /// A setting as far as the pool has room for it. A reservation that does not fit takes the room there is. It stays
    /// unchanged if there is none, or if AWS refuses that much because more is provisioned.
    pub(super) fn within_room(&self, index: usize, lever: &LeverState, to: Setting) -> Setting {
        let (Lever::ReservedConcurrency, Setting::Concurrency(Some(wanted)), Setting::Concurrency(from)) =
            (&lever.lever, to, lever.known())
        else {
            return to;
        };
        let provisioned =
            self.roster.inventory.functions.get(index).map_or(0, |function| function.provisioned);
        let room = self.pool.room(from);
        if wanted <= room {
            to
        } else if from.is_some_and(|from| from < room) && room >= provisioned {
            Setting::Concurrency(Some(room))
        } else {
            lever.known()
        }
    }

    /// The next value of a lever on its way back to the original.
    fn next(&self, index: usize, lever: &LeverState, floor: u32) -> Setting {
        let (Setting::Concurrency(Some(cap)), Setting::Concurrency(original)) =
            (lever.known(), lever.original)
        else {
            return lever.original;
        };
        // AWS refuses a reservation below the provisioned concurrency.
        let provisioned = match lever.lever {
            Lever::ReservedConcurrency => {
                self.roster.inventory.functions.get(index).map_or(0, |function| function.provisioned)
            }
            _ => 0,
        };
        let doubled = cap.saturating_mul(2).max(floor).max(provisioned);
        let end = original.unwrap_or_else(|| floor.saturating_mul(RAMP_UNTIL_FLOORS).saturating_add(1));
        let highest = match lever.lever {
            Lever::ReservedConcurrency => self.pool.room(Some(cap)),
            _ => MAPPING_CONCURRENCY.1,
        };
        let held = self.ceilings.get(&index).filter(|_| lever.lever == Lever::ReservedConcurrency);
        if let Some(held) = held.filter(|held| doubled.min(end) >= held.ceiling) {
            let ceiling = held.ceiling.max(cap).max(provisioned);
            if ceiling <= highest {
                return Setting::Concurrency(Some(ceiling));
            }
            // No room for the standing ceiling: the barrier stays where it is, the envelope cannot be held.
            if matches!(held.reason, Reason::Barrier { .. }) {
                return Setting::Concurrency(Some(cap));
            }
        }
        if doubled >= end || doubled > highest {
            return self.within_room(index, lever, lever.original);
        }
        Setting::Concurrency(Some(doubled))
    }
}

fn calm_minutes(since: Minute, now: Minute) -> u32 {
    u32::try_from(now.since(since).max(0)).unwrap_or(u32::MAX)
}
