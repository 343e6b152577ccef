//! Notices for people: the life cycle of a trip. Each alarm is sent once, sent again when it changes or stays open too
//! long, and closed under the same name.

mod books;
mod findings;
mod guarantee;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Duration, Utc};

use super::Draft;
use crate::name::{BudgetName, FunctionName};
use crate::observation::Freshness;
use crate::plan::{
    Action, BudgetRecord, Change, Notice, NoticeKind, Plan, Reason, Refusal, Setting, Verdict,
};
use crate::report;
use crate::roster::Roster;
use crate::settle::Finding;
use crate::state::{AlertState, Latch, Phase, State};
use crate::text::counted;

/// Minutes without cause after which a budget's alarm closes: a rate near its line must not send a message every
/// minute. Our choice.
const QUIET_BEFORE_OK_MIN: i64 = 60;

/// Alarm name for the guard's ability to read metrics.
const SIGHT_ALARM: &str = "dow-guard/sight";
/// Alarm name for whether the guard is armed.
const ARMED_ALARM: &str = "dow-guard/armed";

/// The prefix of a function's alarm name.
const FUNCTION_ALARM: &str = "dow-guard/function/";

/// Alarm name of a budget.
pub(crate) fn budget_alarm(budget: &str) -> String {
    format!("dow-guard/budget/{budget}")
}

/// Alarm name of a function's trip.
pub(crate) fn function_alarm(function: &FunctionName) -> String {
    format!("{FUNCTION_ALARM}{function}")
}

/// The notices of a plan that are new, changed, or due again.
pub(super) fn notices(draft: &Draft<'_>, budgets: &[BudgetRecord], findings: &[Finding]) -> Vec<Notice> {
    let mut all = vec![armed(draft)];
    all.extend(sight(draft));
    all.extend(budgets.iter().filter_map(|record| budget(draft, record)));
    all.extend(findings.iter().filter_map(|finding| findings::notice(draft, finding)));
    all.extend(trips(draft, budgets));
    // If a function has a notice of its trip, a notice of its ceiling adds nothing.
    let held = guarantee::notices(draft).into_iter();
    let held: Vec<Notice> = held.filter(|notice| all.iter().all(|told| told.alarm != notice.alarm)).collect();
    all.extend(held);
    all.extend(rollovers(draft));
    all.extend(settled(draft));
    all.extend(books::closed(draft));
    let state = draft.state;
    all.retain(|notice| is_due(draft.roster, state, draft.seen.at, notice));
    all.extend(books::changed(draft, budgets));
    all
}

/// Records the sent notices, and when an open alarm lost its cause.
pub(crate) fn remember(roster: &Roster, state: &mut State, plan: &Plan) {
    for notice in &plan.notices {
        let before = state.alerts.get(&notice.alarm);
        let opened_at = before.filter(|alert| alert.open).map_or(plan.at, |alert| alert.opened_at);
        let alert = AlertState {
            open: notice.alarming,
            opened_at,
            sent_at: plan.at,
            quiet_since: None,
            digest: notice.digest.clone(),
        };
        state.alerts.insert(notice.alarm.clone(), alert);
    }
    for record in &plan.budgets {
        if let Some(alert) =
            state.alerts.get_mut(&budget_alarm(record.budget.as_str())).filter(|alert| alert.open)
        {
            alert.quiet_since = match record.verdict {
                Verdict::Fine => alert.quiet_since.or(Some(plan.at)),
                _ => None,
            };
        }
    }
    let stirring = stirring(&plan.actions, &plan.refusals);
    for (alarm, alert) in state.alerts.iter_mut().filter(|(_, alert)| alert.open) {
        let Some(name) = alarm.strip_prefix(FUNCTION_ALARM) else { continue };
        let is_quiet = !stirring.contains(name) && !is_held(&state.latches, name);
        alert.quiet_since = if is_quiet { alert.quiet_since.or(Some(plan.at)) } else { None };
    }
    let kept = Duration::hours(i64::from(roster.policy.release.flap_window_h).max(48));
    state.alerts.retain(|alarm, alert| alert.open || alarm == ARMED_ALARM || plan.at < alert.sent_at + kept);
}

/// Functions that a plan acts on, or refuses to act on in a way people are notified of.
fn stirring(actions: &[Action], refusals: &[Refusal]) -> BTreeSet<FunctionName> {
    let refused = refusals.iter().filter(|refusal| is_for_people(refusal));
    let refused = refused.map(|refusal| refusal.function.clone());
    actions.iter().map(|action| action.function.clone()).chain(refused).collect()
}

/// Whether the guard holds a lever of a function, or others have set a lever that it held.
fn is_held(latches: &BTreeMap<FunctionName, Latch>, name: &str) -> bool {
    latches.get(name).is_some_and(|latch| latch.is_holding() || latch.is_foreign())
}

/// Closes alarms that a function opened without a cap that a release would close: for a refusal, or for the actions
/// that a disarmed guard would have taken.
fn settled(draft: &Draft<'_>) -> Vec<Notice> {
    let until = draft.seen.at - Duration::minutes(QUIET_BEFORE_OK_MIN);
    let open = draft.state.alerts.iter().filter(|(_, alert)| alert.open);
    let quiet = open.filter(|(_, alert)| alert.quiet_since.is_some_and(|since| since <= until));
    let names = quiet.filter_map(|(alarm, _)| alarm.strip_prefix(FUNCTION_ALARM));
    let stirring = stirring(&draft.actions, &draft.refusals);
    names
        .filter(|name| !stirring.contains(*name) && !is_held(&draft.state.latches, name))
        .map(|name| Notice {
            kind: NoticeKind::Released,
            alarm: function_alarm(&name.into()),
            alarming: false,
            budget: None,
            function: Some(name.into()),
            headline: format!("OK: {name} has been quiet for {QUIET_BEFORE_OK_MIN} min; nothing is held"),
            body: Vec::new(),
            digest: "quiet".to_owned(),
        })
        .collect()
}

/// Whether a notice is worth sending: a new alarm, a changed one, or one that has been open for long.
pub(super) fn is_due(roster: &Roster, state: &State, at: DateTime<Utc>, notice: &Notice) -> bool {
    let Some(alert) = state.alerts.get(&notice.alarm) else {
        return notice.alarming || notice.kind == NoticeKind::Armed;
    };
    if !notice.alarming {
        return alert.open || (notice.kind == NoticeKind::Armed && alert.digest != notice.digest);
    }
    let realert = Duration::minutes(i64::from(roster.policy.alerts.realert_min));
    // A refusal reported beside an action, or beside further refusals, was part of that message.
    let told = alert.digest == notice.digest
        || (notice.digest.starts_with("Refused [] [")
            && refused_words(&notice.digest).is_subset(&refused_words(&alert.digest)));
    !alert.open || !told || at >= alert.sent_at + realert
}

fn armed(draft: &Draft<'_>) -> Notice {
    let (word, consequence) = if draft.armed {
        ("armed", "Caps are applied where budgets of mode cap or stop break.")
    } else {
        ("disarmed", "Nothing is changed; every action is reported as \"would have\".")
    };
    Notice {
        kind: NoticeKind::Armed,
        alarm: ARMED_ALARM.to_owned(),
        alarming: false,
        budget: None,
        function: None,
        headline: format!(
            "DoW Guard is {word} in {} ({})",
            draft.roster.inventory.region,
            counted(draft.roster.rules.len(), "budget")
        ),
        body: vec![consequence.to_owned()],
        digest: word.to_owned(),
    }
}

/// Losing sight of the metrics is reported loudly, and so is its end.
fn sight(draft: &Draft<'_>) -> Option<Notice> {
    let is_unknown = |freshness: Freshness| freshness == Freshness::Unknown;
    let unknown = draft.reading.functions.iter().filter(|function| is_unknown(function.freshness)).count()
        + draft.seen.glances.iter().filter(|(_, series)| is_unknown(series.freshness)).count();
    let region = draft.reading.region;
    let blind = !region.is_trustworthy() || unknown > 0;
    let open = draft.state.alerts.get(SIGHT_ALARM).is_some_and(|alert| alert.open);
    if !blind && !open {
        return None;
    }
    let what = match region {
        Freshness::Fresh | Freshness::Silent => unreadable(unknown),
        other if unknown == 0 => format!("region totals are {}", report::freshness(other)),
        other => format!("region totals are {}, {}", report::freshness(other), unreadable(unknown)),
    };
    let (kind, headline) = if blind {
        (NoticeKind::Blind, format!("DoW Guard cannot see: {what}"))
    } else {
        (NoticeKind::Sighted, "DoW Guard sees again".to_owned())
    };
    Some(Notice {
        kind,
        alarm: SIGHT_ALARM.to_owned(),
        alarming: blind,
        budget: None,
        function: None,
        headline,
        body: vec![
            "Missing metrics are not read as zero: spend is extrapolated at the last known rate.".to_owned(),
            "No cap is released while data is missing.".to_owned(),
        ],
        digest: if blind { "blind".to_owned() } else { "sighted".to_owned() },
    })
}

fn unreadable(functions: usize) -> String {
    format!("{} {} unreadable", counted(functions, "function"), if functions == 1 { "is" } else { "are" })
}

fn budget(draft: &Draft<'_>, record: &BudgetRecord) -> Option<Notice> {
    let alarm = budget_alarm(record.budget.as_str());
    let alert = draft.state.alerts.get(&alarm);
    if record.verdict == Verdict::Fine {
        // Nothing is well that was not read.
        if record.freshness == Freshness::Unknown {
            return None;
        }
        // Nor while something is held for it.
        if held_for(draft, &record.budget).next().is_some() {
            return None;
        }
        let quiet = alert.and_then(|alert| alert.quiet_since)?;
        let is_over = draft.seen.at >= quiet + Duration::minutes(QUIET_BEFORE_OK_MIN);
        return is_over.then(|| Notice {
            kind: NoticeKind::Released,
            alarm,
            alarming: false,
            budget: Some(record.budget.clone()),
            function: None,
            headline: format!("OK: {}", report::budget_headline(record)),
            body: report::budget_lines(record),
            digest: "fine".to_owned(),
        });
    }
    let rule = draft.rule(&record.budget)?;
    let crossed = rule.crossed(record.spent.expected, record.projected_if_it_stops.expected);
    let breached = record.verdict >= Verdict::BreachedAlert;
    let kind = if crossed.is_some() || breached { NoticeKind::Warned } else { NoticeKind::Noticed };
    let digest = format!("{} {:05}", record.period_start.format("%FT%RZ"), level(record, crossed));
    // The digest only climbs: a state that comes and goes within a period is not reported again.
    let open = alert.filter(|alert| alert.open && !books::is_another(draft, &record.budget));
    let open = open.map(|alert| alert.digest.clone());
    let digest = open.map_or(digest.clone(), |open| open.max(digest));
    let mut body = report::budget_lines(record);
    body.extend(nothing_explains(draft, record).map(str::to_owned));
    Some(Notice {
        kind,
        alarm,
        alarming: true,
        budget: Some(record.budget.clone()),
        function: None,
        headline: report::budget_headline(record),
        body,
        digest,
    })
}

/// The reason for not capping anything when no function is named as the cause.
fn nothing_explains(draft: &Draft<'_>, record: &BudgetRecord) -> Option<&'static str> {
    let is_named = draft.refusals.iter().any(|refusal| refusal.budget.as_ref() == Some(&record.budget));
    (record.verdict == Verdict::BreachedRefused && !is_named).then_some(
        "Nothing is capped: no function whose metrics were read explains this. The guard looks at the others next.",
    )
}

/// How far a budget has got within its period: its thresholds in per mille (10 to 10,000); above each of them, an
/// incident that has used up its slack; then its line.
fn level(record: &BudgetRecord, crossed: Option<u32>) -> u32 {
    let crossed = crossed.unwrap_or(0) * 10;
    match record.verdict {
        Verdict::Fine | Verdict::Warn => crossed,
        _ if !record.at_line => crossed + 5,
        Verdict::BreachedOrdinary => 20_000,
        Verdict::BreachedAlert => 30_000,
        // One level: the lines are the same, and each function's own notice says what was done or refused.
        Verdict::BreachedAct | Verdict::BreachedRefused => 40_000,
    }
}

/// One notice per function that is acted on or refused.
fn trips(draft: &Draft<'_>, budgets: &[BudgetRecord]) -> Vec<Notice> {
    let names = stirring(&draft.actions, &draft.refusals);
    names.iter().filter_map(|name| trip(draft, name, budgets)).collect()
}

/// Whether a refusal concerns people: waiting and re-making are routine, the rest is not.
fn is_for_people(refusal: &Refusal) -> bool {
    match refusal.reason {
        Reason::TickFull => false,
        // If no budget asks for the lever, the finding is reported instead.
        Reason::ChangedBySomebodyElse { .. } => refusal.budget.is_some(),
        _ => true,
    }
}

fn trip(draft: &Draft<'_>, name: &FunctionName, budgets: &[BudgetRecord]) -> Option<Notice> {
    let actions: Vec<&Action> = draft.actions.iter().filter(|action| action.function == *name).collect();
    let refusals: Vec<&Refusal> = draft.refusals.iter().filter(|refusal| refusal.function == *name).collect();
    let routine = actions.iter().all(|action| {
        matches!(
            action.reason,
            Reason::Resumed | Reason::Untripped { .. } | Reason::Barrier { .. } | Reason::Envelope { .. }
        )
    });
    if routine && !refusals.iter().any(|refusal| is_for_people(refusal)) {
        return None;
    }
    let kind = kind_of(draft, name, &actions);
    let subject =
        actions.first().map(|action| &action.budget).or(refusals.first().map(|refusal| &refusal.budget))?;
    let record = budgets.iter().find(|record| Some(&record.budget) == subject.as_ref());
    let mut body: Vec<String> = actions.iter().map(|action| report::action(action, draft.armed)).collect();
    body.extend(refusals.iter().map(|refusal| report::refusal(refusal)));
    let function = draft.roster.inventory.function(name);
    if matches!(kind, NoticeKind::Capped | NoticeKind::WouldHaveCapped) {
        body.extend(function.map(|function| report::consequences(function, &actions)).unwrap_or_default());
        body.push(format!("Undo: invoke the guard with {{\"command\":\"release\",\"function\":\"{name}\"}}"));
    }
    body.extend(record.map(report::budget_lines).unwrap_or_default());
    let headline = report::trip_headline(kind, name, &actions, &refusals, record);
    Some(Notice {
        kind,
        alarm: function_alarm(name),
        // A refusal beside a release keeps the alarm open.
        alarming: kind != NoticeKind::Released || refusals.iter().any(|refusal| is_for_people(refusal)),
        budget: subject.clone(),
        function: Some(name.clone()),
        digest: digest(kind, &actions, &refusals),
        headline,
        body,
    })
}

fn kind_of(draft: &Draft<'_>, name: &FunctionName, actions: &[&Action]) -> NoticeKind {
    let loosening = |action: &&Action| {
        matches!(
            action.reason,
            Reason::Calm { .. }
                | Reason::Affords { .. }
                | Reason::Restored
                | Reason::Rollover
                | Reason::Operator
        )
    };
    if actions.is_empty() {
        return NoticeKind::Refused;
    }
    if !actions.iter().all(loosening) {
        return if draft.armed { NoticeKind::Capped } else { NoticeKind::WouldHaveCapped };
    }
    let latch = draft.state.latches.get(name);
    let restored = latch.is_some_and(|latch| {
        latch.levers.iter().all(|lever| {
            actions
                .iter()
                .any(|action| action.change.lever() == lever.lever && action.change.to() == lever.original)
        })
    });
    if restored { NoticeKind::Released } else { NoticeKind::Releasing }
}

/// The intended actions without the numbers behind them: a share that moves by a per mille is no news.
fn digest(kind: NoticeKind, actions: &[&Action], refusals: &[&Refusal]) -> String {
    let wanted: Vec<String> = actions.iter().map(|action| to_text(&action.change)).collect();
    let mut refused: Vec<String> = Vec::new();
    for refusal in refusals {
        if let Reason::ChangedBySomebodyElse { found, .. } = refusal.reason {
            refused.push(somebody_elses(found));
        }
        // The finding of a foreign value is a refusal too, without a budget; its notice's digest contains it.
        if is_for_people(refusal) || !matches!(refusal.reason, Reason::ChangedBySomebodyElse { .. }) {
            refused.push(report::reason_word(&refusal.reason).to_owned());
        }
    }
    refused.dedup();
    format!("{kind:?} {wanted:?} {refused:?}")
}

/// How digests write a value that others have set.
fn somebody_elses(found: Setting) -> String {
    report::setting(found).replace(", ", " and ")
}

/// The refusals that a digest of [`digest`] lists.
fn refused_words(digest: &str) -> BTreeSet<&str> {
    let list = digest.strip_suffix(']').and_then(|digest| digest.rsplit_once(" ["));
    list.map(|(_, words)| words.split(", ").collect()).unwrap_or_default()
}

fn to_text(change: &Change) -> String {
    match change.to() {
        Setting::Concurrency(value) => format!("{:?} {value:?}", change.lever()),
        other => format!("{:?} {other:?}", change.lever()),
    }
}

/// The functions on which an incident of a budget has left a cap.
fn held_for<'a>(draft: &'a Draft<'_>, budget: &'a BudgetName) -> impl Iterator<Item = &'a FunctionName> {
    let of_budget = draft.state.latches.iter().filter(|(_, latch)| latch.budget.as_ref() == Some(budget));
    let held = of_budget
        .filter(|(_, latch)| matches!(latch.phase, Phase::Capped | Phase::Ramping) && latch.is_holding());
    held.map(|(name, _)| name)
}

/// A period that ends with caps in force is reported, whatever happens to the caps.
fn rollovers(draft: &Draft<'_>) -> Vec<Notice> {
    let mut notices = Vec::new();
    for rule in draft.reading.rolled.iter().filter_map(|index| draft.roster.rules.get(*index)) {
        let held: Vec<&FunctionName> = held_for(draft, &rule.name).collect();
        if held.is_empty() {
            continue;
        }
        let names: Vec<&str> = held.iter().take(10).map(|name| name.as_str()).collect();
        notices.push(Notice {
            kind: NoticeKind::Expired,
            alarm: format!("{}/rollover", budget_alarm(rule.name.as_str())),
            alarming: true,
            budget: Some(rule.name.clone()),
            function: None,
            headline: format!(
                "Period of {} ended with {} capped",
                rule.name,
                counted(held.len(), "function")
            ),
            body: vec![
                format!("Capped: {}{}", names.join(", "), if held.len() > 10 { ", …" } else { "" }),
                report::rollover(rule.at_rollover).to_owned(),
            ],
            digest: draft.seen.at.format("%FT%RZ").to_string(),
        });
    }
    notices
}
