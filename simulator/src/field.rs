//! Policies of others in the guard's seat: the same world, the same metrics, the same delays and the same bill, and
//! what AWS or a few lines of code would have done. Constants cite the document that they come from; where none says,
//! the choice favours the policy and says so.

mod alarm;
mod budgets;
mod compare;
mod counter;

use guard_core::pricing::PriceTable;
use guard_core::roster::Roster;

use crate::request::Request;
use crate::run::Rival;
use crate::stage::GUARD;
use crate::world::World;

pub use self::alarm::threshold;
pub use self::compare::{Line, Outcome, line};

/// Which policy sits in the guard's seat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Policy {
    /// No policy at all.
    Nothing,
    /// This guard, under the policy that the scenario has.
    Guard,
    /// AWS Budgets with the strictest action that can be attached.
    Budgets,
    /// A CloudWatch alarm on every function's invocations that stops it: one minute above the threshold is enough.
    Alarm,
    /// The same where three minutes in a row are asked for.
    PatientAlarm,
    /// A counter in the functions' own code.
    Counter,
}

/// All of them, in the order of the columns.
pub const POLICIES: [Policy; 6] =
    [Policy::Nothing, Policy::Guard, Policy::Budgets, Policy::Alarm, Policy::PatientAlarm, Policy::Counter];

impl Policy {
    /// What columns call it.
    pub const fn name(self) -> &'static str {
        match self {
            Policy::Nothing => "nothing",
            Policy::Guard => "guard",
            Policy::Budgets => "budgets",
            Policy::Alarm => "alarm 1 of 1",
            Policy::PatientAlarm => "alarm 3 of 3",
            Policy::Counter => "counter",
        }
    }

    /// A description, in a sentence or two.
    pub const fn about(self) -> &'static str {
        match self {
            Policy::Nothing => "nobody watches and nobody acts.",
            Policy::Guard => {
                "DoW Guard under the policy that the scenario has. Where that policy only alerts or is disarmed, it does \
                 what it is told: nothing."
            }
            Policy::Budgets => {
                "AWS Budgets over the scenario's own amounts. Billing data is refreshed up to three times a day and is 8 to \
                 12 hours old (\"Managing your costs with AWS Budgets\", read 2026-11); here always three times, and always \
                 8 hours. A budget action attaches an IAM policy or a service control policy, or stops EC2 and RDS; none \
                 stops a function that an API, a bucket or a queue invokes. So the action is what its users build on the \
                 budget's SNS topic: reserved concurrency 0 on every function that the budget covers. Its price is left \
                 out. All of that favours it."
            }
            Policy::Alarm => {
                "a CloudWatch alarm on `Invocations` of every function: period 60 s, which is the shortest for `AWS/Lambda` \
                 (\"Using Amazon CloudWatch alarms\", read 2026-11), 1 datapoint of 1, threshold twice the function's \
                 busiest minute of the week before and at least 60. Its action sets reserved concurrency 0, and nothing \
                 ever takes that back. $0.10 a month and alarm (\"Amazon CloudWatch pricing\", read 2026-11)."
            }
            Policy::PatientAlarm => "the same, 3 datapoints of 3.",
            Policy::Counter => {
                "middleware in the functions of a budget: every invocation first adds its usual price to one row of a \
                 table, and refuses to work where the row has passed the amount, until the period ends. Exact and without \
                 any delay. What it counts is invocations: a call that runs a hundred times longer counts once. Each \
                 call costs a write ($0.625 a million, \"Amazon DynamoDB pricing\", read 2026-11) and 5 ms of billed time; \
                 a refused call costs its request and these 5 ms."
            }
        }
    }

    /// The policy, ready to sit in a run; `None` for those that are not of others.
    fn rival(self, request: &Request<'_>, prices: &PriceTable) -> Option<Box<dyn Rival>> {
        let roster = Roster::new(
            request.scenario.policy.clone(),
            prices,
            request.stage.inventory(),
            Some(GUARD.into()),
        );
        match self {
            Policy::Nothing | Policy::Guard => None,
            Policy::Budgets => Some(Box::new(budgets::Budgets::new(request, &roster))),
            Policy::Alarm => Some(Box::new(alarm::Alarm::new(request, 1))),
            Policy::PatientAlarm => Some(Box::new(alarm::Alarm::new(request, 3))),
            Policy::Counter => Some(Box::new(counter::Counter::new(request, roster))),
        }
    }
}

/// Reserved concurrency 0 on a function, as the management API carries it out: the `index`-th call of a minute.
fn stop(world: &mut World, function: usize, actuation_s: u32, index: u32) {
    use guard_core::plan::Change;

    let from = world.reserved(function);
    let delay_s = crate::control_plane::ControlPlane { actuation_s }.delay_s(index);
    world.schedule(function, Change::ReservedConcurrency { from, to: Some(0) }, delay_s);
}

#[cfg(test)]
mod tests;
