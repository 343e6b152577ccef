//! A plan is data: actions in order, notices for people, and records for every reader. Making a plan changes nothing.

mod change;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::extras::Uncounted;
use crate::money::{Unit, Usd, UsdRange};
use crate::name::{BudgetName, FunctionName};
use crate::observation::Freshness;
use crate::policy::Mode;

pub use change::{AsyncSetting, Change, Lever, Setting};

/// The result of one tick's decision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[must_use = "an unread plan saves nobody's money"]
pub struct Plan {
    /// Version of this format. Raised when a reader would break.
    pub schema: u32,
    /// The tick it belongs to.
    pub at: DateTime<Utc>,
    /// Whether `actions` may be carried out. If not, they are what the guard *would have* done.
    pub armed: bool,
    /// Changes to make, in this order.
    pub actions: Vec<Action>,
    /// Changes that could not or must not be made, each with its reason.
    pub refusals: Vec<Refusal>,
    /// Notices for people.
    pub notices: Vec<Notice>,
    /// One record per budget.
    pub budgets: Vec<BudgetRecord>,
    /// One record per function that was looked at or is capped.
    pub functions: Vec<FunctionRecord>,
    /// The metrics to read next.
    pub sampling: SamplingPlan,
}

/// The next tick's requests to CloudWatch, besides the region's totals.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SamplingPlan {
    /// Functions to read minute by minute in full, sorted by name.
    pub focus: Vec<FunctionName>,
    /// Of these, the ones that stand out although no budget is pressed: the purse pays for them, as for glances.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paid: Vec<FunctionName>,
    /// Functions of which only the durations are read, since the last look at them, sorted by name. The price of a
    /// glance does not depend on how long ago that look was.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub glance: Vec<FunctionName>,
    /// Whether the functions in `glance` are asked for their concurrency too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub with_concurrency: bool,
}

/// The version of [`Plan`]'s serialised form.
pub const PLAN_SCHEMA: u32 = 1;

/// One change to one function.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    /// The function.
    pub function: FunctionName,
    /// The change, from the value seen to the value wanted.
    pub change: Change,
    /// Why.
    pub reason: Reason,
    /// The budget on whose behalf the change is made; `None` for an operator's command.
    pub budget: Option<BudgetName>,
}

/// Why something was done or left. Rendered for people by its `Display` in `report.rs`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum Reason {
    /// The spend is within the usual range.
    WithinBaseline,
    /// The function spends more than usual, but no budget asks for action.
    ExcessWithinBudget,
    /// A budget is at its line and this function's excess explains it.
    BudgetLine {
        /// Share of all excess that this function has, in per mille.
        excess_share_per_mille: u32,
        /// The cap the money affords, before the floor.
        affordable: u32,
        /// The floor.
        floor: u32,
    },
    /// A budget with a hard stop is at its line: every function that it covers is stopped, ordinary or not.
    HardLine,
    /// An incident has used up the budget's slack and would exceed the budget, and this function's excess explains it.
    SlackUsedUp {
        /// Share of all excess that this function has, in per mille.
        excess_share_per_mille: u32,
        /// The cap the money affords, before the floor.
        affordable: u32,
        /// The floor.
        floor: u32,
    },
    /// Repeated work is cut without refusing a new event.
    CutRetries {
        /// Attempts per event, in per mille.
        attempts_per_mille: u32,
    },
    /// The barrier: the worst case must fit into the remaining amount.
    Barrier {
        /// The amount left for the worst case.
        remaining: Usd,
    },
    /// The standing cap.
    Envelope {
        /// The floor it is held at.
        floor: u32,
    },
    /// Calm: one step of the ramp.
    Calm {
        /// Minutes of calm.
        minutes: u32,
    },
    /// The ramp is over: the original setting is restored.
    Restored,
    /// The excess came back during the ramp or the flap window: same trip, longer cooldown.
    Relapse {
        /// How many times it came back.
        relapses: u32,
    },
    /// A deploy or a person undid the cap while the trip still needs it.
    Untripped {
        /// When the function's configuration last changed, if known.
        last_modified: Option<DateTime<Utc>>,
    },
    /// An intent was recorded but never settled; the change is made again, or is found in force.
    Resumed,
    /// The period ended.
    Rollover,
    /// The remaining amount affords at least twice the cap, for example after the amount was raised.
    Affords {
        /// The concurrency that the money affords now.
        affordable: u32,
    },
    /// An operator's command.
    Operator,
    /// The slack is used up, but the spend above the ordinary is less than twice the ordinary, so a cap would refuse
    /// too many legitimate requests. The guard acts at the line.
    Growth,
    /// The slack is used up, but the cap would hold nothing back.
    WouldNotBite {
        /// The cap.
        cap: u32,
        /// The concurrency seen.
        concurrency: u32,
    },
    /// Other functions explain the excess.
    ExplainedByOthers,
    /// Too little is known to lower a cap or to release one.
    Blind {
        /// How far the data can be trusted.
        freshness: Freshness,
    },
    /// Waiting for the cooldown or for calm.
    CoolingDown {
        /// Minutes until the next step at the earliest.
        minutes: u32,
    },
    /// The mode of the budget or a tag of the function forbids acting.
    ModeForbids,
    /// The function is on the protected list, or is the guard itself.
    Protected,
    /// Its tags have not been read yet, so it may be protected; the next ticks read them.
    TagsUnread,
    /// The pool has no room for the reservation.
    NoRoom {
        /// The cap wanted.
        wanted: u32,
        /// The most that could be reserved.
        room: u32,
    },
    /// Stopping would lose events that nothing catches.
    EventLoss,
    /// The owner's own limit is already at or below the floor, so no tighter limit can be set.
    NothingTighter {
        /// The concurrency that the owner's settings leave it.
        reach: u32,
        /// The floor.
        floor: u32,
    },
    /// Another process or person set a different value; the guard leaves it alone.
    ChangedBySomebodyElse {
        /// The value that the guard had set.
        ours: Setting,
        /// The value found.
        found: Setting,
    },
    /// More changes than a tick may make; the next tick goes on.
    TickFull,
    /// The second opinion objects.
    Unsafe {
        /// The rule.
        rule: String,
    },
}

impl Reason {
    /// Whether the reason says that the function explains a breach, acted upon or not.
    pub const fn is_breach(&self) -> bool {
        matches!(
            self,
            Reason::BudgetLine { .. }
                | Reason::HardLine
                | Reason::SlackUsedUp { .. }
                | Reason::CutRetries { .. }
                | Reason::Relapse { .. }
                | Reason::ModeForbids
                | Reason::Protected
                | Reason::TagsUnread
                | Reason::NoRoom { .. }
                | Reason::EventLoss
                | Reason::NothingTighter { .. }
                | Reason::TickFull
        )
    }
}

/// A change that was not made, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The function.
    pub function: FunctionName,
    /// The change that was wanted, if it was a definite one.
    pub change: Option<Change>,
    /// Why not.
    pub reason: Reason,
    /// The budget on whose behalf.
    pub budget: Option<BudgetName>,
}

/// The kind of a notice: a stage in the life cycle of a trip.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NoticeKind {
    /// The guard was armed or disarmed, or guards different budgets than before.
    Armed,
    /// An incident is using up a budget's slack: unusual spend.
    Noticed,
    /// A threshold of the ladder is crossed.
    Warned,
    /// A cap or a gentler lever was applied.
    Capped,
    /// Disarmed: the lever that would have been applied.
    WouldHaveCapped,
    /// A change that was wanted could not or must not be made.
    Refused,
    /// The ramp goes on.
    Releasing,
    /// The original setting is restored.
    Released,
    /// The period ended with caps in force.
    Expired,
    /// Another process or person undid a cap.
    Untripped,
    /// An action could not be carried out.
    Failed,
    /// The guard cannot see.
    Blind,
    /// The guard sees again.
    Sighted,
    /// The guard itself has a problem: its policy, its permissions or its memory. Reported by the shell.
    Troubled,
    /// The guard's own problem is resolved.
    Mended,
}

/// Notices of a tick up to which each is a message of its own; more of them go into one digest. Our choice: what a person
/// reads one by one.
pub const SINGLE_MAX: usize = 5;

/// The number of messages that people get of a tick's notices.
pub fn messages_of(notices: &[Notice]) -> usize {
    if notices.len() > SINGLE_MAX { 1 } else { notices.len() }
}

/// One message for people. The shell renders it for e-mail, chat and pagers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// The kind of event that it reports.
    pub kind: NoticeKind,
    /// The name under which pagers file the alarm: the same when it opens and when it closes.
    pub alarm: String,
    /// Whether it opens (`true`) or closes (`false`) the alarm.
    pub alarming: bool,
    /// The budget, if it is about one.
    pub budget: Option<BudgetName>,
    /// The function, if it is about one.
    pub function: Option<FunctionName>,
    /// One line that works as a text message.
    pub headline: String,
    /// The lines below it: numbers, what was done, which side effects it has, how to undo it.
    pub body: Vec<String>,
    /// The text that distinguishes it from a repetition of the last notice under the same alarm.
    pub digest: String,
}

/// The state of a budget at a tick, in numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BudgetRecord {
    /// The budget.
    pub budget: BudgetName,
    /// Whether the amounts are dollars, yuan or invocations.
    pub unit: Unit,
    /// The amount of the period.
    pub amount: Usd,
    /// Start of the period.
    pub period_start: DateTime<Utc>,
    /// End of the period.
    pub period_end: DateTime<Utc>,
    /// The instant of the period from which on all spend is known; `None`: it is known from the period's start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known_from: Option<DateTime<Utc>>,
    /// Seen in metrics so far.
    pub spent: UsdRange,
    /// Part of `spent` that no function known to the guard explains.
    pub unattributed: UsdRange,
    /// Part of `spent` that was repeated work: retries and duplicates.
    pub repeated: UsdRange,
    /// Spent but not shown yet.
    pub unseen: UsdRange,
    /// Retries certain to run.
    pub committed: UsdRange,
    /// Backlog behind caps.
    pub deferred: UsdRange,
    /// Per hour, over the last five settled minutes.
    pub burn_per_hour: Usd,
    /// Per hour, what the baseline expects now; `None` without history.
    pub baseline_per_hour: Option<Usd>,
    /// At the end of the period if the excess lasts.
    pub projected_if_sustained: UsdRange,
    /// At the end of the period if the excess decays.
    pub projected_if_it_stops: UsdRange,
    /// When the amount is gone if the excess lasts; `None`: not within the period.
    pub exhausted_if_sustained: Option<DateTime<Utc>>,
    /// When the amount is gone if the excess decays.
    pub exhausted_if_it_stops: Option<DateTime<Utc>>,
    /// Cost of the incident above the ordinary, including spend that no metric shows yet; zero without an incident.
    pub incident: Usd,
    /// The minute in which the incident began.
    pub incident_since: Option<DateTime<Utc>>,
    /// The amount that an incident may cost before the guard acts; equals `amount` if it acts at the line only.
    pub slack: Usd,
    /// The most that the guard may do on behalf of the budget.
    #[serde(default)]
    pub mode: Mode,
    /// When the slack is used up at this rate; `None`: not within the period, or it is used up already.
    pub slack_ends: Option<DateTime<Utc>>,
    /// Whether spent, unseen and committed money together reach the amount before an action takes effect.
    pub at_line: bool,
    /// How far the data can be trusted.
    pub freshness: Freshness,
    /// The decision.
    pub verdict: Verdict,
    /// Whether some price was unknown and the highest known price was used instead.
    pub price_unknown: bool,
    /// What the functions that it covers use that is billed and not counted.
    #[serde(default, skip_serializing_if = "Uncounted::is_empty")]
    pub uncounted: Uncounted,
}

/// The decision for a budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Within its line.
    Fine,
    /// A threshold is crossed, or an incident uses up the slack, or has and a cap would do more harm than good.
    Warn,
    /// At its line or with its slack used up; the mode allows only messages to people.
    BreachedAlert,
    /// At its line or with its slack used up; levers are pulled.
    BreachedAct,
    /// At its line or with its slack used up, and no action is possible or permitted: see the refusals.
    BreachedRefused,
    /// At its line, but no spend exceeds the ordinary.
    BreachedOrdinary,
}

/// The state of a function at a tick.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FunctionRecord {
    /// The function.
    pub function: FunctionName,
    /// Dollars per hour over the last five settled minutes.
    pub burn_per_hour: Usd,
    /// Dollars per hour that the baseline expects now; `None` without history.
    pub baseline_per_hour: Option<Usd>,
    /// Dollars per hour above the ordinary; zero within the band.
    pub excess_per_hour: Usd,
    /// Attempts per logical event, in per mille; 1,000 is "each once".
    pub attempts_per_mille: u32,
    /// Concurrency cap in force that the guard set.
    pub cap: Option<u32>,
    /// How far the data can be trusted.
    pub freshness: Freshness,
    /// The decision and its reason.
    pub reason: Reason,
}
