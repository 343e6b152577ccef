//! The goals, and how a replay is judged by them.

use guard_core::money::{Unit, Usd};
use serde::Serialize;

use super::why;
use crate::number::as_f64;
use crate::replay::{Replay, gone};
use crate::request::Request;
use crate::run::PeriodSpend;
use crate::scenario::{Kind, Rate, Via};
use crate::stage::{Flow, Performer, Stage};
use crate::world::{MeanLaw, Tally};

/// The goals that the guard is held to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Goal {
    /// Spend past the line.
    Overrun,
    /// Other functions.
    Others,
    /// The function under attack.
    Share,
    /// Dead-letter queues.
    Kept,
    /// Real days.
    Calm,
    /// Published bounds.
    Bound,
}

/// All of them.
pub const GOALS: [Goal; 6] = [Goal::Overrun, Goal::Others, Goal::Share, Goal::Kept, Goal::Calm, Goal::Bound];

/// Minutes of the attack's peak burn that may be spent past a line.
const MINUTES_OF_BURN: u32 = 5;

/// Percent of the legitimate events of other functions that may be lost.
const OTHERS_PERCENT: f64 = 1.0;

/// Percent of the proportional share that legitimate traffic must get at least.
const SHARE_PERCENT: f64 = 95.0;

/// What became of a goal in a replay.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Judged {
    /// The goal.
    pub goal: Goal,
    /// Whether it was held; `None` where the scenario does not ask for it.
    pub held: Option<bool>,
    /// The finding, if the goal was missed: computed from the replay.
    pub why: Vec<String>,
}

impl Goal {
    /// What columns call it.
    pub const fn name(self) -> &'static str {
        match self {
            Goal::Overrun => "past the line",
            Goal::Others => "other functions",
            Goal::Share => "fair share",
            Goal::Kept => "nothing lost",
            Goal::Calm => "no false cap",
            Goal::Bound => "bound",
        }
    }

    /// The requirement, in words.
    pub const fn about(self) -> &'static str {
        match self {
            Goal::Overrun => {
                "an attack that breaks a budget spends at most five minutes of its own peak burn past the line. Peak burn is \
                 its dearest five minutes without a guard, or the length of its runs where these last longer."
            }
            Goal::Others => {
                "at most 1 % of the legitimate events of functions that nobody attacks are lost to the guard."
            }
            Goal::Share => {
                "while a function under attack is held, at least 95 % of the proportional share of its legitimate requests \
                 runs: a cap refuses friend and foe alike, and no more."
            }
            Goal::Kept => {
                "no legitimate event is lost to the guard where a dead-letter queue or destination exists."
            }
            Goal::Calm => "on recorded traffic that nobody attacks, nothing is ever capped.",
            Goal::Bound => "no budget is overrun beyond its published bound.",
        }
    }

    /// Judges a replay.
    pub(super) fn judge(self, request: &Request<'_>, replay: &Replay) -> Judged {
        let (held, why) = match self {
            Goal::Overrun => overrun(request, replay),
            Goal::Others => others(request.stage, replay),
            Goal::Share => share(request.stage, replay),
            Goal::Kept => kept(request.stage, replay),
            Goal::Calm => calm(request, replay),
            Goal::Bound => bound(replay),
        };
        Judged { goal: self, held, why: if held == Some(false) { why } else { Vec::new() } }
    }
}

type Verdict = (Option<bool>, Vec<String>);

/// Minutes that a run of the attack lasts on average, rounded up: the longest of its traffics.
fn run_min(stage: &Stage) -> u32 {
    let minutes = stage.attacks().map(|actor| {
        let timeout_s = stage.functions.get(actor.function).map_or(0, |spec| spec.timeout_s);
        let mean_s = MeanLaw::of(&actor.duration, u64::from(timeout_s) * 1_000_000).mean_s();
        (1..=15).find(|minutes| f64::from(*minutes) * 60.0 >= mean_s).unwrap_or(15)
    });
    minutes.max().unwrap_or(1)
}

/// Five minutes of the attack's peak burn. A run is booked when it begins, so bookings are averaged while runs last.
pub(super) fn five_minutes(stage: &Stage, replay: &Replay) -> Option<Usd> {
    replay.attack?;
    let window = MINUTES_OF_BURN.max(run_min(stage));
    let spent: Vec<Usd> =
        std::iter::once(Usd::ZERO).chain(replay.without.rows.iter().map(|row| row.attack_spent)).collect();
    let wide = usize::try_from(window).unwrap_or(1);
    let dearest = match spent.len().checked_sub(wide + 1) {
        Some(_) => spent.iter().zip(spent.iter().skip(wide)).map(|(from, to)| *to - *from).max(),
        None => spent.last().copied(),
    };
    Some(dearest?.mul_div_up(i128::from(MINUTES_OF_BURN), i128::from(window)))
}

fn overrun(request: &Request<'_>, replay: &Replay) -> Verdict {
    let Some(limit) = five_minutes(request.stage, replay) else { return (None, Vec::new()) };
    let is_broken =
        replay.findings.overruns.iter().any(|one| one.unit == Unit::Usd && one.without > Usd::ZERO);
    if !is_broken {
        return (None, Vec::new());
    }
    let past = replay.findings.overrun();
    let over = |period: &&PeriodSpend| (period.spent - period.amount).at_least_zero();
    let worst = replay.with.periods.iter().filter(|period| period.unit == Unit::Usd).max_by_key(over);
    let why = worst
        .map_or_else(Vec::new, |period| why::overrun(request, replay, period, limit, run_min(request.stage)));
    (Some(past <= limit), why)
}

/// Traffic of functions that are not attacked: before and after.
fn bystanders<'a>(
    stage: &'a Stage,
    replay: &'a Replay,
) -> impl Iterator<Item = (&'a str, &'a Tally, &'a Tally)> {
    let attacked: Vec<usize> = stage.attacks().map(|actor| actor.function).collect();
    let pairs = replay.without.traffic.iter().zip(&replay.with.traffic);
    stage
        .traffic
        .iter()
        .zip(pairs)
        .filter(move |(actor, _)| actor.kind == Kind::Legitimate && !attacked.contains(&actor.function))
        .map(|(actor, (before, after))| (actor.name.as_str(), &before.tally, &after.tally))
}

/// Legitimate events of other functions that the guard lost, in percent.
pub(super) fn others_lost(stage: &Stage, replay: &Replay) -> Option<f64> {
    let offered: u64 = bystanders(stage, replay).map(|(_, _, after)| after.offered).sum();
    (offered > 0).then(|| as_f64(replay.findings.bystanders_lost) / as_f64(offered) * 100.0)
}

fn others(stage: &Stage, replay: &Replay) -> Verdict {
    let Some(percent) = others_lost(stage, replay) else { return (None, Vec::new()) };
    let losses = bystanders(stage, replay).filter(|(_, before, after)| gone(after) > gone(before));
    let told = losses.map(|(name, before, after)| {
        format!("{name} lost {} of {} events", gone(after) - gone(before), after.offered)
    });
    (Some(percent <= OTHERS_PERCENT), told.take(5).collect())
}

/// Share of attempts that were admitted, in percent.
fn admitted(tally: &Tally) -> Option<f64> {
    let asked = tally.attempts + tally.throttles;
    (asked > 0).then(|| as_f64(tally.attempts) / as_f64(asked) * 100.0)
}

fn share(stage: &Stage, replay: &Replay) -> Verdict {
    let mut places: Vec<usize> = stage.attacks().map(|actor| actor.function).collect();
    places.sort_unstable();
    places.dedup();
    let (mut held, mut why) = (None, Vec::new());
    for place in places {
        let of = |kind: Option<Kind>| {
            let actors = stage.traffic.iter().zip(&replay.with.under_cap);
            actors
                .filter(|(actor, _)| actor.function == place && kind.is_none_or(|kind| actor.kind == kind))
                .fold(Tally::default(), |sum, (_, tally)| sum.plus(*tally))
        };
        // Lambda itself repeats throttled events of other sources, so none of them is refused.
        let is_sync = stage.traffic.iter().all(|actor| actor.function != place || actor.via == Via::Sync);
        let (friends, all) = (of(Some(Kind::Legitimate)), of(None));
        let (true, Some(friends), Some(all)) =
            (is_sync && all.throttles > 0, admitted(&friends), admitted(&all))
        else {
            continue;
        };
        let is_fair = friends >= all * SHARE_PERCENT / 100.0;
        held = Some(held.unwrap_or(true) && is_fair);
        if !is_fair {
            let name = stage.functions.get(place).map_or("", |spec| spec.name.as_str());
            why.push(format!("{name}: {friends:.1} % of legitimate attempts ran, {all:.1} % of all"));
            let laws = stage.attacks().filter(|actor| actor.function == place).map(|actor| &actor.flow);
            for law in laws {
                why.extend(
                    match law {
                        Flow::Law(Rate::Even { .. }) => {
                            Some("the attack is evenly spaced, and a cap admits more of that")
                        }
                        Flow::Law(Rate::Adaptive { .. }) => {
                            Some("the attack is quiet while it is refused, and comes back")
                        }
                        _ => None,
                    }
                    .map(str::to_owned),
                );
            }
        }
    }
    (held, why)
}

/// Whether the events that an event source gives up are caught.
fn has_catcher(stage: &Stage, actor: &Performer) -> bool {
    let Some(spec) = stage.functions.get(actor.function) else { return false };
    match actor.via {
        Via::Sync => false,
        Via::Async => spec.asynchronous.is_some_and(|config| config.on_failure),
        Via::Queue => spec.queues.get(actor.through).is_some_and(|queue| queue.max_receive_count.is_some()),
        Via::Stream => spec.streams.get(actor.through).is_some_and(|stream| stream.on_failure),
    }
}

fn kept(stage: &Stage, replay: &Replay) -> Verdict {
    let pairs = replay.without.traffic.iter().zip(&replay.with.traffic);
    let caught = stage
        .traffic
        .iter()
        .zip(pairs)
        .filter(|(actor, _)| actor.kind == Kind::Legitimate && has_catcher(stage, actor));
    let (mut held, mut why) = (None, Vec::new());
    for (actor, (before, after)) in caught {
        let lost = after.tally.lost.saturating_sub(before.tally.lost);
        held = Some(held.unwrap_or(true) && lost == 0);
        if lost > 0 {
            why.push(format!("{}: {lost} of {} events were lost", actor.name, after.tally.offered));
        }
    }
    (held, why)
}

fn calm(request: &Request<'_>, replay: &Replay) -> Verdict {
    if request.scenario.trace.is_none() || replay.attack.is_some() {
        return (None, Vec::new());
    }
    let caps = replay.findings.caps;
    (Some(caps == 0 && replay.with.false_stops == 0), vec![format!("{caps} functions were capped")])
}

fn bound(replay: &Replay) -> Verdict {
    let (mut held, mut why) = (None, Vec::new());
    for overrun in &replay.findings.overruns {
        let Some(bound) = overrun.bound else { continue };
        held = Some(held.unwrap_or(true) && overrun.with <= bound);
        if overrun.with > bound {
            why.push(format!("{}: {} past the line, bound {bound}", overrun.budget, overrun.with));
        }
    }
    (held, why)
}
