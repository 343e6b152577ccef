//! Costs and credits besides single invocations: provisioned concurrency, used or not, and the free tier.

use super::book::{BudgetLedger, Entry};
use super::{FreeUsage, Meters};
use crate::inventory::Architecture;
use crate::money::{Usd, UsdRange};
use crate::policy::{FreeTier, Period};
use crate::pricing::{FREE_GB_SECONDS, FREE_REQUESTS};
use crate::roster::Roster;
use crate::time::Minute;

/// Minutes of standing cost posted one by one; a longer silence of the guard is posted as one sum, because no
/// budget remembers older minutes one by one.
const SINGLY_MIN: i64 = 360;

/// Microseconds × megabytes in one GB-second.
const MB_US_PER_GB_S: i128 = 1_024_000_000;

/// Posts the cost of provisioned concurrency since it was posted last, up to the newest settled minute. At the first
/// look the time before is unknown.
pub(crate) fn post(
    roster: &Roster,
    books: &mut [BudgetLedger],
    posted_until: Option<Minute>,
    settled: Minute,
) {
    let Some(until) = posted_until else { return };
    let minutes = settled.since(until).max(0);
    let singly = minutes.min(SINGLY_MIN);
    for (standing, book) in
        roster.standing_per_minute.iter().zip(books).filter(|(standing, _)| **standing > Usd::ZERO)
    {
        if minutes > singly {
            book.post(settled.plus(-singly), &Entry::exact(*standing * i128::from(minutes - singly)));
        }
        for back in (0..singly).rev() {
            book.post(settled.plus(-back), &Entry::exact(*standing));
        }
    }
}

/// Takes the free tier off monthly budgets over everything, if the policy asks for it. The whole account uses it up
/// once a month, so no narrower or shorter budget has a share of it.
pub(crate) fn credit(roster: &Roster, books: &mut [BudgetLedger], meters: &Meters) {
    if roster.policy.free_tier != FreeTier::Deduct {
        return;
    }
    let free = free_tier_value(roster, &meters.free);
    for (rule, book) in roster.rules.iter().zip(books) {
        let covered =
            rule.matcher.is_everything() && rule.period == Period::Month && !rule.counts_invocations();
        if covered && free > book.credited {
            book.spent = book.spent.minus_posted(UsdRange::exact(free - book.credited));
            book.credited = free;
        }
    }
}

/// The value of the free tier for a usage: a million requests and 400,000 GB-seconds, off the cheaper architecture
/// first (AWS does not document which; this order deducts the least).
fn free_tier_value(roster: &Roster, usage: &FreeUsage) -> Usd {
    let requests = usage.requests.min(i128::from(FREE_REQUESTS));
    let mut left_mb_us = i128::from(FREE_GB_SECONDS) * MB_US_PER_GB_S;
    let mut value = roster.quote(Architecture::X86_64).request * requests;
    let mut parts = [(Architecture::X86_64, usage.x86_64_mb_us), (Architecture::Arm64, usage.arm64_mb_us)]
        .map(|(architecture, used)| {
            (roster.quote(architecture).gb_second.first().map_or(Usd::ZERO, |tier| tier.price), used)
        });
    parts.sort();
    for (price, used) in parts {
        let covered = used.min(left_mb_us);
        // Rounded down: the deduction must not exceed the bill.
        value += Usd::from_picos(price.picos() * covered / MB_US_PER_GB_S);
        left_mb_us -= covered;
    }
    value
}
