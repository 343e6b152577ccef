//! Why a goal was missed, from the data of the replay alone: the caps in force while the money was spent, the functions
//! that spent it, the actions that the policy forbade, and the faults at the time.

use std::collections::BTreeMap;

use guard_core::money::Usd;
use guard_core::plan::{Change, Reason};
use guard_core::policy::Mode;
use guard_core::settle::ApplyResult;

use crate::replay::Replay;
use crate::request::Request;
use crate::run::PeriodSpend;
use crate::scenario::{Event, Happening};

/// Where the money past a line went. `limit` is the amount allowed past it; a run of the attack lasts `run_min` minutes,
/// 1 to 15.
pub(super) fn overrun(
    request: &Request<'_>,
    replay: &Replay,
    period: &PeriodSpend,
    limit: Usd,
    run_min: u32,
) -> Vec<String> {
    let past = period.past;
    let all = past.before.total() + past.during.total() + past.after.total();
    let mut told = vec![format!(
        "{} of {}: {} past the line, {} allowed",
        period.budget,
        period.amount,
        cents(all),
        cents(limit)
    )];
    if !replay.armed {
        told.push("the policy is disarmed".to_owned());
    } else if !acts(request, period) {
        told.push("the budget only alerts".to_owned());
    }
    if shows(past.before.total()) {
        let after_line =
            period.held.zip(period.crossed).map(|(held, crossed)| (held - crossed).num_minutes());
        let when = match after_line {
            None => "and nothing was ever held".to_owned(),
            Some(minutes) => format!("which came {minutes} min after the line was crossed"),
        };
        told.push(format!("{} before anything was held, {when}", cents(past.before.total())));
    }
    if shows(past.during.total()) {
        told.push(format!("{} under the cap{}", cents(past.during.total()), caps(replay)));
    }
    if shows(past.after.total()) {
        told.push(format!("{} after what was held was free again", cents(past.after.total())));
    }
    let rest = past.before.rest + past.during.rest + past.after.rest;
    if rest * 20 > all {
        told.push(format!("{} of it is not the attack's: legitimate traffic past the line", cents(rest)));
    }
    if run_min > 5 {
        told.push(format!("a run of the attack lasts up to {run_min} min, and cannot be stopped once begun"));
    }
    told.extend(refusals(replay));
    told.extend(out_of_order(request, replay));
    told
}

fn acts(request: &Request<'_>, period: &PeriodSpend) -> bool {
    let budget = request.scenario.policy.budget.iter().find(|budget| budget.name == period.budget.as_str());
    budget.is_none_or(|budget| budget.mode >= Mode::Cap)
}

/// Whether an amount is worth a sentence: half a cent at least.
fn shows(usd: Usd) -> bool {
    usd * 200 >= Usd::from_dollars(1)
}

/// Dollars and cents, rounded.
fn cents(usd: Usd) -> String {
    format!("${:.2}", usd.to_f64())
}

/// A cap; if the money set it, the concurrency that the money afforded, and the floor.
type Lowest = (u32, Option<(u32, u32)>);

/// The lowest cap of each function, and the concurrency that the money would have afforded.
fn caps(replay: &Replay) -> String {
    let mut lowest: BTreeMap<&str, Lowest> = BTreeMap::new();
    for tick in &replay.with.ticks {
        for (action, outcome) in tick.plan.actions.iter().zip(&tick.outcomes) {
            let to = match outcome.change {
                Change::ReservedConcurrency { to: Some(to), .. }
                | Change::MappingConcurrency { to: Some(to), .. } => to,
                _ => continue,
            };
            if outcome.result != ApplyResult::Applied || action.function != outcome.function {
                continue;
            }
            let depth = match action.reason {
                Reason::BudgetLine { affordable, floor, .. }
                | Reason::SlackUsedUp { affordable, floor, .. } => Some((affordable, floor)),
                _ => None,
            };
            let known = lowest.entry(outcome.function.as_str()).or_insert((to, depth));
            if to < known.0 {
                *known = (to, depth.or(known.1));
            }
        }
    }
    let told = lowest.into_iter().take(3).map(|(function, (to, depth))| match depth {
        Some((affordable, floor)) if affordable < floor => {
            format!("{function} at {to}: the money affords {affordable}, the floor is {floor}")
        }
        _ => format!("{function} at {to}"),
    });
    let told: Vec<String> = told.collect();
    if told.is_empty() { String::new() } else { format!(" ({})", told.join("; ")) }
}

/// The actions not taken during the attack, and why not.
fn refusals(replay: &Replay) -> Vec<String> {
    let (from, until) = replay.attack.unwrap_or((0, u32::MAX));
    let mut told: Vec<String> = Vec::new();
    for tick in replay.with.ticks.iter().filter(|tick| (from..=until).contains(&tick.minute)) {
        for refusal in &tick.plan.refusals {
            let is_final = matches!(
                refusal.reason,
                Reason::NoRoom { .. }
                    | Reason::EventLoss
                    | Reason::Protected
                    | Reason::ChangedBySomebodyElse { .. }
                    | Reason::Unsafe { .. }
            );
            let line = format!("{} was left alone: {}", refusal.function, refusal.reason);
            if is_final && !told.contains(&line) {
                told.push(line);
            }
        }
    }
    told.truncate(3);
    told
}

/// The faults while the attack went on.
fn out_of_order(request: &Request<'_>, replay: &Replay) -> Vec<String> {
    let (from, until) = replay.attack.unwrap_or((0, u32::MAX));
    let concerns = |event: &&Event| event.at_min < until && event.at_min + event.for_min.max(1) > from;
    request.scenario.events.iter().filter(concerns).map(told).collect()
}

fn told(event: &Event) -> String {
    let function = event.function.as_deref().unwrap_or("");
    let span = format!("from minute {} to {}", event.at_min, event.at_min + event.for_min);
    match event.what {
        Happening::MetricBlackout => format!("no metrics {span}"),
        Happening::MetricDelay => {
            format!("metrics {} min later than usual {span}", event.minutes.unwrap_or(0))
        }
        Happening::MetricThrottled => format!("no metrics of single functions {span}"),
        Happening::GuardOutage => format!("the guard did not run {span}"),
        Happening::ControlPlaneDown => format!("Lambda refused every change {span}"),
        Happening::Deploy => format!("a deploy of {function} undid the cap in minute {}", event.at_min),
        Happening::OperatorSets => {
            let value = event.reserved.map_or("no reservation".to_owned(), |reserved| reserved.to_string());
            format!("a person set {function} to {value} in minute {}", event.at_min)
        }
        Happening::OperatorReleases => format!("a person released {function} in minute {}", event.at_min),
        Happening::OperatorHolds => format!("a person told the guard to leave {function} alone {span}"),
    }
}
