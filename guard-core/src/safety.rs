//! A second opinion on every plan, written apart from the planner and from raw policy, inventory and history only: it
//! must not share the first opinion's mistakes. Plain code that is obviously right beats clever code.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::inventory::{EventSource, Function, Inventory};
use crate::name::FunctionName;
use crate::observation::{Freshness, Observation};
use crate::plan::{Action, Change, Lever, Notice, NoticeKind, Plan, Reason, Refusal, Setting};
use crate::policy::{BelowFloor, Budget, Mode, NoRoom, Policy};
use crate::settle::setting_of;
use crate::state::{LeverState, State};

mod reading;
mod rule;

pub use rule::Rule;

use reading::{
    budget_of, covers, is_meant, is_tagged_protected, loosens, mode_of, polled, tagged_floor, tightens,
};

/// The tag that protects a function, unless its value is `false`.
pub const PROTECT_TAG: &str = "dow-guard:protect";
/// The tag that lowers the mode of every budget for a function: `observe`, `alert`, `cap` or `stop`.
pub const MODE_TAG: &str = "dow-guard:mode";
/// The tag that sets a function's floor, 1 to 100,000.
pub const FLOOR_TAG: &str = "dow-guard:floor";
/// The tag that gives a function a monthly budget of its own.
pub const MONTHLY_TAG: &str = "dow-guard:monthly-usd";

/// Alarm name for objections of the second opinion.
pub const OBJECTION_ALARM: &str = "dow-guard/second-opinion";

/// The inputs of the second opinion.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The owner's policy.
    pub policy: &'a Policy,
    /// The functions and their settings.
    pub inventory: &'a Inventory,
    /// The observation; a function that was not looked at is unknown.
    pub seen: &'a Observation,
    /// The guard's own function, if it runs as one.
    pub self_name: Option<&'a FunctionName>,
}

/// A rule that a plan breaks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    /// The rule.
    pub rule: Rule,
    /// Index of the offending action; `None` if the plan as a whole offends.
    pub action: Option<usize>,
    /// The violation, as a sentence.
    pub sentence: String,
}

/// Every rule that the plan breaks, in the order of its actions. `state` is the memory before the plan's intents are
/// recorded. A plan that is not armed changes nothing, so only the fact that it is disarmed is checked.
pub fn check(plan: &Plan, state: &State, context: &Context<'_>) -> Vec<Violation> {
    let armed = state.operator.armed.unwrap_or(context.policy.armed);
    if plan.armed != armed {
        let word = |armed| if armed { "armed" } else { "disarmed" };
        let sentence = format!("the plan is {} where the guard is {}", word(plan.armed), word(armed));
        return vec![Violation { rule: Rule::Armed, action: None, sentence }];
    }
    if !plan.armed {
        return Vec::new();
    }
    let mut violations = Vec::new();
    let mut levers: BTreeSet<(&FunctionName, Lever)> = BTreeSet::new();
    let mut reserved = reserved_total(context.inventory);
    for (index, action) in plan.actions.iter().enumerate() {
        let mut broken = check_action(action, plan, state, context, reserved);
        if !levers.insert((&action.function, action.change.lever())) {
            broken.push((Rule::TwicePerLever, "the plan changes this lever twice".to_owned()));
        }
        let limit = context.policy.limits.actions_per_tick;
        if index >= usize::try_from(limit).unwrap_or(usize::MAX) {
            broken.push((Rule::TickFull, format!("a tick may make {limit} changes")));
        }
        // Checked last, only for actions that will be carried out: a refused change neither takes nor frees room.
        if broken.is_empty()
            && let Err(sentence) = take_room(&action.change, &mut reserved, context.inventory)
        {
            broken.push((Rule::Pool, sentence));
        }
        violations.extend(broken.into_iter().map(|(rule, sentence)| Violation {
            rule,
            action: Some(index),
            sentence: format!("{}: {sentence}", action.function),
        }));
    }
    violations
}

/// A broken rule and the violation.
type Broken = (Rule, String);

/// The rules that look at one action alone; `reserved` is the total reservation after the actions before it.
fn check_action(
    action: &Action,
    plan: &Plan,
    state: &State,
    context: &Context<'_>,
    reserved: u64,
) -> Vec<Broken> {
    if context.self_name == Some(&action.function) {
        return vec![(Rule::Itself, "the guard never changes itself".to_owned())];
    }
    let lever = action.change.lever();
    let found = context.inventory.function(&action.function);
    let Some((function, found)) = found.and_then(|function| Some((function, setting_of(function, &lever)?)))
    else {
        return vec![(Rule::Missing, "this function or lever does not exist".to_owned())];
    };
    let held = state.latches.get(&action.function).and_then(|latch| latch.lever(&lever));
    let case = Case {
        action,
        function,
        held,
        reserved,
        budget: action.budget.as_ref().and_then(|name| budget_of(context.policy, name, function)),
        by_operator: action.reason == Reason::Operator && action.budget.is_none(),
    };
    let mut broken = Vec::new();
    if found != action.change.from() {
        broken.push((Rule::Stale, "the change starts from a value that is not in force".to_owned()));
    }
    broken.extend(case.range(context).map(|sentence| (Rule::Range, sentence)));
    if tightens(&action.change) {
        broken.extend(case.protected(context.policy).map(|sentence| (Rule::Protected, sentence)));
    }
    if case.by_operator {
        return broken;
    }
    broken.extend(case.words_of_operators(plan, state));
    if tightens(&action.change) {
        broken.extend(case.tightening(plan, state, context));
    }
    if loosens(&action.change) {
        broken.extend(case.loosening(context));
    }
    broken
}

/// One action with the known facts about it.
struct Case<'a> {
    action: &'a Action,
    function: &'a Function,
    /// The guard's memory of the lever, if it holds it.
    held: Option<&'a LeverState>,
    /// The sum of all reservations after the actions before this one.
    reserved: u64,
    /// The budget named, if it exists.
    budget: Option<Budget>,
    /// Whether an operator ordered exactly this change.
    by_operator: bool,
}

impl Case<'_> {
    /// Values that AWS refuses (API reference of Lambda, read 2026-11: retries 0–2, event age 60–21,600 s,
    /// `MaximumConcurrency` 2–1,000 and not together with provisioned pollers, a reservation up to the account's
    /// limit).
    fn range(&self, context: &Context<'_>) -> Option<String> {
        match &self.action.change {
            Change::AsyncConfig { to, .. } if to.max_retries > 2 => {
                Some(format!("{} retries are more than 2", to.max_retries))
            }
            Change::AsyncConfig { to, .. } if !(60..=21_600).contains(&to.max_event_age_s) => {
                Some(format!("an event age of {} s is not within 60 and 21,600", to.max_event_age_s))
            }
            Change::MappingConcurrency { to: Some(to), .. } if !(2..=1000).contains(to) => {
                Some(format!("a mapping's concurrency of {to} is not within 2 and 1,000"))
            }
            Change::MappingConcurrency { mapping, to: Some(_), .. } => {
                let of = self.function.mappings.iter().find(|found| found.id == *mapping)?;
                matches!(of.source, EventSource::Sqs { provisioned_pollers: true, .. })
                    .then(|| "provisioned pollers exclude a mapping's concurrency".to_owned())
            }
            Change::ReservedConcurrency { to: Some(to), .. } => {
                let limit = context.inventory.account.concurrency;
                (*to > limit)
                    .then(|| format!("a reservation of {to} is above the account's limit of {limit}"))
            }
            _ => None,
        }
    }

    /// The protected list and tag, unless exactly the original setting is restored.
    fn protected(&self, policy: &Policy) -> Option<String> {
        if self.held.is_some_and(|held| held.original == self.action.change.to()) {
            return None;
        }
        if !self.function.tags_known {
            return Some("its tags were not read yet: it may be protected".to_owned());
        }
        if is_tagged_protected(self.function) {
            return Some(format!("the tag {PROTECT_TAG} protects it"));
        }
        let entry = policy.protected.iter().find(|entry| is_meant(entry, self.function))?;
        Some(format!("the policy protects it: {entry}"))
    }

    /// Holds, pardons, and values that others have set.
    fn words_of_operators(&self, plan: &Plan, state: &State) -> Vec<Broken> {
        let name = &self.action.function;
        let mut broken = Vec::new();
        if state.operator.holds.get(name).is_some_and(|until| *until > plan.at) {
            broken.push((Rule::Held, "an operator holds it".to_owned()));
        }
        let pardoned = state.operator.pardons.get(name).is_some_and(|until| *until > plan.at);
        if pardoned && tightens(&self.action.change) {
            broken.push((Rule::Pardoned, "an operator released it by hand".to_owned()));
        }
        let from = self.action.change.from();
        let is_known = |held: &LeverState| from == held.known() || from == held.original;
        if self.held.is_some_and(|held| !is_known(held) && held.pending != Some(from)) {
            broken.push((Rule::Foreign, "somebody else has set another value".to_owned()));
        }
        broken
    }

    /// The limits on a tighter setting.
    fn tightening(&self, plan: &Plan, state: &State, context: &Context<'_>) -> Vec<Broken> {
        let mut broken = Vec::new();
        let latch = state.latches.get(&self.action.function);
        // An operator's own cap has no budget and may be set again after a deploy undid it.
        let of_operator = self.action.budget.is_none()
            && latch.is_some_and(|latch| latch.budget.is_none())
            && matches!(self.action.reason, Reason::Untripped { .. } | Reason::Resumed);
        if of_operator {
            return broken;
        }
        let Some(budget) = &self.budget else {
            return vec![(Rule::Scope, "no budget of the policy asks for this".to_owned())];
        };
        if !covers(budget, self.function) {
            broken.push((Rule::Scope, format!("budget {} does not cover it", budget.name)));
        }
        let mode = mode_of(budget, self.function);
        if mode < Mode::Cap {
            broken.push((Rule::Mode, format!("budget {} may only tell people about it", budget.name)));
        }
        broken.extend(self.floor(budget, mode, plan, state, context).map(|sentence| (Rule::Floor, sentence)));
        if !budget.allow_event_loss {
            broken.extend(self.event_loss().map(|sentence| (Rule::EventLoss, sentence)));
        }
        broken
    }

    /// A concurrency below the floor that no rule permits.
    fn floor(
        &self,
        budget: &Budget,
        mode: Mode,
        plan: &Plan,
        state: &State,
        context: &Context<'_>,
    ) -> Option<String> {
        let left = match &self.action.change {
            Change::ReservedConcurrency { to: Some(to), .. } => *to,
            // All its mappings together: each gets a part of the concurrency left.
            Change::MappingConcurrency { .. } => polled(self.function, |lever| {
                let same = |action: &&Action| {
                    action.function == self.action.function && action.change.lever() == *lever
                };
                plan.actions.iter().find(same).map(|action| action.change.to())
            })?,
            Change::MappingEnabled { to: false, .. } => 0,
            _ => return None,
        };
        let floor = self.least(state, context.policy);
        let barrier = budget.guarantee && matches!(self.action.reason, Reason::Barrier { .. });
        let allowed = mode == Mode::Stop
            || budget.below_floor == BelowFloor::Stop
            || barrier
            || (left == 0 && self.no_room(floor, context));
        (left < floor && !allowed).then(|| format!("{left} is below the floor of {floor}"))
    }

    /// The floor, from history and policy alone: p99 × headroom, at least the minimum, rounded in favour of the
    /// traffic; never more than the owner's own limit before the guard's first change.
    fn least(&self, state: &State, policy: &Policy) -> u32 {
        let p99 =
            state.profile(&self.function.name).and_then(|profile| profile.concurrency_p99()).unwrap_or(0);
        let needed = (u64::from(p99) * u64::from(policy.floor.headroom_percent)).div_ceil(100);
        let derived = u32::try_from(needed).unwrap_or(u32::MAX).max(policy.floor.minimum);
        let asked = tagged_floor(self.function).map(|asked| asked.min(policy.tags.floor));
        let floor = asked.unwrap_or(derived);
        let before = self.held.map_or(self.action.change.from(), |held| held.original);
        match before {
            _ if matches!(self.action.change, Change::MappingConcurrency { .. }) => {
                let latch = state.latches.get(&self.function.name);
                let original = |lever: &Lever| Some(latch?.lever(lever)?.original);
                floor.min(polled(self.function, original).unwrap_or(floor))
            }
            Setting::Concurrency(Some(owners)) => floor.min(owners),
            _ => floor,
        }
    }

    /// Whether the policy stops a function that finds no room for its floor, and this one finds none. Provisioned
    /// concurrency needs room too: AWS refuses a reservation below it.
    fn no_room(&self, floor: u32, context: &Context<'_>) -> bool {
        let account = &context.inventory.account;
        let kept = account.kept_unreserved(context.policy.limits.keep_unreserved);
        let others = self.reserved.saturating_sub(u64::from(self.function.reserved.unwrap_or(0)));
        let needed = u64::from(floor.max(self.function.provisioned));
        context.policy.limits.no_room == NoRoom::Stop
            && others + u64::from(kept) + needed > u64::from(account.concurrency)
    }

    /// Events that would be given up and lost.
    fn event_loss(&self) -> Option<String> {
        let function = self.function;
        let uncaught_async = function.asynchronous.is_some_and(|config| !config.on_failure);
        match &self.action.change {
            Change::AsyncConfig { .. } if uncaught_async => {
                Some("events given up sooner are caught by nothing".to_owned())
            }
            Change::ReservedConcurrency { to: Some(0), .. }
                if uncaught_async
                    || function.mappings.iter().any(|found| found.enabled && !found.has_dead_letter()) =>
            {
                Some("events of a stopped function are caught by nothing".to_owned())
            }
            Change::MappingEnabled { mapping, to: false, .. }
                if function.mappings.iter().any(|found| found.id == *mapping && !found.has_dead_letter()) =>
            {
                Some("events of a mapping that does not poll expire and are caught by nothing".to_owned())
            }
            _ => None,
        }
    }

    /// The limits on a looser setting.
    fn loosening(&self, context: &Context<'_>) -> Vec<Broken> {
        let mut broken = Vec::new();
        let beyond = match self.held {
            None => true,
            // The wanted value must not be looser than the original.
            Some(held) => Change::of(&held.lever, held.original, self.action.change.to())
                .is_none_or(|beyond| loosens(&beyond)),
        };
        if beyond {
            broken.push((Rule::BeyondOriginal, "the guard gives back only what it has taken".to_owned()));
        }
        let freshness =
            context.seen.of(&self.action.function).map_or(Freshness::Unknown, |seen| seen.freshness);
        if freshness == Freshness::Unknown && self.action.reason != Reason::Rollover {
            broken.push((Rule::BlindRelease, "nothing is known that would justify a release".to_owned()));
        }
        broken
    }
}

/// All reservations together.
fn reserved_total(inventory: &Inventory) -> u64 {
    inventory.functions.iter().map(|function| u64::from(function.reserved.unwrap_or(0))).sum()
}

/// Counts a change of a reservation; an error if it takes room that AWS keeps unreserved. Lowering one is always
/// accepted.
fn take_room(change: &Change, reserved: &mut u64, inventory: &Inventory) -> Result<(), String> {
    let Change::ReservedConcurrency { from, to } = change else { return Ok(()) };
    let (from, to) = (u64::from(from.unwrap_or(0)), u64::from(to.unwrap_or(0)));
    let after = reserved.saturating_sub(from) + to;
    let account = &inventory.account;
    if to > from && after + u64::from(account.unreserved_minimum) > u64::from(account.concurrency) {
        return Err(format!(
            "{after} reserved of {} leave less than the {} that AWS keeps unreserved",
            account.concurrency, account.unreserved_minimum
        ));
    }
    *reserved = after;
    Ok(())
}

/// The plan without its violations: offending actions become refusals, and one notice reports them. A plan that
/// misjudges whether it is armed is disarmed.
pub fn enforce(mut plan: Plan, violations: &[Violation]) -> Plan {
    if violations.is_empty() {
        return plan;
    }
    let disarm = violations.iter().any(|violation| violation.action.is_none());
    plan.armed = plan.armed && !disarm;
    let actions = std::mem::take(&mut plan.actions);
    let names: BTreeSet<FunctionName> = actions.iter().map(|action| action.function.clone()).collect();
    for (index, action) in actions.into_iter().enumerate() {
        match violations.iter().find(|violation| violation.action == Some(index)) {
            None => plan.actions.push(action),
            Some(violation) => plan.refusals.push(Refusal {
                function: action.function,
                change: Some(action.change),
                reason: Reason::Unsafe { rule: violation.rule.name().to_owned() },
                budget: action.budget,
            }),
        }
    }
    // A function's notice says which action was taken: if none is, the notice would be untrue.
    let is_undone = |name: &FunctionName| {
        names.contains(name) && plan.actions.iter().all(|action| action.function != *name)
    };
    let is_untrue = |notice: &Notice| {
        let of_actions = matches!(
            notice.kind,
            NoticeKind::Capped | NoticeKind::Releasing | NoticeKind::Released | NoticeKind::Untripped
        );
        of_actions && notice.function.as_ref().is_some_and(is_undone)
    };
    let notices = std::mem::take(&mut plan.notices);
    plan.notices = notices.into_iter().filter(|notice| !is_untrue(notice)).collect();
    plan.notices.push(Notice {
        kind: NoticeKind::Refused,
        alarm: OBJECTION_ALARM.to_owned(),
        alarming: true,
        budget: None,
        function: None,
        headline: match violations {
            [one] => format!("The second opinion objects to the plan: {}", one.sentence),
            many => format!("The second opinion objects to the plan in {} points", many.len()),
        },
        body: violations
            .iter()
            .map(|violation| format!("{}: {}", violation.rule, violation.sentence))
            .collect(),
        digest: violations.iter().map(|violation| violation.rule.name()).collect::<Vec<_>>().join(" "),
    });
    plan
}

#[cfg(test)]
mod tests;
