//! True spend of budgets, period by period: how much of it lies past the line, and under which circumstances.

use chrono::{DateTime, Utc};
use guard_core::budget::BudgetRule;
use guard_core::money::{Unit, Usd};
use guard_core::name::BudgetName;
use guard_core::time::Minute;
use serde::Serialize;

use crate::invoice::Invoice;
use crate::pilot::Pilot;

/// True spend of a budget in one period.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PeriodSpend {
    /// The budget.
    pub budget: BudgetName,
    /// What its amounts count.
    pub unit: Unit,
    /// Start of the period.
    pub start: DateTime<Utc>,
    /// The amount.
    pub amount: Usd,
    /// The amount spent.
    pub spent: Usd,
    /// When the amount was spent.
    pub crossed: Option<DateTime<Utc>>,
    /// When a function that it covers was first held below what it could do at the start.
    pub held: Option<DateTime<Utc>>,
    /// The amount spent past the line.
    pub past: PastLine,
}

/// Spend past a line, by what was in force when it was spent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PastLine {
    /// Nothing had been held yet.
    pub before: Split,
    /// Something was held.
    pub during: Split,
    /// All that had been held was free again.
    pub after: Split,
}

/// Spend by its cause.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Split {
    /// Attack traffic.
    pub attack: Usd,
    /// Everything else: legitimate traffic, and provisioned concurrency.
    pub rest: Usd,
}

impl Split {
    /// Both together.
    pub fn total(self) -> Usd {
        self.attack + self.rest
    }
}

/// Budgets, each with whether it covers the function at a place.
pub(super) struct Truth {
    rules: Vec<(BudgetRule, Vec<bool>)>,
    timezone: chrono_tz::Tz,
}

impl Truth {
    pub(super) fn new(pilot: &Pilot) -> Self {
        let roster = pilot.roster();
        let covered = |rule: &BudgetRule| {
            roster.inventory.functions.iter().map(|function| rule.matcher.matches(function)).collect()
        };
        Truth {
            rules: roster.rules.iter().map(|rule| (rule.clone(), covered(rule))).collect(),
            timezone: roster.timezone,
        }
    }

    /// Adds a minute, at whose end the functions at these places were held.
    pub(super) fn add_minute(
        &self,
        at: Minute,
        invoice: &Invoice,
        held: &[bool],
        periods: &mut Vec<PeriodSpend>,
    ) {
        for (rule, covers) in &self.rules {
            let mut grown = Split::default();
            for one in invoice.grown() {
                if !covers.get(one.function).copied().unwrap_or(false) {
                    continue;
                }
                let worth =
                    if rule.counts_invocations() { Usd::from_dollars(1) * one.requests } else { one.cost };
                *(if one.is_attack { &mut grown.attack } else { &mut grown.rest }) += worth;
            }
            let (start, _) = rule.period_at(self.timezone, at.start());
            let is_held = covers.iter().zip(held).any(|(covered, held)| *covered && *held);
            let last = periods.iter().rposition(|period| period.budget == rule.name);
            let open = last.and_then(|place| periods.get_mut(place)).filter(|period| period.start == start);
            let period = match open {
                Some(period) => period,
                None => {
                    periods.push(PeriodSpend {
                        budget: rule.name.clone(),
                        unit: rule.unit,
                        start,
                        amount: rule.amount,
                        spent: Usd::ZERO,
                        crossed: None,
                        held: None,
                        past: PastLine::default(),
                    });
                    let Some(period) = periods.last_mut() else { return };
                    period
                }
            };
            period.add(at, grown, is_held);
        }
    }
}

impl PeriodSpend {
    fn add(&mut self, at: Minute, grown: Split, is_held: bool) {
        self.spent += grown.total();
        if is_held {
            self.held.get_or_insert(at.start());
        }
        let past = (self.spent - self.amount).at_least_zero().min(grown.total());
        if past > Usd::ZERO {
            let attack = past.mul_div_up(grown.attack.picos(), grown.total().picos());
            let into = match (is_held, self.held) {
                (true, _) => &mut self.past.during,
                (false, None) => &mut self.past.before,
                (false, Some(_)) => &mut self.past.after,
            };
            into.attack += attack;
            into.rest += past - attack;
        }
        if self.spent >= self.amount {
            self.crossed.get_or_insert(at.plus(1).start());
        }
    }
}
