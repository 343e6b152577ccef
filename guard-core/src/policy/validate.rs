//! Rules beyond the types of a policy: ranges, patterns, and settings that contradict each other. All problems are
//! collected, because an owner who mistyped one number has often mistyped two.

use std::collections::BTreeMap;

use wildmatch::WildMatch;

use super::error::{KeyPath, Problem};
use super::ranges::{self, Accepted, AcceptedUsd};
use super::{Budget, Companion, Mode, Period, Policy, Scope, syntax};
use crate::money::{Usd, grouped};
use crate::time::timezone;

/// Everything wrong with the policy, in the order of its keys.
pub(super) fn problems(policy: &Policy) -> Vec<Problem> {
    let mut checker = Checker::default();
    checker.settings(policy);
    checker.protected(&policy.protected);
    checker.companions(&policy.companion);
    checker.budgets(policy);
    checker.problems
}

#[derive(Default)]
struct Checker {
    problems: Vec<Problem>,
    /// The named thing under examination.
    of: Option<String>,
}

impl Checker {
    fn refuse(&mut self, key: KeyPath, message: impl Into<String>) {
        self.problems.push(Problem { position: None, key, of: self.of.clone(), message: message.into() });
    }

    fn number(&mut self, key: KeyPath, value: impl Into<u64>, accepted: Accepted) {
        let value = value.into();
        if !accepted.contains(value) {
            let value = grouped(value.into());
            self.refuse(key, format!("{value} is out of range; accepted: {accepted}"));
        }
    }

    fn usd(&mut self, key: KeyPath, value: Usd, accepted: AcceptedUsd) {
        if !accepted.contains(value) {
            self.refuse(key, format!("{value} is out of range; accepted: {accepted}"));
        }
    }

    fn text(&mut self, key: KeyPath, checked: Result<(), String>) {
        if let Err(message) = checked {
            self.refuse(key, message);
        }
    }

    fn settings(&mut self, policy: &Policy) {
        let root = KeyPath::default();
        self.number(root.key("schema"), policy.schema, ranges::SCHEMA);
        self.text(root.key("timezone"), timezone(&policy.timezone).map(drop).map_err(|e| e.to_string()));
        let (at, timing) = (root.key("timing"), policy.timing);
        self.number(at.key("metric_lag_s"), timing.metric_lag_s, ranges::METRIC_LAG_S);
        self.number(at.key("tick_s"), timing.tick_s, ranges::TICK_S);
        self.number(at.key("actuation_s"), timing.actuation_s, ranges::ACTUATION_S);
        self.number(at.key("decay_half_life_min"), timing.decay_half_life_min, ranges::DECAY_HALF_LIFE_MIN);
        let (at, floor) = (root.key("floor"), policy.floor);
        self.number(at.key("headroom_percent"), floor.headroom_percent, ranges::HEADROOM_PERCENT);
        self.number(at.key("minimum"), floor.minimum, ranges::FLOOR_MINIMUM);
        self.number(root.key("tags").key("floor"), policy.tags.floor, ranges::TAG_FLOOR);
        let (at, release) = (root.key("release"), policy.release);
        self.number(at.key("cooldown_min"), release.cooldown_min, ranges::COOLDOWN_MIN);
        self.number(at.key("calm_min"), release.calm_min, ranges::CALM_MIN);
        self.number(at.key("flap_window_h"), release.flap_window_h, ranges::FLAP_WINDOW_H);
        let (at, alerts) = (root.key("alerts"), &policy.alerts);
        self.number(at.key("realert_min"), alerts.realert_min, ranges::REALERT_MIN);
        self.text(at.key("runbook"), syntax::check_address(&alerts.runbook));
        let (at, limits) = (root.key("limits"), policy.limits);
        self.number(at.key("actions_per_tick"), limits.actions_per_tick, ranges::ACTIONS_PER_TICK);
        if let Some(kept) = limits.keep_unreserved {
            self.number(at.key("keep_unreserved"), kept, ranges::KEEP_UNRESERVED);
        }
        if let Some(most) = limits.own_cost_usd_per_month {
            self.usd(at.key("own_cost_usd_per_month"), most, ranges::OWN_COST_USD_PER_MONTH);
        }
    }

    fn protected(&mut self, entries: &[String]) {
        let at = KeyPath::default().key("protected");
        for (i, entry) in entries.iter().enumerate() {
            self.text(at.index(i), syntax::protected_entry(entry).map(drop));
        }
    }

    fn companions(&mut self, companions: &[Companion]) {
        for (i, companion) in companions.iter().enumerate() {
            let at = KeyPath::default().key("companion").index(i);
            self.of = Some(format!("companion {:?}", companion.functions));
            self.text(at.key("functions"), syntax::check_name_pattern(&companion.functions));
            let earlier = companions
                .iter()
                .take(i.min(COMPARED))
                .position(|e| covers(&e.functions, &companion.functions));
            if let Some(earlier) = earlier {
                let pattern = companions.get(earlier).map_or("", |e| e.functions.as_str());
                self.refuse(
                    at.key("functions"),
                    format!(
                        "{:?} is never reached: companion[{earlier}] {pattern:?} comes first and matches the same functions; accepted: the special entry before the general one",
                        companion.functions
                    ),
                );
            }
            self.number(at.key("log_bytes"), companion.log_bytes, ranges::LOG_BYTES);
            let other = companion.other_usd_per_million;
            self.usd(at.key("other_usd_per_million"), other, ranges::OTHER_USD_PER_MILLION);
            self.number(at.key("init_ms"), companion.init_ms, ranges::INIT_MS);
        }
        self.of = None;
    }

    fn budgets(&mut self, policy: &Policy) {
        let mut named: BTreeMap<&str, usize> = BTreeMap::new();
        for (i, budget) in policy.budget.iter().enumerate() {
            let at = KeyPath::default().key("budget").index(i);
            self.of = Some(format!("budget {:?}", budget.name));
            if !syntax::is_budget_name(&budget.name) {
                let accepted = "1 to 64 letters, digits, `-`, `_` or `.`";
                self.refuse(at.key("name"), format!("{:?} is not a name; accepted: {accepted}", budget.name));
            }
            if let Some(first) = named.get(budget.name.as_str()) {
                let message = format!(
                    "{:?} is already the name of budget[{first}]; accepted: a name of its own",
                    budget.name
                );
                self.refuse(at.key("name"), message);
            }
            named.entry(&budget.name).or_insert(i);
            self.scope(&at.key("scope"), &budget.scope);
            self.amount(&at, budget);
            self.thresholds(&at.key("thresholds_percent"), &budget.thresholds_percent);
            self.promises(&at, budget);
            self.reachable(&at, budget, policy);
        }
        self.of = None;
    }

    fn scope(&mut self, at: &KeyPath, scope: &Scope) {
        if let Some(pattern) = &scope.functions {
            self.text(at.key("functions"), syntax::check_name_pattern(pattern));
        }
        for (tag, value) in &scope.tags {
            let at = at.key("tags").key(tag);
            self.text(at.clone(), syntax::check_tag_key(tag));
            self.text(at, syntax::check_tag_value(value));
        }
    }

    fn amount(&mut self, at: &KeyPath, budget: &Budget) {
        match (budget.usd, budget.invocations) {
            (Some(usd), None) => self.usd(at.key("usd"), usd, ranges::BUDGET_USD),
            (None, Some(count)) => {
                self.number(at.key("invocations"), count, ranges::BUDGET_INVOCATIONS);
            }
            (Some(_), Some(_)) => self.refuse(
                at.key("invocations"),
                "the budget has both `usd` and `invocations`; accepted: one of them (two budgets may share a scope)",
            ),
            (None, None) => self.refuse(
                at.key("usd"),
                format!(
                    "the budget has no amount; accepted: `usd`, {}, or `invocations`, {}",
                    ranges::BUDGET_USD,
                    ranges::BUDGET_INVOCATIONS
                ),
            ),
        }
    }

    /// An empty list is accepted: the budget then warns at no percentage, and still reports its caps.
    fn thresholds(&mut self, at: &KeyPath, thresholds: &[u32]) {
        for (i, threshold) in thresholds.iter().enumerate() {
            self.number(at.index(i), *threshold, ranges::THRESHOLD_PERCENT);
        }
        for (i, pair) in thresholds.windows(2).enumerate() {
            if let [before, after] = pair
                && before >= after
            {
                self.refuse(
                    at.index(i + 1),
                    format!(
                        "{after} after {before} is not ascending; accepted: each number once, the least first"
                    ),
                );
            }
        }
    }

    /// A mode that may not act cannot keep a promise to act.
    fn promises(&mut self, at: &KeyPath, budget: &Budget) {
        let mode = match budget.mode {
            Mode::Observe => "observe",
            Mode::Alert => "alert",
            Mode::Cap | Mode::Stop => "",
        };
        for (key, promised) in [("envelope", budget.envelope), ("guarantee", budget.guarantee)] {
            if promised && !mode.is_empty() {
                let message = format!(
                    "true contradicts mode `{mode}`, which changes nothing; accepted: false, or mode `cap` or `stop`"
                );
                self.refuse(at.key(key), message);
            }
        }
        if budget.guarantee && budget.invocations.is_some() {
            self.refuse(
                at.key("guarantee"),
                "true needs an amount in `usd`: the barrier weighs ceilings in dollars; accepted: false, or `usd` instead of `invocations`",
            );
        }
    }

    /// Lines that the guard cannot reach in time.
    fn reachable(&mut self, at: &KeyPath, budget: &Budget, policy: &Policy) {
        if let Some(slack) = budget.slack.filter(|slack| slack.exceeds(budget.period)) {
            self.refuse(
                at.key("slack"),
                format!(
                    "`{slack}` is more than the whole budget; accepted: less, or `period`, which means to act at the line only"
                ),
            );
        }
        if budget.period != Period::Hour {
            return;
        }
        let reaction_s = policy.timing.reaction_s();
        if reaction_s >= SECONDS_PER_HOUR && budget.mode >= Mode::Cap {
            let reaction_s = grouped(reaction_s.into());
            self.refuse(
                at.key("period"),
                format!(
                    "`hour` ends before the guard can act: `timing` adds up to {reaction_s} s from cause to effect; accepted: a longer period, or less than 3,600 s"
                ),
            );
        }
    }
}

/// Companions that later ones are compared with: a list of thousands must not take minutes to refuse.
const COMPARED: usize = 200;

const SECONDS_PER_HOUR: u32 = 3600;

/// Whether every name that `later` matches is matched by `earlier`; may miss cases, never claims a wrong one.
fn covers(earlier: &str, later: &str) -> bool {
    // Read as a text, a `*` of `later` must fall to a `*` of `earlier`: a `?` would take it for one letter.
    let comparable = !earlier.contains('?') || !later.contains('*');
    !later.is_empty() && comparable && WildMatch::new(earlier).matches(later)
}
