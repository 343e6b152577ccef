//! A budget's outlook: its spend, the part that cannot be seen yet, and two projections, one if the excess lasts and
//! one if it stops.

use chrono::{DateTime, Duration, Utc};

use crate::budget::BudgetRule;
use crate::ledger::{BURN_MINUTES, BudgetLedger};
use crate::money::{Cause, Causes, Usd, UsdRange};
use crate::policy::Timing;
use crate::posting::Hidden;
use crate::time::{Hour, Minute};

/// Seconds before the slack is used up at which people are notified: time to say that the traffic is wanted.
const NOTICE_AHEAD_S: i128 = 15 * 60;

/// A burn of at least this multiple of the ordinary is steep. Our choice.
const STEEP_TIMES: i128 = 3;

/// Quarters of the slack at which people are notified of an incident. Our choice.
const NOTICED_QUARTERS: i128 = 3;

/// The part of the slack at which people are notified of a steep incident, and the minutes of the budget that it never
/// exceeds, however long the slack is. Bursts of recorded traffic reach 4.7 times the usual for five minutes: 19 minutes of
/// the ordinary, and fewer of a budget that has room for it.
const STEEP_PART: i128 = 8;
const STEEP_MIN: i128 = 20;

/// The state of one budget at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outlook {
    /// Seen in metrics.
    pub spent: UsdRange,
    /// Spent, but not visible yet.
    pub unseen: UsdRange,
    /// Retries certain to run.
    pub committed: UsdRange,
    /// Backlog behind caps: an upper bound; none of it is expected until it drains.
    pub deferred: UsdRange,
    /// Per hour over the last settled minutes.
    pub burn_per_hour: Usd,
    /// The highest rate of the minutes after them, which are partial, if it is higher.
    pub newest_per_hour: Usd,
    /// Expected at the end of the period if that rate lasts.
    pub if_newest_lasts: Usd,
    /// Per hour that history expects now; `None` without history.
    pub ordinary_per_hour: Option<Usd>,
    /// At the end of the period if the excess lasts.
    pub if_sustained: UsdRange,
    /// At the end of the period if the excess decays.
    pub if_it_stops: UsdRange,
    /// When the amount is gone if the excess lasts.
    pub exhausted_if_sustained: Option<DateTime<Utc>>,
    /// When the amount is gone if the excess decays.
    pub exhausted_if_it_stops: Option<DateTime<Utc>>,
    /// The slack in force: more while little history is known.
    pub slack: Usd,
    /// The incident's cost above the ordinary so far, including spend that no metric shows yet.
    pub incident: Usd,
    /// What the incident reaches in a burst that usually ends by itself, and a quarter more.
    pub usual_incident: Usd,
    /// When it began.
    pub incident_since: Option<Minute>,
    /// The incident's cost per hour.
    pub incident_per_hour: Usd,
    /// The ordinary spend from now to the end of the period.
    pub ordinary_to_come: Usd,
}

/// The moment of an outlook.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// Now.
    pub at: DateTime<Utc>,
    /// The newest settled minute.
    pub settled: Minute,
    /// The newest minute with known data; older than `settled` while the guard is blind.
    pub seen_until: Minute,
}

/// Computes the outlook of a budget.
pub fn outlook(
    rule: &BudgetRule,
    book: &BudgetLedger,
    hidden: &Hidden,
    deferred: UsdRange,
    moment: Moment,
    timing: &Timing,
) -> Outlook {
    let burn_per_hour = burn(book, moment.seen_until, BURN_MINUTES) + hidden.running_per_hour;
    let unseen = unseen(book, hidden, moment);
    let spent = book.spent_in_all().with_starts(hidden.starting);
    let line = spent + unseen + hidden.committed + deferred;
    let ordinary = book.ordinary(Hour::of(moment.at), rule.amount);
    let excess = (burn_per_hour + hidden.retries_per_hour - ordinary.expected).at_least_zero();
    let incident = book.incident(rule, moment.seen_until);
    let tolerated = book.tolerated(rule, Hour::of(moment.at));
    let unseen_s = i128::from((moment.at - moment.seen_until.plus(1).start()).num_seconds().max(0));
    // Partial minutes are a lower bound, and count as such.
    let partial = Minute::of(moment.at).since(moment.seen_until);
    let shown = book.minutes_sum(Minute::of(moment.at), partial);
    let newest = (1..=partial).map(|minutes| book.minute(moment.seen_until.plus(minutes)) * 60).max();
    let newest_per_hour = newest.unwrap_or_default().max(burn_per_hour);
    let after = shown + unseen.expected;
    let unseen_above = (after - tolerated.upper.mul_div_up(unseen_s, 3600)).at_least_zero();
    let half_life_s = i64::from(timing.decay_half_life_min) * 60;
    let walks = walk(rule, book, moment.at, line.expected, excess, half_life_s);
    let (sustained, stops) = (walks.sustained, walks.stops);
    let left_s = i128::from((book.period_end - moment.at).num_seconds().max(0));
    let if_newest_lasts = line.expected
        + walks.ordinary
        + (newest_per_hour - ordinary.expected).at_least_zero().mul_div_up(left_s, 3600);
    let spread = |projected: &Walk, lower: Usd, cause: Cause| {
        let mut causes = line.causes.and(Causes::of(cause));
        if !ordinary.known {
            causes = causes.and(Causes::of(Cause::ShortHistory));
        }
        let below = line.expected - line.low;
        let above = line.high - line.expected;
        UsdRange::new(
            (projected.total.min(lower) - below).max(spent.low),
            projected.total,
            projected.upper + above,
            causes,
        )
    };
    Outlook {
        spent,
        unseen,
        committed: hidden.committed,
        deferred,
        burn_per_hour,
        newest_per_hour,
        if_newest_lasts,
        ordinary_per_hour: ordinary.known.then_some(ordinary.expected),
        if_sustained: spread(&sustained, stops.total, Cause::AttackMayStop),
        if_it_stops: spread(&stops, stops.total, Cause::UnseenMinutes),
        exhausted_if_sustained: sustained.exhausted,
        exhausted_if_it_stops: stops.exhausted,
        slack: book.slack(rule, Hour::of(moment.at)),
        incident: incident.amount + unseen_above,
        usual_incident: book.habit.usual_incident(),
        incident_since: incident.since.or((unseen_above > Usd::ZERO).then_some(moment.seen_until)),
        incident_per_hour: (burn_per_hour - tolerated.usual).at_least_zero(),
        ordinary_to_come: walks.ordinary,
    }
}

impl Outlook {
    /// Spent for certain or nearly so: seen, unseen and committed.
    pub fn line(&self) -> UsdRange {
        self.spent + self.unseen + self.committed
    }

    /// The amount that the current burn adds before an answer given now takes effect.
    pub fn until_effect(&self, timing: &Timing) -> Usd {
        self.burn_per_hour.mul_div_up(Self::effect_s(timing), 3600)
    }

    fn effect_s(timing: &Timing) -> i128 {
        i128::from(timing.actuation_s + timing.tick_s)
    }

    /// Whether the incident uses up the budget's slack before an answer given now takes effect, and breaks the budget if
    /// it lasts. A budget whose slack is its whole amount acts at its line only.
    pub fn slack_is_used_up(&self, rule: &BudgetRule, timing: &Timing) -> bool {
        self.uses_up(rule, Self::effect_s(timing))
    }

    /// Whether people should be notified of the incident: it will use up the slack within a quarter of an hour, has
    /// used up three quarters of it, or an eighth (at most twenty minutes of the budget) at three times the ordinary burn.
    /// Never for a few cents, nor for as much as usually ends by itself.
    pub fn is_noticed(&self, rule: &BudgetRule) -> bool {
        let is_steep =
            self.ordinary_per_hour.is_some_and(|usual| self.newest_per_hour >= usual * STEEP_TIMES);
        let steep = self.slack.mul_div_up(1, STEEP_PART);
        let steep = steep.min(rule.even_share_per_hour().mul_div_up(STEEP_MIN, 60));
        let large = if is_steep { steep } else { self.slack.mul_div_up(NOTICED_QUARTERS, 4) };
        let breaks_early = is_steep && self.slack < rule.amount && self.if_newest_lasts > rule.amount;
        let is_large = (breaks_early || self.breaks(rule)) && self.incident >= large;
        let least = rule.least_to_tell().max(self.usual_incident);
        self.incident >= least && (is_large || self.uses_up(rule, NOTICE_AHEAD_S))
    }

    /// Whether the slack is gone and money above the ordinary still flows, whether or not it breaks the budget:
    /// releasing a cap now would let more of it flow.
    pub fn goes_on(&self, rule: &BudgetRule) -> bool {
        self.slack < rule.amount && self.incident >= self.slack && self.incident_per_hour > Usd::ZERO
    }

    fn uses_up(&self, rule: &BudgetRule, seconds: i128) -> bool {
        let to_come = self.incident_per_hour.mul_div_up(seconds, 3600);
        self.breaks(rule) && self.incident + to_come >= self.slack
    }

    fn breaks(&self, rule: &BudgetRule) -> bool {
        self.slack < rule.amount
            && self.incident_per_hour > Usd::ZERO
            && self.if_sustained.expected > rule.amount
    }

    /// When the slack is used up at this rate; `None` if that is not within the period, or has happened already.
    pub fn slack_ends(
        &self,
        rule: &BudgetRule,
        at: DateTime<Utc>,
        end: DateTime<Utc>,
    ) -> Option<DateTime<Utc>> {
        let left = self.slack - self.incident;
        if !self.breaks(rule) || left <= Usd::ZERO {
            return None;
        }
        let seconds = left.mul_div_up(3600, self.incident_per_hour.picos()).picos();
        let ends = at + Duration::seconds(i64::try_from(seconds).ok()?.min(i64::from(u32::MAX)));
        (ends < end).then_some(ends)
    }
}

/// Per hour, the mean over the minutes that end with `until`.
fn burn(book: &BudgetLedger, until: Minute, minutes: i64) -> Usd {
    book.minutes_sum(until, minutes).mul_div_up(60, i128::from(minutes))
}

/// From the last known minute to now: at the higher of the last minute's rate and the mean of the last minutes, less
/// the amount that partial minutes have shown already, plus long invocations in flight.
fn unseen(book: &BudgetLedger, hidden: &Hidden, moment: Moment) -> UsdRange {
    let last = book.minute(moment.seen_until);
    let rate_per_hour = (last * 60).max(burn(book, moment.seen_until, BURN_MINUTES));
    let since = moment.at - moment.seen_until.plus(1).start();
    let seconds = i128::from(since.num_seconds().max(0));
    let extrapolated = rate_per_hour.mul_div_up(seconds, 3600);
    let shown_minutes = Minute::of(moment.at).since(moment.seen_until);
    let shown = book.minutes_sum(Minute::of(moment.at), shown_minutes);
    let rest = (extrapolated - shown).at_least_zero();
    // Twice the rate as the upper end: the load may have doubled since, and the next look will show it.
    UsdRange::new(Usd::ZERO, rest, rest + extrapolated, Causes::of(Cause::UnseenMinutes)) + hidden.in_flight
}

/// A projection: its sum, its upper band, and when it meets the amount.
#[derive(Clone, Copy)]
struct Walk {
    total: Usd,
    upper: Usd,
    exhausted: Option<DateTime<Utc>>,
}

/// Both projections, and the ordinary spend from now to the end of the period.
struct Walks {
    sustained: Walk,
    stops: Walk,
    ordinary: Usd,
}

/// Adds ordinary spend and excess hour by hour to the end of the period.
fn walk(
    rule: &BudgetRule,
    book: &BudgetLedger,
    at: DateTime<Utc>,
    line: Usd,
    excess: Usd,
    half_life_s: i64,
) -> Walks {
    let begin = || Walk { total: line, upper: line, exhausted: (line >= rule.amount).then_some(at) };
    let mut walks = Walks { sustained: begin(), stops: begin(), ordinary: Usd::ZERO };
    let (now_s, end_s) = (at.timestamp(), book.period_end.timestamp());
    let mut from_s = now_s;
    let mut decayed = 0;
    let even_share = book.even_share(rule.amount);
    while from_s < end_s {
        let hour = Hour(from_s.div_euclid(3600));
        let until_s = ((hour.0 + 1) * 3600).min(end_s);
        let seconds = until_s - from_s;
        let ordinary = book.shape.at(hour).unwrap_or(even_share);
        let usual = of_hour(ordinary.expected, seconds);
        let band = of_hour(ordinary.upper - ordinary.expected, seconds);
        walks.ordinary += usual;
        walks.sustained.step(rule.amount, from_s, seconds, usual + of_hour(excess, seconds), band);
        if excess > Usd::ZERO {
            let decayed_until = decayed_ppm(until_s - now_s, half_life_s);
            let decaying = match decayed_until - decayed {
                0 => Usd::ZERO,
                area_ppm_s => excess.mul_div_up(i128::from(area_ppm_s), 3600 * i128::from(PPM)),
            };
            decayed = decayed_until;
            walks.stops.step(rule.amount, from_s, seconds, usual + decaying, band);
        }
        from_s = until_s;
    }
    if excess == Usd::ZERO {
        walks.stops = walks.sustained;
    }
    walks
}

impl Walk {
    fn step(&mut self, amount: Usd, from_s: i64, seconds: i64, step: Usd, band: Usd) {
        if self.exhausted.is_none() && self.total + step >= amount {
            let missing = amount - self.total;
            let after = missing.mul_div_up(i128::from(seconds), step.picos().max(1)).picos();
            let after = i64::try_from(after).unwrap_or(seconds).clamp(0, seconds);
            self.exhausted = DateTime::from_timestamp(from_s + after, 0);
        }
        self.total += step;
        self.upper += step + band;
    }
}

/// The part of an hourly amount that falls into some seconds of the hour.
fn of_hour(per_hour: Usd, seconds: i64) -> Usd {
    if seconds == 3600 { per_hour } else { per_hour.mul_div_up(i128::from(seconds), 3600) }
}

/// Parts per million.
const PPM: i64 = 1_000_000;

/// The area under 2^(−t/h) from 0 to `seconds`, in seconds × parts per million.
///
/// Over each whole half-life the area is h · 1/(2·ln 2) = 0.721348 h of the height at its start; within one it is
/// interpolated linearly, which is off by less than 2 % of that half-life. After twenty half-lives a millionth is left,
/// which is ignored.
fn decayed_ppm(seconds: i64, half_life_s: i64) -> i64 {
    let half_life_s = half_life_s.max(1);
    let seconds = seconds.clamp(0, half_life_s.saturating_mul(20));
    let (whole, rest) = (seconds / half_life_s, seconds % half_life_s);
    // The areas of the whole half-lives are a geometric series: 2 · (1 − 2^−n) of the first.
    let height = PPM >> whole;
    let first = half_life_s * 721_348;
    let before = first * 2 - ((first * 2) >> whole);
    before + rest * height * 721_348 / PPM
}

#[cfg(test)]
mod tests;
