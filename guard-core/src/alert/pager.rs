//! Alarms for pagers, in the form in which CloudWatch sends its own through SNS. `ALARM` opens, `OK` under the same
//! name closes. Only notices that open or close an alarm are sent here.

use std::collections::BTreeMap;

use serde::Serialize;

use super::facts::Facts;
use super::outcomes::FUNCTION_ALARM;
use super::{Audience, Context, Labels, Message, SINGLE_MAX, Severity, fit, region};
use crate::money::Usd;
use crate::plan::{BudgetRecord, NoticeKind, Plan};

/// The namespace of the guard's metrics in CloudWatch.
pub const METRIC_NAMESPACE: &str = "DowGuard";

/// `AlarmName`: 1 to 255 characters; `AlarmDescription`: up to 1,024; `StateReason`: up to 1,023 (Amazon CloudWatch API
/// Reference, `PutMetricAlarm` and `SetAlarmState`, read 2026-11).
const NAME_MAX: usize = 255;
const DESCRIPTION_MAX: usize = 1024;
const REASON_MAX: usize = 1023;

/// The names under which a function's alarm reaches pagers: one while it is held, one while it goes on spending.
const HELD: &str = "dow-guard/capped/";
const SPENDING: &str = "dow-guard/spending/";

/// An alarm as it arrives from CloudWatch through SNS (captured messages, 2019 to 2025).
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Alarm {
    alarm_name: String,
    alarm_description: String,
    #[serde(rename = "AWSAccountId")]
    aws_account_id: String,
    new_state_value: &'static str,
    new_state_reason: String,
    state_change_time: String,
    region: String,
    alarm_arn: String,
    old_state_value: &'static str,
    /// CloudWatch's own actions: none, because it never saw this alarm.
    #[serde(rename = "OKActions")]
    ok_actions: [String; 0],
    alarm_actions: [String; 0],
    insufficient_data_actions: [String; 0],
    trigger: Trigger,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Trigger {
    metric_name: &'static str,
    namespace: &'static str,
    statistic_type: &'static str,
    statistic: &'static str,
    unit: Option<String>,
    dimensions: Vec<Dimension>,
    period: u32,
    evaluation_periods: u32,
    comparison_operator: &'static str,
    threshold: f64,
    treat_missing_data: &'static str,
    evaluate_low_sample_count_percentile: &'static str,
}

#[derive(Serialize)]
struct Dimension {
    value: String,
    name: &'static str,
}

/// The content of one alarm.
struct Draft<'a> {
    name: String,
    reason: String,
    labels: Labels<'a>,
    record: Option<&'a BudgetRecord>,
    runbook: String,
}

/// The alarms of a tick, each name once.
///
/// If more than [`SINGLE_MAX`] functions open at once, those of a budget go under the budget's own name, which the core
/// opens with the first of them and closes an hour after the last. Closings are never gathered: each name that was
/// opened must close, and a pager ignores the closing of a name it does not know. There are no more of them than
/// actions in a tick (`limits.actions_per_tick`).
pub(super) fn messages(all: &[Facts<'_>], plan: &Plan, context: &Context) -> Vec<Message> {
    let paged: Vec<&Facts<'_>> = all.iter().filter(|facts| is_paged(facts)).collect();
    let gathered = |facts: &&Facts<'_>| facts.notice.alarming && facts.notice.function.is_some();
    let crowd = paged.iter().copied().filter(|facts| gathered(facts)).count() > SINGLE_MAX;
    let mut drafts: Vec<Draft<'_>> = Vec::new();
    let mut crowds: BTreeMap<&str, Vec<&Facts<'_>>> = BTreeMap::new();
    for facts in paged {
        match &facts.notice.budget {
            Some(budget) if crowd && gathered(&facts) => {
                crowds.entry(budget.as_str()).or_default().push(facts)
            }
            _ => drafts.extend(of_notice(facts)),
        }
    }
    let of_crowds: Vec<Draft<'_>> =
        crowds.into_iter().map(|(budget, members)| of_crowd(budget, &members)).collect();
    drafts.retain(|draft| of_crowds.iter().all(|crowd| crowd.name != draft.name));
    drafts.extend(of_crowds);
    drafts.sort_by(|a, b| (b.labels.severity, &a.name).cmp(&(a.labels.severity, &b.name)));
    drafts.iter().map(|draft| message(draft, plan, context)).collect()
}

/// Whether a notice opens or closes an alarm. A step of the ramp does neither; a period's end is an event that nothing
/// would ever close.
fn is_paged(facts: &Facts<'_>) -> bool {
    match facts.notice.kind {
        NoticeKind::Armed | NoticeKind::Releasing | NoticeKind::Expired => false,
        NoticeKind::Released | NoticeKind::Sighted | NoticeKind::Mended => !facts.notice.alarming,
        NoticeKind::Noticed
        | NoticeKind::Warned
        | NoticeKind::Capped
        | NoticeKind::WouldHaveCapped
        | NoticeKind::Refused
        | NoticeKind::Untripped
        | NoticeKind::Failed
        | NoticeKind::Blind
        | NoticeKind::Troubled => true,
    }
}

fn single<'a>(facts: &Facts<'a>, name: String) -> Draft<'a> {
    let command = facts.command().map(|(label, command)| format!(" {label}: {command}")).unwrap_or_default();
    Draft {
        name,
        reason: format!("{}.{command}", facts.first_line().trim_end_matches('.')),
        labels: facts.labels(),
        record: facts.record,
        runbook: facts.runbook(),
    }
}

/// The alarms of a notice. Pagers title an incident by the alarm's name, and who is woken must see there whether a
/// function is held or goes on spending: these are two alarms. A cap closes the other one, and the end closes both.
fn of_notice<'a>(facts: &Facts<'a>) -> Vec<Draft<'a>> {
    let Some(function) = facts.notice.alarm.strip_prefix(FUNCTION_ALARM) else {
        return vec![single(facts, facts.notice.alarm.clone())];
    };
    let held = single(facts, format!("{HELD}{function}"));
    let spending = single(facts, format!("{SPENDING}{function}"));
    let closing = |mut draft: Draft<'a>| {
        draft.labels.alarming = false;
        draft.labels.severity = Severity::Info;
        draft
    };
    match facts.notice.kind {
        _ if !facts.notice.alarming => vec![held, spending],
        NoticeKind::Capped | NoticeKind::Untripped => vec![held, closing(spending)],
        _ => vec![spending],
    }
}

fn of_crowd<'a>(budget: &str, members: &[&Facts<'a>]) -> Draft<'a> {
    let mut reason = format!("{} functions at once; the dearest: ", members.len());
    let names: Vec<String> = members.iter().take(SINGLE_MAX).map(|facts| facts.headline()).collect();
    reason.push_str(&names.join(" | "));
    let first = members.first();
    Draft {
        name: format!("dow-guard/budget/{budget}"),
        reason,
        labels: Labels {
            event: "digest",
            severity: members.iter().map(|facts| facts.severity).max().unwrap_or(Severity::Critical),
            alarming: true,
            function: None,
            budget: first.and_then(|facts| facts.labels().budget),
        },
        record: first.and_then(|facts| facts.record),
        runbook: first.map(|facts| facts.runbook()).unwrap_or_default(),
    }
}

fn message(draft: &Draft<'_>, plan: &Plan, context: &Context) -> Message {
    let name = fit::shortened(&fit::line(&draft.name), NAME_MAX);
    let (state, before) = if draft.labels.alarming { ("ALARM", "OK") } else { ("OK", "ALARM") };
    let code = &context.region;
    let long = region::long_name(code);
    let alarm = Alarm {
        alarm_description: fit::shortened(&description(draft, context), DESCRIPTION_MAX),
        aws_account_id: context.account.clone(),
        new_state_value: state,
        new_state_reason: fit::shortened(&fit::line(&draft.reason), REASON_MAX),
        state_change_time: plan.at.format("%Y-%m-%dT%H:%M:%S%.3f%z").to_string(),
        region: long.to_owned(),
        alarm_arn: format!(
            "arn:{}:cloudwatch:{code}:{}:alarm:{name}",
            region::partition(code),
            context.account
        ),
        old_state_value: before,
        ok_actions: [],
        alarm_actions: [],
        insufficient_data_actions: [],
        trigger: trigger(draft.record, context),
        alarm_name: name.clone(),
    };
    // The name is shortened, as in CloudWatch's own subjects; the body has it whole.
    let room = fit::SUBJECT_MAX_CHARS.saturating_sub(state.len() + long.chars().count() + ": \"\" in ".len());
    Message {
        audience: Audience::Pager,
        subject: fit::subject(&format!(
            "{state}: \"{}\" in {long}",
            fit::shortened(&fit::ascii(&name), room)
        )),
        // Strings and finite numbers: nothing here can fail to be written.
        body: serde_json::to_string(&alarm).unwrap_or_default(),
        attributes: draft.labels.attributes(Audience::Pager, plan, context),
    }
}

fn description(draft: &Draft<'_>, context: &Context) -> String {
    let what = match (draft.labels.function, draft.labels.budget) {
        (Some(function), Some(budget)) => format!("function {function}, budget {budget}"),
        (Some(function), None) => format!("function {function}"),
        (None, Some(budget)) => format!("budget {budget}"),
        (None, None) => "the guard itself".to_owned(),
    };
    fit::line(&format!(
        "DoW Guard {} of stage {}: {what}. Runbook: {}",
        context.guard, context.stage, draft.runbook
    ))
}

/// The metric that shows the same: a budget's spend against its amount, or the guard's blindness.
fn trigger(record: Option<&BudgetRecord>, context: &Context) -> Trigger {
    let stage = Dimension { value: context.stage.clone(), name: "Stage" };
    let (metric_name, dimensions, threshold) = match record {
        Some(record) => {
            let budget = Dimension { value: record.budget.as_str().to_owned(), name: "Budget" };
            ("Spent", vec![stage, budget], record.amount.min(Usd::MAX).to_f64())
        }
        None => ("Blind", vec![stage], 1.0),
    };
    Trigger {
        metric_name,
        namespace: METRIC_NAMESPACE,
        statistic_type: "Statistic",
        statistic: "MAXIMUM",
        unit: None,
        dimensions,
        period: 60,
        evaluation_periods: 1,
        comparison_operator: "GreaterThanOrEqualToThreshold",
        threshold,
        treat_missing_data: "missing",
        evaluate_low_sample_count_percentile: "",
    }
}
