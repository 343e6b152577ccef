//! Decisions in words: verdicts, changes, kinds of notices, amounts in their unit.

use guard_core::money::{Unit, Usd};
use guard_core::plan::{Action, Change, NoticeKind, Setting, Verdict};

use super::layout::{Tone, grouped};

/// A verdict in one or two words. Disarmed, nothing is done: the guard *would* act.
pub const fn verdict(verdict: Verdict, armed: bool) -> (&'static str, Tone) {
    match verdict {
        Verdict::Fine => ("fine", Tone::Good),
        Verdict::Warn => ("warn", Tone::Warning),
        Verdict::BreachedAlert => ("ALERT", Tone::Alarm),
        Verdict::BreachedAct if armed => ("ACT", Tone::Alarm),
        Verdict::BreachedAct => ("WOULD ACT", Tone::Alarm),
        Verdict::BreachedRefused => ("REFUSED", Tone::Alarm),
        Verdict::BreachedOrdinary => ("ORDINARY", Tone::Warning),
    }
}

/// The change that an action makes: the function, the setting, the value before and after.
pub fn action(action: &Action, armed: bool) -> String {
    let what = match &action.change {
        Change::AsyncConfig { .. } => "async retries and event age".to_owned(),
        Change::MappingConcurrency { mapping, .. } => format!("maximum concurrency of mapping {mapping}"),
        Change::MappingEnabled { mapping, .. } => format!("polling of mapping {mapping}"),
        Change::ReservedConcurrency { .. } => "reserved concurrency".to_owned(),
    };
    let (from, to) = (setting(action.change.from()), setting(action.change.to()));
    let verb = if armed { "set" } else { "would set" };
    format!("{verb} {}: {what} {from} → {to}", action.function)
}

/// The value of a setting.
fn setting(setting: Setting) -> String {
    match setting {
        Setting::Async(config) => {
            format!("{} retries within {} s", config.max_retries, config.max_event_age_s)
        }
        Setting::Concurrency(None) => "none".to_owned(),
        Setting::Concurrency(Some(0)) => "0 (stopped)".to_owned(),
        Setting::Concurrency(Some(limit)) => limit.to_string(),
        Setting::Enabled(true) => "on".to_owned(),
        Setting::Enabled(false) => "off".to_owned(),
    }
}

/// The name of a kind of notice, and how loud it is.
pub const fn notice(kind: NoticeKind) -> (&'static str, Tone) {
    match kind {
        NoticeKind::Armed => ("armed", Tone::Strong),
        NoticeKind::Noticed => ("noticed", Tone::Warning),
        NoticeKind::Warned => ("warned", Tone::Warning),
        NoticeKind::Capped => ("capped", Tone::Alarm),
        NoticeKind::WouldHaveCapped => ("would have capped", Tone::Alarm),
        NoticeKind::Refused => ("refused", Tone::Alarm),
        NoticeKind::Releasing => ("releasing", Tone::Good),
        NoticeKind::Released => ("released", Tone::Good),
        NoticeKind::Expired => ("expired", Tone::Good),
        NoticeKind::Untripped => ("untripped", Tone::Alarm),
        NoticeKind::Failed => ("failed", Tone::Alarm),
        NoticeKind::Blind => ("blind", Tone::Alarm),
        NoticeKind::Sighted => ("sighted", Tone::Good),
        NoticeKind::Troubled => ("troubled", Tone::Alarm),
        NoticeKind::Mended => ("mended", Tone::Good),
    }
}

/// An amount in the unit of its budget, in few columns: cents below $10,000, whole units above.
pub fn amount(amount: Usd, unit: Unit) -> String {
    let is_large = amount.picos().unsigned_abs() >= Usd::from_dollars(10_000).picos().unsigned_abs();
    match unit {
        Unit::Usd if is_large => format!("{amount:.0}"),
        Unit::Usd => format!("{amount:.2}"),
        Unit::Cny => format!("{amount:.2}").replace('$', "¥"),
        Unit::Invocations => {
            grouped(u64::try_from(amount.picos() / Usd::from_dollars(1).picos()).unwrap_or(0))
        }
    }
}

#[cfg(test)]
mod tests {
    use guard_core::plan::{AsyncSetting, Reason};

    use super::*;

    fn described(change: Change, armed: bool) -> String {
        action(&Action { function: "f".into(), change, reason: Reason::Operator, budget: None }, armed)
    }

    #[test]
    fn an_action_says_what_it_changes_from_what_to_what() {
        let cap = Change::ReservedConcurrency { from: None, to: Some(5) };
        assert_eq!(described(cap.clone(), false), "would set f: reserved concurrency none → 5");
        assert_eq!(described(cap, true), "set f: reserved concurrency none → 5");
        let stop = Change::ReservedConcurrency { from: Some(9), to: Some(0) };
        assert_eq!(described(stop, true), "set f: reserved concurrency 9 → 0 (stopped)");
        let (from, to) = (
            AsyncSetting { max_retries: 2, max_event_age_s: 21_600 },
            AsyncSetting { max_retries: 0, max_event_age_s: 60 },
        );
        assert_eq!(
            described(Change::AsyncConfig { from, to }, true),
            "set f: async retries and event age 2 retries within 21600 s → 0 retries within 60 s"
        );
        let mapping = || guard_core::name::MappingId::new("m");
        assert_eq!(
            described(Change::MappingEnabled { mapping: mapping(), from: true, to: false }, true),
            "set f: polling of mapping m on → off"
        );
        assert_eq!(
            described(Change::MappingConcurrency { mapping: mapping(), from: None, to: Some(2) }, true),
            "set f: maximum concurrency of mapping m none → 2"
        );
    }

    #[test]
    fn disarmed_the_guard_would_act() {
        assert_eq!(verdict(Verdict::BreachedAct, true).0, "ACT");
        assert_eq!(verdict(Verdict::BreachedAct, false).0, "WOULD ACT");
        assert_eq!(verdict(Verdict::Fine, false), ("fine", Tone::Good));
    }

    #[test]
    fn an_amount_is_shown_in_its_unit() {
        let dollars = Usd::from_dollars;
        assert_eq!(amount(dollars(9999), Unit::Usd), "$9,999.00");
        assert_eq!(amount(dollars(10_000), Unit::Usd), "$10,000");
        assert_eq!(amount(dollars(7), Unit::Cny), "¥7.00");
        assert_eq!(amount(dollars(12_345), Unit::Invocations), "12,345");
    }
}
