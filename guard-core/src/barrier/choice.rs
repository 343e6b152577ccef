//! Choosing ceilings: the largest that leave enough, in steps that stay for a while.

use super::{Ceilings, RESERVE_TICKS, STANDING_TICKS, Scope, Subject};

/// Ticks in reserve for a changed ceiling.
const CHANGED: u64 = RESERVE_TICKS + STANDING_TICKS;

/// Ceilings are loosened by at least a tenth: to at least this many tenths.
const LOOSENED_TENTHS: u64 = 11;

/// A thousandth of its demand is the least by which every function's ceiling grows beyond what is ordinary.
const DEMAND_STEP: u64 = 1000;

impl Scope<'_> {
    /// The ceilings to set now, with at most as many changes as a tick may make.
    ///
    /// - A ceiling in force stays while it leaves the reserve: `P(C) + w·h·C ≤ M`.
    /// - Otherwise it falls to a value that leaves five ticks more. By the last look's reserve, 0.6 of it does.
    /// - It is loosened, by at least a tenth, only to a value that would have fitted had it always been in force.
    ///
    /// Before the promise is `kept`, earlier ceilings may have allowed more than fits: then the ceilings are limited to
    /// those that would have fitted if they had always been in force.
    pub fn decide(&self, kept: bool, may_loosen: bool) -> Ceilings {
        let now = self.now();
        let fits = |to: &[Option<u32>], ticks: u64| {
            let worst = if kept { self.proved(to, ticks) } else { self.steady(to, ticks) };
            worst <= self.amount
        };
        if !fits(&now, RESERVE_TICKS) {
            let target = self.largest(&|to| fits(to, CHANGED));
            let is_safe = |to: &[Option<u32>]| !kept || self.proved(to, 0) <= self.amount;
            return self.tightened(now, &target, &|to| fits(to, CHANGED), &is_safe);
        }
        if !may_loosen {
            return now;
        }
        let lasts = |to: &[Option<u32>]| self.steady(to, CHANGED) <= self.amount && fits(to, CHANGED);
        let target = self.largest(&lasts);
        self.loosened(now, &target, &lasts)
    }

    /// The lowest ceilings that can be set, as far as a tick may make changes.
    pub fn cut_off(&self) -> Ceilings {
        self.tightened(self.now(), &self.least(), &|_| false, &|_| true)
    }

    /// The largest ceilings that fit: the wanted ones; otherwise the ordinary of each, the cheapest first, then in
    /// proportion to demand.
    fn largest(&self, fits: &dyn Fn(&[Option<u32>]) -> bool) -> Ceilings {
        let wanted: Ceilings = (self.functions.iter())
            .map(|function| if function.is_fixed { function.now } else { function.wanted })
            .collect();
        if fits(&wanted) {
            return wanted;
        }
        // If there is no room for ceilings of their own, functions may share the pool as long as that fits.
        let needed = self.movable().map(|(_, function)| u64::from(self.needed(function))).sum::<u64>();
        if needed > u64::from(self.room) {
            let shared: Ceilings = (self.least().into_iter().zip(&wanted))
                .map(|(least, wanted)| if wanted.is_none() { None } else { least })
                .collect();
            if fits(&shared) {
                return self.filled(shared, fits);
            }
        }
        self.filled(self.least(), fits)
    }

    /// Raises ceilings from the lowest as far as they fit.
    fn filled(&self, least: Ceilings, fits: &dyn Fn(&[Option<u32>]) -> bool) -> Ceilings {
        let mut order: Vec<(usize, &Subject<'_>)> =
            self.movable().filter(|(index, _)| least.get(*index).is_some_and(Option::is_some)).collect();
        order.sort_by_key(|(index, function)| (function.worst * i128::from(self.needed(function)), *index));
        let room: u64 = u64::from(self.room);
        let total = |to: &[Option<u32>]| -> u64 {
            self.movable().filter_map(|(index, _)| Some(u64::from((*to.get(index)?)?))).sum()
        };
        let holds = |to: &[Option<u32>]| total(to) <= room && fits(to);
        let with_needs = |count: usize| {
            let mut to = least.clone();
            for (index, function) in order.iter().take(count) {
                set(&mut to, *index, self.needed(function));
            }
            to
        };
        let served = greatest(order.len(), |count| holds(&with_needs(count)));
        let base = with_needs(served);
        if let Some((index, function)) = order.get(served) {
            let partly = |units: usize| {
                let mut to = base.clone();
                set(&mut to, *index, function.least.saturating_add(u32::try_from(units).unwrap_or(u32::MAX)));
                to
            };
            let most = usize::try_from(self.needed(function).saturating_sub(function.least)).unwrap_or(0);
            return partly(greatest(most, |units| holds(&partly(units))));
        }
        let beyond = |steps: usize| {
            let mut to = base.clone();
            for (index, function) in &order {
                let steps = u64::try_from(steps).unwrap_or(u64::MAX);
                let more = u64::from(function.demand).saturating_mul(steps) / DEMAND_STEP;
                let more = u32::try_from(more).unwrap_or(u32::MAX);
                set(&mut to, *index, self.needed(function).saturating_add(more).min(self.most(function)));
            }
            to
        };
        let most = order.iter().map(|(_, function)| self.most(function)).max().unwrap_or(0);
        let most = usize::try_from(u64::from(most) * DEMAND_STEP).unwrap_or(usize::MAX);
        beyond(greatest(most, |steps| holds(&beyond(steps))))
    }

    /// Lowers ceilings towards the target until they fit, functions in the pool first, then the dearest.
    fn tightened(
        &self,
        now: Ceilings,
        target: &[Option<u32>],
        fits: &dyn Fn(&[Option<u32>]) -> bool,
        is_safe: &dyn Fn(&[Option<u32>]) -> bool,
    ) -> Ceilings {
        let mut order: Vec<(bool, crate::money::Usd, usize, u32)> = Vec::new();
        for ((index, function), (now, to)) in self.functions.iter().enumerate().zip(now.iter().zip(target)) {
            match (now, to) {
                (None, Some(to)) => order.push((false, function.worst, index, *to)),
                (Some(now), Some(to)) if to < now => {
                    order.push((true, function.worst * i128::from(now - to), index, *to));
                }
                _ => {}
            }
        }
        order.sort_by(|a, b| (a.0, b.1, a.2).cmp(&(b.0, a.1, b.2)));
        let mut to = now;
        let mut moved = Vec::new();
        for (_, _, index, ceiling) in order {
            if moved.len() >= self.actions || (!moved.is_empty() && fits(&to)) {
                break;
            }
            set(&mut to, index, ceiling);
            moved.push(index);
        }
        // More changes are needed than a tick may make: as many as possible go to the minimum until the rest follow.
        if !is_safe(&to) && !fits(&to) && moved.len() >= self.actions {
            for index in moved {
                if let Some(function) = self.functions.get(index) {
                    set(&mut to, index, function.least);
                }
            }
        }
        to
    }

    /// Raises ceilings by a tenth or more towards the target, those below the function's ordinary first.
    fn loosened(
        &self,
        now: Ceilings,
        target: &[Option<u32>],
        fits: &dyn Fn(&[Option<u32>]) -> bool,
    ) -> Ceilings {
        let is_starved = |index: usize, function: &Subject<'_>| {
            let has = |to: &[Option<u32>]| to.get(index).copied().flatten().unwrap_or(u32::MAX);
            has(&now) < self.needed(function) && has(target) > has(&now)
        };
        let mut order: Vec<(bool, usize)> = Vec::new();
        for (index, function) in self.movable().filter(|(_, function)| function.is_seen) {
            let (Some(Some(has)), Some(to)) = (now.get(index).copied(), target.get(index)) else { continue };
            let is_looser =
                to.is_none_or(|to| to > has && u64::from(to) * 10 >= u64::from(has) * LOOSENED_TENTHS);
            if is_looser {
                order.push((!is_starved(index, function), index));
            }
        }
        order.sort_unstable();
        let mut to = now.clone();
        for (_, index) in order.iter().take(self.actions) {
            copy(&mut to, target, *index);
        }
        if fits(&to) {
            return to;
        }
        // The total covers the ordinary, but other functions hold it.
        let starved: Vec<usize> =
            order.iter().filter(|(is_fine, _)| !is_fine).map(|(_, index)| *index).collect();
        let lower = self.movable().map(|(index, _)| index).filter(|index| {
            matches!((now.get(*index), target.get(*index)), (Some(Some(now)), Some(Some(to))) if to < now)
        });
        let mut to = now.clone();
        for index in lower.chain(starved.iter().copied()).take(self.actions) {
            copy(&mut to, target, index);
        }
        if !starved.is_empty() && fits(&to) { to } else { now }
    }

    fn movable(&self) -> impl Iterator<Item = (usize, &Subject<'_>)> {
        self.functions.iter().enumerate().filter(|(_, function)| !function.is_fixed)
    }

    /// The ordinary of a function, at least its minimum, at most its maximum.
    fn needed(&self, function: &Subject<'_>) -> u32 {
        function.need.min(self.most(function)).max(function.least)
    }

    /// The highest ceiling of its own that a function may have.
    fn most(&self, function: &Subject<'_>) -> u32 {
        function.wanted.unwrap_or(self.pool_units.min(self.room)).max(function.least)
    }
}

fn set(to: &mut [Option<u32>], index: usize, ceiling: u32) {
    if let Some(slot) = to.get_mut(index) {
        *slot = Some(ceiling);
    }
}

fn copy(to: &mut [Option<u32>], target: &[Option<u32>], index: usize) {
    if let (Some(slot), Some(ceiling)) = (to.get_mut(index), target.get(index)) {
        *slot = *ceiling;
    }
}

/// The greatest number up to `most` for which a condition holds that holds for all smaller ones; 0 if for none.
fn greatest(most: usize, holds: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, most);
    while low < high {
        let middle = low + (high - low).div_ceil(2);
        if holds(middle) { low = middle } else { high = middle - 1 }
    }
    low
}
