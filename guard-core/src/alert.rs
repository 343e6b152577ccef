//! Messages about a plan's notices: e-mail for people, cards for chat, alarms for pagers. Pure: text in, text out.
//!
//! As a rule, one message per alarm and audience. If a tick has more than [`SINGLE_MAX`] notices, one digest lists the
//! dearest and says how many it leaves out, so that a thousand breached functions do not cause a thousand messages.

mod advice;
mod chat;
mod command;
mod context;
mod digest;
mod facts;
mod fit;
mod outcomes;
mod pager;
mod region;
mod text;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use self::facts::Facts;
use crate::plan::{BudgetRecord, FunctionRecord, Notice, NoticeKind, Plan};

pub use crate::plan::SINGLE_MAX;

pub use self::context::Context;
pub use self::facts::anchor;
pub use self::fit::{MESSAGE_MAX_BYTES, SMS_MAX_BYTES, SUBJECT_MAX_CHARS};
pub use self::outcomes::{Before, after_actions, before_actions, is_due, remember};
pub use self::pager::METRIC_NAMESPACE;
pub use self::text::LABEL_WIDTH;

/// The audience of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Audience {
    /// E-mail and text messages.
    People,
    /// Slack, Teams and Chime through Amazon Q Developer in chat applications.
    Chat,
    /// PagerDuty, Opsgenie, Grafana and whatever else reads CloudWatch alarms.
    Pager,
}

impl Audience {
    /// The value of the attribute `audience`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Audience::People => "people",
            Audience::Chat => "chat",
            Audience::Pager => "pager",
        }
    }
}

/// One SNS message: `Subject`, `Message`, and `MessageAttributes` of type `String`. Never with `MessageStructure`,
/// which would drop the attributes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// The audience.
    pub audience: Audience,
    /// Fewer than 100 characters of printable ASCII, beginning with a letter or a digit.
    pub subject: String,
    /// Text for people, JSON for the others. Never empty.
    pub body: String,
    /// Ten at most, each with a value: subscribers filter by them.
    pub attributes: BTreeMap<String, String>,
}

impl Message {
    /// Bytes that count against the limit of SNS: body, subject, and names, types and values of the attributes.
    pub fn bytes(&self) -> usize {
        let attributes =
            self.attributes.iter().map(|(name, value)| name.len() + "String".len() + value.len());
        self.body.len() + self.subject.len() + attributes.sum::<usize>()
    }
}

/// How urgent a notice is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Severity {
    /// Nothing is wrong any more, or was.
    Info,
    /// Something may become wrong.
    Warning,
    /// Something is wrong, and the guard has it in hand.
    Error,
    /// A person has to do something now.
    Critical,
}

impl Severity {
    const fn as_str(self) -> &'static str {
        match self {
            Severity::Info => "info",
            Severity::Warning => "warning",
            Severity::Error => "error",
            Severity::Critical => "critical",
        }
    }
}

/// What to do about a notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Advice {
    /// What is to be done at once; `None` if nothing is.
    now: Option<&'static str>,
    /// The same in a sentence, or when something is to be done after all.
    more: &'static str,
}

impl Advice {
    /// How the first line of a message begins.
    fn opening(self) -> String {
        self.now.map_or("Nothing to do.".to_owned(), |now| format!("Do now: {now}."))
    }
}

/// The messages of a tick's notices, for all audiences. The same input gives the same bytes.
///
/// `notices` are the plan's, or those returned by [`after_actions`].
pub fn messages(notices: &[Notice], plan: &Plan, context: &Context) -> Vec<Message> {
    let index = Index::of(plan);
    let mut all: Vec<Facts<'_>> =
        notices.iter().map(|notice| Facts::of(notice, plan, context, &index)).collect();
    all.sort_by(|a, b| a.rank().cmp(&b.rank()));
    let mut messages = Vec::new();
    if all.len() > SINGLE_MAX {
        messages.push(digest::for_people(&all, plan, context));
        messages.push(digest::for_chat(&all, plan, context));
    } else {
        for facts in &all {
            messages.push(text::message(facts));
            messages.push(chat::message(facts));
        }
    }
    messages.extend(pager::messages(&all, plan, context));
    messages
}

/// A plan's records by name.
struct Index<'a> {
    budgets: BTreeMap<&'a str, &'a BudgetRecord>,
    functions: BTreeMap<&'a str, &'a FunctionRecord>,
}

impl<'a> Index<'a> {
    fn of(plan: &'a Plan) -> Self {
        Index {
            budgets: plan.budgets.iter().map(|record| (record.budget.as_str(), record)).collect(),
            functions: plan.functions.iter().map(|record| (record.function.as_str(), record)).collect(),
        }
    }
}

/// The kind as it is spelled in attributes, in chat, and in the log.
pub fn event(kind: NoticeKind) -> &'static str {
    match kind {
        NoticeKind::Armed => "armed",
        NoticeKind::Noticed => "noticed",
        NoticeKind::Warned => "warned",
        NoticeKind::Capped => "capped",
        NoticeKind::WouldHaveCapped => "would-have-capped",
        NoticeKind::Refused => "refused",
        NoticeKind::Releasing => "releasing",
        NoticeKind::Released => "released",
        NoticeKind::Expired => "expired",
        NoticeKind::Untripped => "untripped",
        NoticeKind::Failed => "failed",
        NoticeKind::Blind => "blind",
        NoticeKind::Sighted => "sighted",
        NoticeKind::Troubled => "troubled",
        NoticeKind::Mended => "mended",
    }
}

/// The attributes that subscribers may filter by. Ten at most: raw delivery to SQS refuses more ("Amazon SNS message
/// attributes", read 2026-11).
struct Labels<'a> {
    event: &'a str,
    severity: Severity,
    alarming: bool,
    function: Option<&'a str>,
    budget: Option<&'a str>,
}

impl Labels<'_> {
    fn attributes(&self, audience: Audience, plan: &Plan, context: &Context) -> BTreeMap<String, String> {
        let all = [
            ("account", Some(context.account.as_str())),
            ("armed", Some(if plan.armed { "true" } else { "false" })),
            ("audience", Some(audience.as_str())),
            ("budget", self.budget),
            ("event", Some(self.event)),
            ("function", self.function),
            ("region", Some(context.region.as_str())),
            ("severity", Some(self.severity.as_str())),
            ("stage", Some(context.stage.as_str())),
            ("state", Some(if self.alarming { "ALARM" } else { "OK" })),
        ];
        let given =
            all.into_iter().filter_map(|(name, value)| Some((name.to_owned(), fit::attribute(value?)?)));
        given.collect()
    }
}
