//! The policy read against the inventory, once: per function its unit costs, budgets, floor and modes, so that a
//! tick is arithmetic.

use crate::budget::{self, BudgetRule};
use crate::cost::UnitCost;
use crate::extras::Uncounted;
use crate::inventory::{Architecture, Function, Inventory, uncounted_of};
use crate::money::{Cause, Causes, Unit, Usd, UsdRange};
use crate::name::FunctionName;
use crate::policy::{BelowFloor, Companion, FunctionOverrides, Mode, Policy, Protected, TagProblem};
use crate::pricing::{PriceTable, Quote, companion_per_invocation};
use crate::time::timezone;

/// Policy, prices and inventory, compiled.
#[derive(Clone, Debug)]
pub struct Roster {
    /// The policy.
    pub policy: Policy,
    /// The functions that exist. Code that changes a lever must keep this up to date.
    pub inventory: Inventory,
    /// The budgets of the policy, then those that function tags ask for.
    pub rules: Vec<BudgetRule>,
    /// Compiled facts, in the order of the inventory's functions.
    pub members: Vec<Member>,
    /// The cost of provisioned concurrency per minute, used or not, for each of `rules`.
    pub standing_per_minute: Vec<Usd>,
    /// Tags that could not be read: reported, never fatal.
    pub tag_problems: Vec<TagProblem>,
    /// The zone in which periods begin.
    pub timezone: chrono_tz::Tz,
    /// The guard's own function: never touched.
    pub guard: Option<FunctionName>,
    /// The price list for x86-64.
    pub quote_x86_64: Quote,
    /// The price list for Arm.
    pub quote_arm64: Quote,
    /// The places of `members`, the dearest busy second first.
    pub(crate) by_price: Vec<usize>,
    /// For each of `rules`, the places of the members that it covers, in the same order.
    pub(crate) covered: Vec<Vec<usize>>,
    /// The cost of an invocation besides its duration, from the cheapest member to the dearest.
    pub(crate) per_invocation: UsdRange,
}

/// The policy as it applies to one function.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// The cost of its usage.
    pub unit: UnitCost,
    /// The cost of a second in which one execution environment is busy.
    pub per_busy_second: Usd,
    /// The budgets that cover it, as indices into [`Roster::rules`], ascending.
    pub budgets: Vec<usize>,
    /// Whether the guard must never touch it.
    pub protected: bool,
    /// The settings that its tags override.
    pub overrides: FunctionOverrides,
    /// The cost per second that one unit of its concurrency can reach at worst.
    pub worst_per_unit_second: Usd,
    /// Whether a budget narrower than everything covers it; if so, it is looked at on its own account.
    pub has_own_budget: bool,
    /// Minutes after which its metrics for a minute change no more: lag, time-out, and two to spare.
    pub window_min: i64,
}

impl Roster {
    /// Reads the policy against the inventory.
    pub fn new(
        policy: Policy,
        prices: &PriceTable,
        inventory: Inventory,
        guard: Option<FunctionName>,
    ) -> Self {
        let (rules, tag_problems) = budget::rules(&policy, &inventory);
        // A policy that was not validated may name no zone; UTC is then a safe default.
        let timezone = timezone(&policy.timezone).unwrap_or(chrono_tz::UTC);
        let quote_x86_64 = prices.quote(&inventory.region, Architecture::X86_64);
        let quote_arm64 = prices.quote(&inventory.region, Architecture::Arm64);
        let protected = Protected::compile(&policy.protected);
        let companions: Vec<(wildmatch::WildMatch, &Companion)> = policy
            .companion
            .iter()
            .map(|entry| (wildmatch::WildMatch::new(&entry.functions), entry))
            .collect();
        let none = Companion::default();
        let members: Vec<Member> = inventory
            .functions
            .iter()
            .map(|function| {
                let companion = companions
                    .iter()
                    .find(|(pattern, _)| pattern.matches(function.name.as_str()))
                    .map_or(&none, |(_, companion)| companion);
                let quote = match function.architecture {
                    Architecture::X86_64 => &quote_x86_64,
                    Architecture::Arm64 => &quote_arm64,
                };
                let overrides = FunctionOverrides::of(function, policy.tags).0;
                let budgets: Vec<usize> = (0..rules.len())
                    .filter(|index| rules.get(*index).is_some_and(|rule| rule.matcher.matches(function)))
                    .collect();
                let is_narrow =
                    |place: &usize| rules.get(*place).is_some_and(|rule| !rule.matcher.is_everything());
                let unit = UnitCost::new(function, quote, companion, companion_per_invocation(companion));
                Member {
                    has_own_budget: budgets.iter().any(is_narrow),
                    worst_per_unit_second: unit.worst_per_concurrency(1),
                    per_busy_second: unit.per_busy_second(),
                    unit,
                    budgets,
                    protected: guard.as_ref() == Some(&function.name)
                        || overrides.protect
                        || protected.matches(function),
                    overrides,
                    window_min: i64::from((policy.timing.metric_lag_s + function.timeout_s).div_ceil(60)) + 2,
                }
            })
            .collect();
        let quotes = (&quote_x86_64, &quote_arm64);
        let standing_per_minute = standing_per_minute(&rules, &inventory, &members, quotes);
        let mut by_price: Vec<usize> = (0..members.len()).collect();
        let price = |index: &usize| members.get(*index).map(|member| member.per_busy_second);
        by_price.sort_by_key(|index| std::cmp::Reverse(price(index)));
        let covered = covered(&by_price, &members, rules.len());
        let others = inventory.functions.iter().zip(&members);
        let per_invocation =
            per_invocation(others.filter(|(function, _)| guard.as_ref() != Some(&function.name)));
        Roster {
            policy,
            inventory,
            rules,
            members,
            standing_per_minute,
            tag_problems,
            timezone,
            guard,
            quote_x86_64,
            quote_arm64,
            by_price,
            covered,
            per_invocation,
        }
    }

    /// The prices of an architecture.
    pub fn quote(&self, architecture: Architecture) -> &Quote {
        match architecture {
            Architecture::X86_64 => &self.quote_x86_64,
            Architecture::Arm64 => &self.quote_arm64,
        }
    }

    /// Whether some price of the region is unknown and a stand-in is used.
    pub fn price_unknown(&self) -> bool {
        !self.quote_x86_64.unknown.is_empty() || !self.quote_arm64.unknown.is_empty()
    }

    /// What the functions under a rule use that is billed and not counted; nothing of a rule that counts invocations.
    pub fn uncounted(&self, rule: usize) -> Uncounted {
        if self.rules.get(rule).is_none_or(|rule| rule.unit == Unit::Invocations) {
            return Uncounted::new();
        }
        let members = self.members.iter().zip(&self.inventory.functions);
        let covered = members.filter(|(member, _)| member.budgets.contains(&rule));
        uncounted_of(covered.map(|(_, function)| function))
    }

    /// The concurrency a cap leaves to a function: its tag's value if it has one; otherwise the concurrency that
    /// legitimate traffic needed, times headroom; without history the policy's minimum.
    pub fn floor(&self, index: usize, concurrency_p99: Option<u32>) -> u32 {
        let tagged = self.members.get(index).and_then(|member| member.overrides.floor);
        tagged.unwrap_or_else(|| {
            let percent = u64::from(self.policy.floor.headroom_percent);
            let needed = (u64::from(concurrency_p99.unwrap_or(0)) * percent).div_ceil(100);
            u32::try_from(needed).unwrap_or(u32::MAX).max(self.policy.floor.minimum)
        })
    }

    /// The most that may be done to a function on behalf of a budget: the budget's mode, unless the function's tag
    /// allows less.
    pub fn mode(&self, index: usize, rule: &BudgetRule) -> Mode {
        self.members.get(index).map_or(rule.mode, |member| member.overrides.restrain(rule.mode))
    }

    /// Whether a budget at its line stops a function, ordinary or not: the budget's setting, unless a tag restricts it.
    pub fn stops(&self, index: usize, rule: &BudgetRule) -> bool {
        let mode = self.mode(index, rule);
        mode >= Mode::Cap && (mode == Mode::Stop || rule.below_floor == BelowFloor::Stop)
    }

    /// Whether the guard may change a function at all: it is not protected, and its tags have been read.
    pub fn may_change(&self, index: usize) -> bool {
        let known = self.inventory.functions.get(index).is_some_and(|function| function.tags_known);
        known && self.members.get(index).is_some_and(|member| !member.protected)
    }

    /// The budgets on whose behalf a function may be changed.
    pub fn acting(&self, index: usize) -> impl Iterator<Item = &BudgetRule> {
        let member = self.members.get(index).filter(|_| self.may_change(index));
        let covering = member.map_or(&[][..], |member| &member.budgets);
        let covering = covering.iter().filter_map(|place| self.rules.get(*place));
        covering.filter(move |rule| self.mode(index, rule) >= Mode::Cap)
    }

    /// The most dollars per second a function can cost: every unit of concurrency it can get, busy and answering.
    pub fn worst_per_second(&self, index: usize) -> Usd {
        let (Some(function), Some(member)) = (self.inventory.functions.get(index), self.members.get(index))
        else {
            return Usd::ZERO;
        };
        let account = self.inventory.account;
        let pool = account.concurrency.saturating_sub(account.unreserved_minimum);
        let ceiling = function.reserved.unwrap_or(pool.max(account.unreserved_minimum));
        member.worst_per_unit_second * i128::from(ceiling)
    }

    /// Minutes to go back when functions are read again, because of late data points and long invocations.
    pub fn reread_min(&self) -> i64 {
        self.members.iter().map(|member| member.window_min).max().unwrap_or(5)
    }
}

/// For each budget, the places of the members that it covers, in the given order.
fn covered(places: &[usize], members: &[Member], budgets: usize) -> Vec<Vec<usize>> {
    let mut covered = vec![Vec::new(); budgets];
    for index in places {
        for place in members.get(*index).into_iter().flat_map(|member| &member.budgets) {
            if let Some(covered) = covered.get_mut(*place) {
                covered.push(*index);
            }
        }
    }
    covered
}

/// The cost of an invocation besides its duration, except the guard's own; the expected value is the functions' mean.
fn per_invocation<'a>(others: impl Iterator<Item = (&'a Function, &'a Member)>) -> UsdRange {
    let all: Vec<UsdRange> = others.map(|(_, member)| member.unit.per_invocation).collect();
    let count = i128::try_from(all.len()).unwrap_or(i128::MAX).max(1);
    let mean = all.iter().map(|cost| cost.expected).sum::<Usd>().mul_div_up(1, count);
    let low = all.iter().map(|cost| cost.low).min().unwrap_or_default();
    let high = all.iter().map(|cost| cost.high).max().unwrap_or_default();
    UsdRange::new(low.min(mean), mean, high.max(mean), Causes::of(Cause::MillisecondRounding))
}

/// The cost of provisioned concurrency per minute, used or not, for each rule that counts money.
fn standing_per_minute(
    rules: &[BudgetRule],
    inventory: &Inventory,
    members: &[Member],
    (x86_64, arm64): (&Quote, &Quote),
) -> Vec<Usd> {
    let mut sums = vec![Usd::ZERO; rules.len()];
    for (function, member) in
        inventory.functions.iter().zip(members).filter(|(function, _)| function.provisioned > 0)
    {
        let quote = match function.architecture {
            Architecture::X86_64 => x86_64,
            Architecture::Arm64 => arm64,
        };
        let megabytes = i128::from(function.provisioned) * i128::from(function.memory_mb);
        let per_minute = quote.provisioned_gb_second.mul_div_up(megabytes * 60, 1024);
        for place in &member.budgets {
            let counts_money = rules.get(*place).is_some_and(|rule| !rule.counts_invocations());
            if let Some(sum) = sums.get_mut(*place).filter(|_| counts_money) {
                *sum += per_minute;
            }
        }
    }
    sums
}

#[cfg(test)]
mod tests;
