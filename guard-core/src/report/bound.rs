//! The published bounds of a policy as a document and as a page: every term of every budget, as configured and under
//! a standing cap.

use serde::{Deserialize, Serialize};

use super::page::Page;
use super::{amount, cents};
use crate::baseline::Profile;
use crate::bound::{Bound, BoundPart, BudgetBound, Columns, Known, Terms, longest_period_s, published};
use crate::extras::{self, Uncounted};
use crate::inventory::uncounted_of;
use crate::money::{Unit, Usd, grouped};
use crate::name::{FunctionName, Region};
use crate::policy::{Mode, Period, Timing};
use crate::roster::Roster;
use crate::text::shortened;

/// The version of the serialised form.
pub const BOUND_SCHEMA: u32 = 1;

/// The bounds of all budgets in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoundReport {
    /// Version of this format.
    pub schema: u32,
    /// The region, which decides the prices.
    pub region: Region,
    /// Whether the policy may change anything.
    pub armed: bool,
    /// The assumptions that the bounds rest on.
    pub timing: Timing,
    /// *L*: the minute + metric lag + tick + actuation, in seconds.
    pub reaction_s: u32,
    /// Concurrent executions of the account.
    pub account_concurrency: u32,
    /// Concurrency that functions without reservation share.
    pub pool: u32,
    /// Whether some price of the region is unknown and the dearest known one stands in.
    pub price_unknown: bool,
    /// What the functions use that is billed and not counted.
    #[serde(default, skip_serializing_if = "Uncounted::is_empty")]
    pub uncounted: Uncounted,
    /// One bound per budget, in the order of the policy.
    pub budgets: Vec<BudgetBound>,
}

impl BoundReport {
    /// The bounds of the roster's budgets over the longest period of their kind. `profile` returns the history of a
    /// function, if there is one.
    pub fn new<'a>(roster: &Roster, profile: impl Fn(&FunctionName) -> Option<&'a Profile>) -> Self {
        let known: Vec<Known> = (roster.inventory.functions.iter())
            .map(|function| profile(&function.name).map(Known::of).unwrap_or_default())
            .collect();
        let known = |index: usize| known.get(index).copied().unwrap_or_default();
        let is_utc = roster.timezone == chrono_tz::UTC;
        let bounds = roster.rules.iter().enumerate().filter_map(|(place, rule)| {
            published(roster, place, longest_period_s(rule.period, is_utc), known)
        });
        let concurrency = roster.inventory.account.concurrency;
        BoundReport {
            schema: BOUND_SCHEMA,
            region: roster.inventory.region.clone(),
            armed: roster.policy.armed,
            timing: roster.policy.timing,
            reaction_s: roster.policy.timing.reaction_s(),
            account_concurrency: concurrency,
            pool: concurrency.saturating_sub(roster.inventory.reserved_total()),
            price_unknown: roster.price_unknown(),
            uncounted: uncounted_of(&roster.inventory.functions),
            budgets: bounds.collect(),
        }
    }

    /// The report for people, in the given number of columns; for each budget at most `top` functions.
    pub fn page(&self, width: usize, top: usize) -> Page {
        let mut page = Page::new(width);
        page.heading("Published bound: the most that can be spent over a budget");
        page.paragraph(
            "",
            &format!(
                "Prices of {}. Account limit {}, {} of it unreserved.",
                self.region,
                grouped(self.account_concurrency.into()),
                grouped(self.pool.into())
            ),
        );
        self.reaction(&mut page);
        for bound in &self.budgets {
            budget(&mut page, bound, top);
        }
        if self.budgets.is_empty() {
            page.line("");
            page.line("The policy has no budget: nothing bounds what is spent.");
        }
        self.remarks(&mut page);
        page
    }

    fn reaction(&self, page: &mut Page) {
        page.line("");
        let seconds = |name: &str, seconds: u32| format!("  {name:<44}{:>9} s", grouped(seconds.into()));
        page.line(&seconds("grain: the minute that is counted as one", Timing::GRAIN_S));
        page.line(&seconds("metric lag: until a minute has shown", self.timing.metric_lag_s));
        page.line(&seconds("check: until the guard looks", self.timing.tick_s));
        page.line(&seconds("actuation: until its answer takes effect", self.timing.actuation_s));
        page.line(&seconds("reaction L = grain + lag + check + actuation", self.reaction_s));
    }

    fn remarks(&self, page: &mut Page) {
        page.line("");
        if !self.armed {
            page.paragraph(
                "",
                "The policy is not armed: nothing is capped, and these bounds are what they would be.",
            );
        }
        if self.price_unknown {
            page.paragraph("", "A price of this region is unknown: the dearest known one stands in.");
        }
        if let Some(uncounted) = extras::sentence(&self.uncounted) {
            page.paragraph("", &uncounted);
        }
        page.paragraph(
            "",
            "C is concurrency, m·p + e one busy second (memory and storage), q + c one request (with companions), τ \
             the time-out. The bound holds while metrics are no later than the lag above. A backlog behind a cap is \
             known to the running guard only; here it counts as none. Every figure is rounded up by itself.",
        );
    }
}

/// Columns of an amount.
const AMOUNT: usize = 16;

fn budget(page: &mut Page, bound: &BudgetBound, top: usize) {
    page.line("");
    page.heading(&format!(
        "Budget {}: {} {}, mode {}",
        bound.budget,
        amount(bound.amount, bound.unit),
        per(bound.period),
        word(bound.mode)
    ));
    let names = page.width.min(100) - 2 - 2 * AMOUNT;
    let mut row = |name: &str, now: &str, envelope: &str| {
        page.line(&format!("  {name:<names$}{now:>AMOUNT$}{envelope:>AMOUNT$}"));
    };
    row("", if bound.envelope { "without it" } else { "as configured" }, "standing cap");
    let Columns { now, envelope } = &bound.terms;
    row("concurrency C", &grouped(now.concurrency.into()), &grouped(envelope.concurrency.into()));
    let lasts = match (bound.period_s / 86_400, bound.period_s % 86_400 / 3600) {
        (0, hours) => format!("{hours} h"),
        (1, hours) => format!("{} h", 24 + hours),
        (days, 0) => format!("{days} days"),
        (days, hours) => format!("{days} days {hours} h"),
    };
    let mut term = |name: &str, term: fn(&Terms) -> Usd| {
        row(name, &cents(term(now), bound.unit), &cents(term(envelope), bound.unit));
    };
    term("running    C · (m·p + e) · (L + τ)", |terms| terms.running);
    term("admitted   10 · C · (q + c) · L", |terms| terms.admitted);
    if !bound.stops {
        term("moving on  both again, per other function", |terms| terms.moving);
    }
    term("deferred   backlog behind the cap", |terms| terms.deferred);
    term(&format!("kept       for usual traffic, {lasts}"), |terms| terms.floor);
    if !bound.stops {
        term(&format!("usual      never capped, {lasts}"), |terms| terms.ordinary);
    }
    if bound.terms.now.no_tick > Usd::ZERO {
        term(&format!("no check   the guard is kept from running, {lasts}"), |terms| terms.no_tick);
    }
    if !bound.no_room.is_empty() {
        term(&format!("no room    runs on in the pool, {lasts}"), |terms| terms.no_room);
    }
    term("the most over the budget", |terms| terms.total);
    parts(page, bound, names, top);
    notes(page, bound);
}

fn parts(page: &mut Page, bound: &BudgetBound, names: usize, top: usize) {
    const NUMBER: usize = 8;
    if bound.parts.is_empty() {
        return;
    }
    page.line("");
    let names = names - 2 * NUMBER;
    page.line(&format!(
        "  {:<names$}{:>NUMBER$}{:>NUMBER$}{:>AMOUNT$}{:>AMOUNT$}",
        "of which", "C", "τ", "as configured", "standing cap"
    ));
    let shown = |bound_of: &Bound| cents(bound_of.total(), bound.unit);
    for part in bound.parts.iter().take(top) {
        let BoundPart { function, is_pool, overrun } = part;
        let name = if *is_pool { format!("pool, at {function}") } else { function.to_string() };
        page.line(&format!(
            "  {:<names$}{:>NUMBER$}{:>NUMBER$}{:>AMOUNT$}{:>AMOUNT$}",
            shortened(&name, names - 1),
            grouped(overrun.without_envelope.concurrency.into()),
            format!("{} s", overrun.without_envelope.timeout_s),
            shown(&overrun.without_envelope),
            shown(&overrun.with_envelope),
        ));
    }
    if let Some(rest) = bound.parts.len().checked_sub(top).filter(|rest| *rest > 0) {
        page.line(&format!("  and {rest} more"));
    }
}

fn notes(page: &mut Page, bound: &BudgetBound) {
    if bound.parts.is_empty() {
        page.paragraph("  ", "No function of the inventory is in its scope.");
    }
    if bound.in_pool > 1 {
        let text = format!(
            "{} functions of the scope have no reservation and share the pool: as configured, the whole pool counts \
             at the dearest of them; under a standing cap, each at what is kept for its usual \
             traffic.",
            bound.in_pool
        );
        page.paragraph("  ", &text);
    }
    for text in what_it_means(bound) {
        page.paragraph("  ", &text);
    }
    if bound.envelope {
        page.paragraph("  ", "The policy holds the standing cap for this budget: the second column applies.");
    }
    if bound.mode < Mode::Cap {
        let text = format!(
            "Mode {} changes nothing: what is spent over this budget has no bound. The figures are what mode cap would \
             give.",
            word(bound.mode)
        );
        page.paragraph("  ", &text);
    }
    if !bound.never_capped.is_empty() {
        let text = format!(
            "Never capped, by protection or tag, and outside this bound: {}. At worst {} {}.",
            some_of(&bound.never_capped),
            amount(bound.never_capped_worst, bound.unit),
            per(bound.period)
        );
        page.paragraph("  ", &text);
    }
}

/// The conditions of the bound, and those that the account or its functions cause.
fn what_it_means(bound: &BudgetBound) -> Vec<String> {
    let mut texts = Vec::new();
    if bound.ticks > 1 {
        texts.push(format!(
            "All its changes take {} checks, as one may make so many: L is {} s here.",
            bound.ticks,
            grouped(bound.reaction_s.into())
        ));
    }
    texts.push(if bound.stops {
        "When it is used up all that it covers is stopped, usual or not, and stays so until less than 90 % is used.".to_owned()
    } else {
        "A cap is for what is above usual. The bound is of one flood, wherever it moves: one that comes back after a          release costs the first terms again."
            .to_owned()
    });
    if !bound.not_stopped.is_empty() {
        texts.push(format!(
            "Not stopped but left at what is kept for usual traffic, because events would be lost: {}. What that spends until the period              ends is in the bound. To have them stopped: an on-failure destination; for queues, of whose redrive policy              nothing is read, allow_event_loss = true.",
            some_of(&bound.not_stopped)
        ));
    }
    if bound.terms.now.no_tick > Usd::ZERO {
        texts.push(
            "The guard has no reserved concurrency: a flood that takes all of the account's keeps it from running. Reserve 1 \
             for it, or raise the account's limit where nothing can be reserved."
                .to_owned(),
        );
    }
    if !bound.no_room.is_empty() {
        texts.push(format!(
            "The account's pool may have no room for a cap of: {}. They go on with what is unreserved until the period ends.              no_room = \"stop\" stops those that lose no events.",
            some_of(&bound.no_room)
        ));
    }
    if bound.without_history > 0 {
        let functions = match bound.without_history {
            1 => "1 function".to_owned(),
            many => format!("{many} functions"),
        };
        texts.push(format!(
            "At least: without history of {functions}, what is kept is the policy's minimum, and one even share of the budget              counts as usual."
        ));
    }
    texts
}

/// The first of some names.
fn some_of(names: &[FunctionName]) -> String {
    let first: Vec<&str> = names.iter().take(3).map(FunctionName::as_str).collect();
    match names.len().saturating_sub(3) {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}

/// A period after an amount.
const fn per(period: Period) -> &'static str {
    match period {
        Period::Hour => "an hour",
        Period::Day => "a day",
        Period::Week => "a week",
        Period::Month => "a month",
    }
}

const fn word(mode: Mode) -> &'static str {
    match mode {
        Mode::Observe => "observe",
        Mode::Alert => "alert",
        Mode::Cap => "cap",
        Mode::Stop => "stop",
    }
}

/// The unit of amounts in a region.
pub(super) fn money_of(region: &Region) -> Unit {
    if region.as_str().starts_with("cn-") { Unit::Cny } else { Unit::Usd }
}
