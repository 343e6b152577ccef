//! The exposure of an account as a document and as a page: the possible cost of an attack that begins now, dearest
//! function first, and the gaps around it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::bound::money_of;
use super::cents;
use super::page::Page;
use crate::cost::UnitCost;
use crate::exposure::{
    CappedBy, DORMANT_DAYS, ExposureFinding, ExposureRow, PROPORTION, exposure, is_dormancy_known,
};
use crate::extras::{self, Uncounted};
use crate::inventory::{AccountLimits, uncounted_of};
use crate::money::{Unit, Usd, grouped};
use crate::name::{FunctionName, Region};
use crate::roster::Roster;
use crate::sampling::{OwnCost, own_cost_of_month};
use crate::state::State;
use crate::text::{counted, shortened};
use crate::time::Minute;

/// The version of the serialised form.
pub const EXPOSURE_SCHEMA: u32 = 1;

/// The exposure of an account and region.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExposureReport {
    /// Version of this format.
    pub schema: u32,
    /// The region, which decides the prices.
    pub region: Region,
    /// The unit of the amounts.
    pub unit: Unit,
    /// The account's limits.
    pub account: AccountLimits,
    /// Concurrency that functions without reservation share.
    pub pool: u32,
    /// Whether some price of the region is unknown and the dearest known one stands in.
    pub price_unknown: bool,
    /// What the functions use that is billed and not counted.
    #[serde(default, skip_serializing_if = "Uncounted::is_empty")]
    pub uncounted: Uncounted,
    /// The account as a whole.
    pub total: ExposureTotal,
    /// The highest cost of reading its metrics in a month, incidents aside, in dollars.
    pub watching: OwnCost,
    /// The functions, dearest first.
    pub functions: Vec<ExposureEntry>,
}

/// The account as a whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExposureTotal {
    /// How many functions there are.
    pub functions: usize,
    /// The most that all functions can burn in an hour: reserved ones each, and the pool filled with the dearest.
    pub worst_per_hour: Usd,
    /// The same in a day.
    pub worst_per_day: Usd,
    /// The same in an hour under the advised caps, if at least one is advised below a ceiling.
    pub advised_worst_per_hour: Option<Usd>,
    /// Functions that only the pool limits.
    pub without_cap: usize,
    /// Functions whose discarded events nothing catches.
    pub no_dead_letter: usize,
    /// Functions for which this is unknown.
    pub dead_letter_unknown: usize,
    /// Dormant functions.
    pub dormant: usize,
    /// Functions for which this is unknown.
    pub dormant_unknown: usize,
    /// Functions whose ceiling is out of proportion to their history.
    pub out_of_proportion: usize,
    /// Functions for which this is unknown.
    pub without_history: usize,
}

/// One function, with the facts that are unknown about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExposureEntry {
    /// Its exposure.
    #[serde(flatten)]
    pub row: ExposureRow,
    /// Whether it is dormant; `None` without enough history.
    pub dormant: Option<bool>,
    /// Whether discarded events are caught everywhere; `None` if that is unknown for an event source.
    pub dead_letter: Option<bool>,
}

impl ExposureReport {
    /// The exposure of the roster's functions with the history of `state`. `unknown_dead_letter` names functions with a
    /// source whose dead-letter queue, if any, is unknown.
    pub fn new(
        roster: &Roster,
        state: &State,
        at: Minute,
        unknown_dead_letter: &BTreeSet<FunctionName>,
    ) -> Self {
        let inventory = &roster.inventory;
        let unit_of = |name: &FunctionName| {
            let place = inventory.functions.binary_search_by(|function| function.name.cmp(name)).ok()?;
            roster.members.get(place).map(|member| member.unit.clone())
        };
        let rows = exposure(inventory, state, &roster.policy.floor, at, |function| {
            // Every function of the inventory is a member of its roster.
            unit_of(&function.name).unwrap_or_else(UnitCost::counting)
        })
        .0;
        let pool = inventory.account.concurrency.saturating_sub(inventory.reserved_total());
        let entry = |row: ExposureRow| {
            let known = is_dormancy_known(&row.function, state);
            let is_caught = !row.findings.contains(&ExposureFinding::NoDeadLetter);
            let unknown = unknown_dead_letter.contains(&row.function);
            ExposureEntry {
                dormant: known.then(|| row.findings.contains(&ExposureFinding::Dormant)),
                dead_letter: (is_caught || !unknown).then_some(is_caught),
                row,
            }
        };
        let functions: Vec<ExposureEntry> = rows.into_iter().map(entry).collect();
        ExposureReport {
            schema: EXPOSURE_SCHEMA,
            region: inventory.region.clone(),
            unit: money_of(&inventory.region),
            account: inventory.account,
            pool,
            price_unknown: roster.price_unknown(),
            uncounted: uncounted_of(&roster.inventory.functions),
            total: total(&functions, pool),
            watching: own_cost_of_month(roster),
            functions,
        }
    }

    /// The report for people, in the given number of columns; at most `top` functions.
    pub fn page(&self, width: usize, top: usize) -> Page {
        let mut page = Page::new(width);
        page.heading("Exposure: what an attack that begins now could burn");
        self.head(&mut page);
        self.table(&mut page, top);
        self.remarks(&mut page);
        page
    }

    fn amount(&self, usd: Usd) -> String {
        cents(usd, self.unit)
    }

    fn head(&self, page: &mut Page) {
        let total = &self.total;
        page.paragraph(
            "",
            &format!(
                "{} in {}. Account limit {}: {} reserved, {} shared by the rest.",
                counted(total.functions, "function"),
                self.region,
                grouped(self.account.concurrency.into()),
                grouped(self.account.concurrency.saturating_sub(self.pool).into()),
                grouped(self.pool.into())
            ),
        );
        page.line("");
        let mut line = |name: &str, value: &str| page.line(&format!("  {name:<44}{value:>18}"));
        line("worst hour, all functions together", &self.amount(total.worst_per_hour));
        line("worst day", &self.amount(total.worst_per_day));
        if let Some(advised) = total.advised_worst_per_hour {
            line("worst hour under the advised caps", &self.amount(advised));
        }
        let unknown = |known: usize, unknown: usize| match (known, unknown) {
            (known, 0) => known.to_string(),
            (0, unknown) if unknown == total.functions => "unknown".to_owned(),
            (known, unknown) => format!("{known}, {unknown} unknown"),
        };
        line("without a cap of their own", &total.without_cap.to_string());
        line(
            "no dead-letter queue or destination",
            &unknown(total.no_dead_letter, total.dead_letter_unknown),
        );
        line(&format!("dormant for {DORMANT_DAYS} days"), &unknown(total.dormant, total.dormant_unknown));
        line(
            &format!("limit above {PROPORTION} times their history"),
            &unknown(total.out_of_proportion, total.without_history),
        );
        let watching = &self.watching;
        let dollars = |usd: Usd| cents(usd, Unit::Usd);
        page.line("");
        page.paragraph(
            "",
            &format!(
                "Reading its metrics costs a guard at most {} a month: region totals {}, daily census {}, looks at \
                 single functions up to {}. Those that stand out in an incident are read beside it.",
                dollars(watching.total()),
                dollars(watching.sweep),
                dollars(watching.census),
                dollars(watching.glances)
            ),
        );
    }

    fn table(&self, page: &mut Page, top: usize) {
        /// From this width on, findings stand in the row.
        const IN_ROW: usize = 120;
        let is_wide = page.width >= IN_ROW;
        let shown = || self.functions.iter().take(top);
        let numbers = 12 + 14 + 16 + 6 + 8;
        let findings = if is_wide { 40 } else { 0 };
        let names = page.width.saturating_sub(2 + numbers + findings).min(60);
        page.line("");
        page.line(&format!(
            "  {:<names$}{:>12}{:>14}{:>16}{:>6}{:>8}{}",
            "function",
            "worst hour",
            "worst day",
            "limited by",
            "p99",
            "advised",
            if is_wide { "  findings" } else { "" }
        ));
        for entry in shown() {
            let row = &entry.row;
            let number = |value: Option<u32>| value.map_or("–".to_owned(), |value| grouped(value.into()));
            let found = entry.findings();
            let line = format!(
                "  {:<names$}{:>12}{:>14}{:>16}{:>6}{:>8}",
                shortened(row.function.as_str(), names - 1),
                self.amount(row.worst_per_hour),
                self.amount(row.worst_per_day),
                format!("{} {}", row.capped_by, grouped(row.ceiling.into())),
                number(row.concurrency_p99),
                number(row.advised),
            );
            let is_found = !found.is_empty();
            page.line(&if is_wide && is_found { format!("{line}  {found}") } else { line });
            if !is_wide && is_found {
                page.paragraph("      ", &found);
            }
        }
        if let Some(rest) = self.functions.len().checked_sub(top).filter(|rest| *rest > 0) {
            page.line(&format!("  and {rest} more, none of them dearer"));
        }
    }

    fn remarks(&self, page: &mut Page) {
        page.line("");
        if self.functions.iter().any(|entry| entry.row.capped_by == CappedBy::Pool) {
            page.paragraph(
                "",
                "\"pool\" is no cap: any one of these functions can take all unreserved concurrency, and what one \
                 takes the others lack. So the functions do not add up to the account.",
            );
        }
        page.paragraph(
            "",
            "p99: the concurrency that 99 of 100 hours of the history stayed within; advised: a cap with headroom over \
             it. Without history neither is known, nor what is dormant.",
        );
        if self.price_unknown {
            page.paragraph("", "A price of this region is unknown: the dearest known one stands in.");
        }
        if let Some(uncounted) = extras::sentence(&self.uncounted) {
            page.paragraph("", &uncounted);
        }
        page.paragraph(
            "",
            "The worst case: every unit of concurrency busy all the time, ten requests a second each, at list price.",
        );
    }
}

impl ExposureEntry {
    /// The problems around it, in words.
    fn findings(&self) -> String {
        let mut words: Vec<&str> = Vec::new();
        match self.dead_letter {
            Some(true) => {}
            Some(false) => words.push("no dead-letter queue"),
            None => words.push("dead-letter queue unknown"),
        }
        if self.dormant == Some(true) {
            words.push("dormant");
        }
        if self.row.findings.contains(&ExposureFinding::OutOfProportion) {
            words.push("oversized");
        }
        words.join(", ")
    }
}

fn total(functions: &[ExposureEntry], pool: u32) -> ExposureTotal {
    let count = |is: &dyn Fn(&ExposureEntry) -> bool| functions.iter().filter(|entry| is(entry)).count();
    let as_is = |row: &ExposureRow| (row.capped_by == CappedBy::Reserved, row.ceiling);
    // An advised cap is a reservation: it leaves the pool.
    let under_advice = |row: &ExposureRow| match row.advised.filter(|advised| *advised < row.ceiling) {
        Some(advised) => (true, advised),
        None => as_is(row),
    };
    let moved = functions
        .iter()
        .filter(|entry| entry.row.capped_by != CappedBy::Reserved)
        .filter_map(|entry| entry.row.advised.filter(|advised| *advised < entry.row.ceiling))
        .fold(0, u32::saturating_add);
    let is_advised = functions.iter().any(|entry| entry.row.advised_worst_per_hour.is_some());
    ExposureTotal {
        functions: functions.len(),
        worst_per_hour: together(functions, pool, as_is, |row| row.worst_per_hour),
        worst_per_day: together(functions, pool, as_is, |row| row.worst_per_day),
        advised_worst_per_hour: is_advised
            .then(|| together(functions, pool.saturating_sub(moved), under_advice, |row| row.worst_per_hour)),
        without_cap: count(&|entry| entry.row.capped_by == CappedBy::Pool),
        no_dead_letter: count(&|entry| entry.dead_letter == Some(false)),
        dead_letter_unknown: count(&|entry| entry.dead_letter.is_none()),
        dormant: count(&|entry| entry.dormant == Some(true)),
        dormant_unknown: count(&|entry| entry.dormant.is_none()),
        out_of_proportion: count(&|entry| entry.row.findings.contains(&ExposureFinding::OutOfProportion)),
        without_history: count(&|entry| entry.row.concurrency_p99.is_none()),
    }
}

/// The worst case of all functions at once: those with a reservation at their ceiling; the others take the pool, the
/// dearest first, each up to its ceiling.
fn together(
    functions: &[ExposureEntry],
    pool: u32,
    limit: impl Fn(&ExposureRow) -> (bool, u32),
    worst: impl Fn(&ExposureRow) -> Usd,
) -> Usd {
    let mut sum = Usd::ZERO;
    let mut pooled: Vec<(Usd, u32)> = Vec::new();
    for row in functions.iter().map(|entry| &entry.row).filter(|row| row.ceiling > 0) {
        let (is_reserved, ceiling) = limit(row);
        // The worst case is the ceiling times this: nothing is rounded.
        let each = worst(row).mul_div_up(1, row.ceiling.into());
        if is_reserved {
            sum += each * i128::from(ceiling);
        } else {
            pooled.push((each, ceiling));
        }
    }
    pooled.sort_by(|a, b| b.cmp(a));
    let mut left = pool;
    for (each, ceiling) in pooled {
        let taken = ceiling.min(left);
        sum += each * i128::from(taken);
        left -= taken;
    }
    sum
}

#[cfg(test)]
mod tests;
