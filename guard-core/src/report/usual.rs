//! Budgets against what is usual: a budget that usual traffic uses up alarms without an incident.

use super::amount;
use crate::money::Usd;
use crate::roster::Roster;
use crate::state::State;
use crate::time::Hour;

/// Hours of a week.
const WEEK_H: i64 = 168;

/// Budgets that the usual traffic of the coming week uses up, each in a sentence; only what is counted in money, and only
/// functions with history. The last sentence says how many functions have none.
pub fn too_small(roster: &Roster, state: &State, now: Hour) -> Vec<String> {
    let mut unknown = 0_usize;
    let mut usual = vec![Usd::ZERO; roster.rules.len()];
    for (function, member) in roster.inventory.functions.iter().zip(&roster.members) {
        let profile = state.profile(&function.name);
        let week = profile.and_then(|profile| {
            let hours: Vec<_> = (0..WEEK_H).filter_map(|ahead| profile.expect(now.plus(ahead))).collect();
            (!hours.is_empty()).then(|| hours.iter().map(|hour| hour.expected).sum::<Usd>())
        });
        let Some(week) = week else {
            unknown += 1;
            continue;
        };
        for place in &member.budgets {
            if let Some(sum) = usual.get_mut(*place) {
                *sum += week;
            }
        }
    }
    let mut told = Vec::new();
    for (rule, week) in roster.rules.iter().zip(usual).filter(|(rule, _)| !rule.counts_invocations()) {
        let period = week.mul_div_up(i128::from(rule.period.minutes()), i128::from(WEEK_H * 60));
        if period > rule.amount {
            told.push(format!(
                "budget {}: usual traffic alone spends about {} in its period of {} min, and the amount is {}: it alarms \
                 without an incident",
                rule.name,
                amount(period, rule.unit),
                rule.period.minutes(),
                amount(rule.amount, rule.unit)
            ));
        }
    }
    if unknown > 0 {
        told.push(format!(
            "{unknown} of {} functions have no history yet: what is usual may be more",
            roster.members.len()
        ));
    }
    told
}
