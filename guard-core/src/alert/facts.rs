//! The facts of a notice that people need, in the order of the first screen: labelled lines that every shape shares.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::{Advice, Context, Index, Labels, Severity, fit, region};
use crate::money::Usd;
use crate::observation::Freshness;
use crate::plan::{Action, BudgetRecord, FunctionRecord, Notice, NoticeKind, Plan, Refusal, Verdict};
use crate::policy::Mode;
use crate::report;

/// A notice with the plan's records of its budget and its function.
pub(super) struct Facts<'a> {
    pub(super) notice: &'a Notice,
    pub(super) plan: &'a Plan,
    pub(super) context: &'a Context,
    pub(super) record: Option<&'a BudgetRecord>,
    pub(super) function: Option<&'a FunctionRecord>,
    pub(super) severity: Severity,
    /// What to do about it.
    pub(super) advice: Advice,
}

/// Lines under one label.
pub(super) struct Section {
    pub(super) label: &'static str,
    pub(super) lines: Vec<String>,
}

impl<'a> Facts<'a> {
    pub(super) fn of(notice: &'a Notice, plan: &'a Plan, context: &'a Context, index: &Index<'a>) -> Self {
        let record = notice.budget.as_ref().and_then(|name| index.budgets.get(name.as_str()).copied());
        let function = notice.function.as_ref().and_then(|name| index.functions.get(name.as_str()).copied());
        let advice = Advice { now: None, more: "" };
        let mut facts = Facts { notice, plan, context, record, function, severity: Severity::Info, advice };
        facts.advice = facts.advise();
        facts.severity = facts.severity();
        facts
    }

    /// Critical is what a person has to do something about now.
    fn severity(&self) -> Severity {
        let is_breach = self.record.is_some_and(|record| {
            record.verdict >= Verdict::BreachedAlert && record.verdict != Verdict::BreachedOrdinary
        });
        match self.notice.kind {
            _ if self.advice.now.is_some() => Severity::Critical,
            NoticeKind::Armed
            | NoticeKind::Releasing
            | NoticeKind::Released
            | NoticeKind::Sighted
            | NoticeKind::Mended => Severity::Info,
            NoticeKind::Capped | NoticeKind::Failed | NoticeKind::Untripped => Severity::Error,
            NoticeKind::Warned if is_breach => Severity::Error,
            _ => Severity::Warning,
        }
    }

    /// Urgent notices first, then the dearest, then by name.
    pub(super) fn rank(&self) -> (std::cmp::Reverse<(Severity, bool, Usd)>, &str) {
        let is_wide = self.notice.function.is_none();
        (std::cmp::Reverse((self.severity, is_wide, self.burn())), &self.notice.alarm)
    }

    /// The function's burn per hour; without a function, the budget's.
    pub(super) fn burn(&self) -> Usd {
        let of_function = self.function.map(|function| function.burn_per_hour);
        let of_budget = self.record.filter(|_| self.notice.function.is_none()).map(|r| r.burn_per_hour);
        of_function.or(of_budget).unwrap_or(Usd::ZERO)
    }

    pub(super) fn labels(&self) -> Labels<'a> {
        Labels {
            event: super::event(self.notice.kind),
            severity: self.severity,
            alarming: self.notice.alarming,
            function: self.notice.function.as_ref().map(|name| name.as_str()),
            budget: self.notice.budget.as_ref().map(|name| name.as_str()),
        }
    }

    /// The event and its subject: `CAPPED pay`.
    pub(super) fn title(&self) -> String {
        let what = match (&self.notice.function, &self.notice.budget) {
            (Some(function), _) => function.to_string(),
            (None, Some(budget)) => format!("budget {budget}"),
            (None, None) => "DoW Guard".to_owned(),
        };
        format!("{} {}", self.word(), fit::line(&what))
    }

    /// The word that a subject begins with.
    pub(super) fn word(&self) -> &'static str {
        let is_early = self.record.is_some_and(|record| !record.at_line);
        let is_breach = self.record.is_some_and(|record| record.verdict >= Verdict::BreachedAlert);
        let is_over = self.record.is_some_and(|record| record.spent.expected > record.amount);
        match self.notice.kind {
            NoticeKind::Armed if self.plan.armed => "ARMED",
            NoticeKind::Armed => "DISARMED",
            NoticeKind::Noticed => "UNUSUAL SPEND",
            NoticeKind::Warned if is_breach && is_early => "SPENDING FAST",
            NoticeKind::Warned if is_breach && is_over => "OVER",
            NoticeKind::Warned if is_breach => "REACHED",
            NoticeKind::Warned => "WARNING",
            NoticeKind::Capped => "CAPPED",
            NoticeKind::WouldHaveCapped => "WOULD HAVE CAPPED",
            NoticeKind::Refused => "NOT CAPPED",
            NoticeKind::Releasing => "RECOVERING",
            NoticeKind::Released | NoticeKind::Sighted | NoticeKind::Mended => "OK",
            NoticeKind::Expired => "PERIOD ENDED",
            NoticeKind::Untripped => "CAP UNDONE",
            NoticeKind::Failed => "CHANGE FAILED",
            NoticeKind::Blind => "BLIND",
            NoticeKind::Troubled => "GUARD IN TROUBLE",
        }
    }

    /// The notice's one line; if it is blank, its title.
    pub(super) fn headline(&self) -> String {
        let headline = fit::line(self.notice.headline.trim());
        if headline.trim().is_empty() { self.title() } else { headline }
    }

    /// What is to be done, and the notice's one line: the first line of every message.
    pub(super) fn first_line(&self) -> String {
        format!("{} {}", self.advice.opening(), self.headline())
    }

    /// Where the runbook says more about messages of this kind.
    pub(super) fn runbook(&self) -> String {
        fit::line(&format!("{}#{}", self.context.runbook, anchor(self.word())))
    }

    /// Everything of the first screen, in its order.
    pub(super) fn sections(&self) -> Vec<Section> {
        let mut sections = vec![section("Do", self.advice.more.to_owned()), self.place()];
        sections.extend(self.money());
        sections.push(self.measured());
        sections.extend(self.repeats());
        sections.extend(self.changes());
        sections.extend(self.remarks());
        sections.extend(self.command().map(|(label, command)| section(label, command)));
        sections.extend(self.next().map(|next| section("Next", next)));
        sections.push(section("Runbook", self.runbook()));
        sections
    }

    fn place(&self) -> Section {
        let Context { account, region: code, stage, .. } = self.context;
        let name = self.notice.function.as_ref().map(|name| format!("function {name}, ")).unwrap_or_default();
        let long = region::long_name(code);
        let account = if account.is_empty() { String::new() } else { format!("account {account}, ") };
        section("Where", format!("{name}{account}{code} ({long}), stage {stage}"))
    }

    fn money(&self) -> Vec<Section> {
        let mut sections = Vec::new();
        let mut rates = Vec::new();
        if let Some(record) = self.record {
            let show = |amount| report::amount(amount, record.unit);
            let gone = record
                .exhausted_if_sustained
                .filter(|_| record.spent.expected < record.amount)
                .map(|at| format!(", used up {} UTC at this rate", at.format("%F %R")))
                .unwrap_or_default();
            sections.push(section(
                "Budget",
                format!(
                    "{}: {} spent of {}{gone}; at the end of the period {} at this rate, {} if it stops",
                    record.budget,
                    show(record.spent.expected),
                    show(record.amount),
                    show(record.projected_if_sustained.expected),
                    show(record.projected_if_it_stops.expected),
                ),
            ));
            rates.push(rate("budget", show(record.burn_per_hour), record.baseline_per_hour.map(show)));
        }
        if let Some(function) = self.function {
            let ordinary = function.baseline_per_hour.map(report::dollars);
            rates.push(rate("function", report::dollars(function.burn_per_hour), ordinary));
        }
        if !rates.is_empty() {
            sections.push(section("Rate", rates.join("; ")));
        }
        sections
    }

    /// When the numbers were measured, and the age of the newest minute behind them.
    fn measured(&self) -> Section {
        let of_region = self.plan.budgets.first().map(|record| record.freshness);
        let freshness = match self.notice.kind {
            NoticeKind::Armed => None,
            _ => self.function.map(|f| f.freshness).or(self.record.map(|r| r.freshness)).or(of_region),
        };
        let lag_min = self.context.metric_lag_s.div_ceil(60);
        let age = match freshness {
            None => String::new(),
            Some(Freshness::Fresh | Freshness::Silent) => format!(", from metrics {lag_min} min old"),
            Some(Freshness::Late(late)) => {
                format!(", from metrics {} min old ({late} min late)", lag_min.saturating_add(late))
            }
            Some(Freshness::Unknown) => ", WITHOUT metrics: extrapolated".to_owned(),
        };
        section("Measured", format!("{} UTC{age}", self.plan.at.format("%F %R")))
    }

    fn repeats(&self) -> Option<Section> {
        let attempts = self
            .function
            .map(|function| function.attempts_per_mille)
            .filter(|attempts| *attempts > 1000)
            .map(|attempts| format!("{}.{:02} attempts per event", attempts / 1000, attempts % 1000 / 10));
        let repeated = self.record.filter(|record| record.repeated.expected > Usd::ZERO).map(|record| {
            let amount = report::amount(record.repeated.expected, record.unit);
            format!("{amount} of the budget went into repeated work")
        });
        let lines: Vec<String> = attempts.into_iter().chain(repeated).collect();
        (!lines.is_empty()).then(|| section("Repeats", lines.join("; ")))
    }

    pub(super) fn actions(&self) -> impl Iterator<Item = &'a Action> {
        let name = self.notice.function.as_ref();
        self.plan.actions.iter().filter(move |action| Some(&action.function) == name)
    }

    pub(super) fn refusals(&self) -> impl Iterator<Item = &'a Refusal> {
        let name = self.notice.function.as_ref();
        self.plan.refusals.iter().filter(move |refusal| Some(&refusal.function) == name)
    }

    /// The actions taken or only planned, and those refused.
    fn changes(&self) -> Vec<Section> {
        if self.notice.kind == NoticeKind::Failed {
            return Vec::new();
        }
        let label = if self.plan.armed { "Done" } else { "Would do" };
        let done: Vec<String> = self
            .actions()
            .map(|action| format!("{} ({})", report::change(&action.change), action.reason))
            .collect();
        let left: Vec<String> = self
            .refusals()
            .map(|refusal| match &refusal.change {
                Some(change) => format!("{} ({})", report::change(change), refusal.reason),
                None => refusal.reason.to_string(),
            })
            .collect();
        let sections = [Section { label, lines: done }, Section { label: "Not done", lines: left }];
        sections.into_iter().filter(|section| !section.lines.is_empty()).collect()
    }

    /// Lines of the notice missing from the other sections: what a cap breaks, what still bills, and the rest.
    fn remarks(&self) -> Option<Section> {
        let mut said: BTreeSet<String> =
            self.actions().map(|action| report::action(action, self.plan.armed)).collect();
        said.extend(self.actions().map(|action| report::change(&action.change)));
        said.extend(self.refusals().map(report::refusal));
        said.extend(self.numbers());
        let lines: Vec<String> = self
            .notice
            .body
            .iter()
            .filter(|line| !said.contains(*line) && !line.starts_with("Undo: "))
            .cloned()
            .collect();
        let label = match self.notice.kind {
            NoticeKind::Capped | NoticeKind::WouldHaveCapped => "Effects",
            // The consequences of blindness end with it.
            NoticeKind::Sighted | NoticeKind::Mended => return None,
            _ => "Note",
        };
        (!lines.is_empty()).then_some(Section { label, lines })
    }

    /// The numbers behind the budget's line, each with its range: below the first screen.
    pub(super) fn numbers(&self) -> Vec<String> {
        self.record.map(report::budget_lines).unwrap_or_default()
    }

    /// When the guard caps at this rate; `None` if it does not, or not before the line.
    pub(super) fn caps_at(&self) -> Option<DateTime<Utc>> {
        let is_ahead =
            matches!(self.notice.kind, NoticeKind::Noticed | NoticeKind::Warned) && self.plan.armed;
        let record = self.record.filter(|record| is_ahead && record.mode >= Mode::Cap)?;
        record.slack_ends.filter(|_| record.slack < record.amount)
    }

    /// Whether and when another message will follow.
    pub(super) fn next(&self) -> Option<String> {
        let again = format!("sent again when it changes, else every {} min", self.context.realert_min);
        Some(match self.notice.kind {
            NoticeKind::Armed | NoticeKind::Sighted | NoticeKind::Mended | NoticeKind::Expired => return None,
            NoticeKind::Noticed | NoticeKind::Warned => {
                let caps = self.caps_at();
                let caps = caps.map(|at| format!("At this rate it is capped from {} UTC. ", at.format("%a %R")));
                let caps = caps.unwrap_or_default();
                format!("{caps}Until it is over, {again}. OK follows after an hour without cause.")
            }
            NoticeKind::Capped => {
                "It stays until it is quiet, then is raised step by step; OK follows when the original is back. Released by \
                 hand, it is left alone for an hour, then capped again if it still spends too much."
                    .to_owned()
            }
            NoticeKind::WouldHaveCapped => {
                format!("Disarmed: nothing was changed and it goes on spending. Until it is over, {again}.")
            }
            NoticeKind::Refused => format!("Nothing was capped and it goes on spending. Until it is over, {again}."),
            NoticeKind::Releasing => "The next step needs more quiet. If the extra spending comes back, it is \
                                      capped again, for longer."
                .to_owned(),
            NoticeKind::Released if self.notice.function.is_none() => {
                "It opens again when a threshold is crossed or spend is unusual.".to_owned()
            }
            NoticeKind::Released => {
                "If the extra spending comes back soon, it is capped again, for longer.".to_owned()
            }
            NoticeKind::Untripped => "Overwritten again, it is sent again.".to_owned(),
            NoticeKind::Failed => format!("The guard tries again every minute. While it fails, {again}."),
            NoticeKind::Blind => format!("Until then, {again}. OK follows when metrics are back."),
            NoticeKind::Troubled => format!("Until then, {again}. OK follows when it is mended."),
        })
    }

    /// Account and region, for ends of lines.
    pub(super) fn short_place(&self) -> String {
        short_place(self.context)
    }
}

/// The section of the runbook about a word with which subjects begin, as GitHub and GitLab make its address.
pub fn anchor(word: &str) -> String {
    match word {
        "ARMED" | "DISARMED" => "armed-disarmed".to_owned(),
        "REACHED" | "OVER" => "reached-over".to_owned(),
        word => word.to_lowercase().replace(' ', "-"),
    }
}

/// Stage, account and region in a few characters, as far as they are known.
pub(super) fn short_place(context: &Context) -> String {
    let parts = [&context.stage, &context.account, &context.region].map(String::as_str);
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

fn section(label: &'static str, line: String) -> Section {
    Section { label, lines: vec![line] }
}

fn rate(of: &str, burn: String, ordinary: Option<String>) -> String {
    let ordinary = ordinary.map_or("no history yet".to_owned(), |amount| format!("usual {amount}/h"));
    format!("{of} {burn}/h ({ordinary})")
}
