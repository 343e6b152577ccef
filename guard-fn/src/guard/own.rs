//! The guard's own troubles: what went wrong in a tick, and ticks that come too seldom.

use chrono::{DateTime, TimeDelta, Utc};
use guard_core::alert;
use guard_core::plan::{Notice, NoticeKind};
use guard_core::policy::ranges::TICK_S;
use guard_core::policy::{Policy, TagProblem};
use guard_core::roster::Roster;

use crate::memory::Memory;

/// The alarm under which the guard reports its own problems.
const SELF_ALARM: &str = "dow-guard/self";

/// The guard's own problems, reported like any alarm: once, again when they change or last, and closed.
pub(super) fn own_notice(
    memory: &mut Memory,
    problems: &[String],
    at: DateTime<Utc>,
    realert: TimeDelta,
) -> Option<Notice> {
    let is_troubled = !problems.is_empty();
    let notice = Notice {
        kind: if is_troubled { NoticeKind::Troubled } else { NoticeKind::Mended },
        alarm: SELF_ALARM.to_owned(),
        alarming: is_troubled,
        budget: None,
        function: None,
        headline: match problems {
            [] => "The guard is well again".to_owned(),
            [only] => only.clone(),
            [first, rest @ ..] => format!("{first}; and {} more", rest.len()),
        },
        body: problems.to_vec(),
        // A service's error text can hold a request id, so a repetition is recognised by the call.
        digest: problems.iter().map(|text| text.split(": ").next().unwrap_or("")).collect(),
    };
    let is_due = alert::is_due(&notice, &memory.state.alerts, at, realert);
    if is_due {
        alert::remember(&notice, &mut memory.state.alerts, at);
    }
    is_due.then_some(notice)
}

/// Counts the time since the last tick as the time until the guard looks again where it is longer than the policy says,
/// in whole minutes. Returns what to tell of it: a single tick that was missed is not worth a message.
pub(super) fn keep_pace(
    policy: &mut Policy,
    last_tick: Option<DateTime<Utc>>,
    at: DateTime<Utc>,
) -> Option<String> {
    let gap_s = (at - last_tick?).num_seconds().saturating_add(30) / 60 * 60;
    let gap_s = u32::try_from(gap_s).ok()?;
    let said_s = policy.timing.tick_s;
    let longest_s = u32::try_from(TICK_S.max).unwrap_or(u32::MAX);
    policy.timing.tick_s = said_s.max(gap_s.min(longest_s));
    let minutes = |seconds: u32| seconds.div_ceil(60);
    (gap_s >= said_s.saturating_mul(GAP_TOLD)).then(|| {
        let (gap, said) = (minutes(gap_s), minutes(said_s));
        format!(
            "the schedule: {gap} min since the last tick, and timing.tick_s says {said} min: what is spent meanwhile \
             nobody sees"
        )
    })
}

/// What to tell of a policy under which nothing is guarded: one whose text was lost on its way here looks like that.
pub(super) fn without_budget(roster: &Roster) -> Option<String> {
    roster.rules.is_empty().then(|| {
        "the policy: it has no [[budget]], and no function has a tag dow-guard:monthly-usd: NOTHING IS GUARDED".to_owned()
    })
}

/// Tags of the guard that cannot be read, as problems: the first few, and how many more there are.
pub(super) fn mistyped(tags: &[TagProblem]) -> Vec<String> {
    let mut told: Vec<String> = tags.iter().take(MISTYPED_MAX).map(ToString::to_string).collect();
    let more = tags.len().saturating_sub(MISTYPED_MAX);
    told.extend(
        (more > 0)
            .then(|| format!("tags of other functions: {more} more cannot be read; explain shows them")),
    );
    told
}

/// Tags that cannot be read which a message names. Our choice: a wrong template makes hundreds.
const MISTYPED_MAX: usize = 5;

/// How many times as long as the policy says a time between two ticks is that people are told of. Our choice.
const GAP_TOLD: u32 = 3;

#[cfg(test)]
mod tests {
    use chrono::TimeZone;

    use super::*;

    /// The seconds between two ticks that count, and whether it is told, so many seconds after the last.
    fn after(seconds: i64, said: u32) -> (u32, bool) {
        let mut policy = Policy::default();
        policy.timing.tick_s = said;
        let at = Utc.with_ymd_and_hms(2026, 11, 2, 12, 0, 0).unwrap();
        let told = keep_pace(&mut policy, Some(at - TimeDelta::seconds(seconds)), at);
        (policy.timing.tick_s, told.is_some())
    }

    #[test]
    fn the_time_since_the_last_tick_counts_where_it_is_longer_than_the_policy_says() {
        assert_eq!([after(20, 60), after(60, 60), after(89, 60)], [(60, false); 3]);
        assert_eq!(after(120, 60), (120, false), "one tick was missed");
        assert_eq!(after(600, 60), (600, true), "a schedule of ten minutes under a policy of one");
        assert_eq!(after(600, 600), (600, false));
        assert_eq!(after(86_400, 60), (3600, true));
        let mut policy = Policy::default();
        let at = Utc.with_ymd_and_hms(2026, 11, 2, 12, 0, 0).unwrap();
        assert_eq!(keep_pace(&mut policy, None, at), None, "the first tick of all");
        assert_eq!(
            keep_pace(&mut policy, Some(at + TimeDelta::hours(1)), at),
            None,
            "a clock that was ahead"
        );
        assert_eq!(policy, Policy::default());
    }

    #[test]
    fn of_many_tags_that_cannot_be_read_the_first_are_named_and_the_others_counted() {
        let wrong = |number: usize| TagProblem {
            function: Some(format!("f{number}").as_str().into()),
            tag: "dow-guard:floor".to_owned(),
            value: "fifty".to_owned(),
            accepted: "a whole number".to_owned(),
        };
        let many: Vec<TagProblem> = (0..12).map(wrong).collect();
        let told = mistyped(&many);
        assert_eq!(told.len(), 6);
        assert!(told[0].starts_with("function f0: tag dow-guard:floor = \"fifty\" is not taken"), "{told:?}");
        assert!(told[5].contains("7 more"), "{told:?}");
        assert_eq!(mistyped(&many[..1]).len(), 1);
        assert_eq!(mistyped(&[]), Vec::<String>::new());
    }

    #[test]
    fn a_longer_time_is_in_the_reaction_time_and_so_in_the_bound() {
        let mut policy = Policy::default();
        let before = policy.timing.reaction_s();
        let at = Utc.with_ymd_and_hms(2026, 11, 2, 12, 0, 0).unwrap();
        keep_pace(&mut policy, Some(at - TimeDelta::minutes(10)), at);
        assert_eq!(policy.timing.reaction_s(), before + 540);
    }
}
