//! The guard that a message or a metric comes from, and where its readers find the runbook.

/// The data that all notices of a guard share and that is not in the plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Context {
    /// The account's twelve digits.
    pub account: String,
    /// The region's code, such as `eu-central-1`.
    pub region: String,
    /// The name of the guard's own function, which is invoked for a release.
    pub guard: String,
    /// The owner's name for this installation, such as `prod`.
    pub stage: String,
    /// `timing.metric_lag_s` of the policy: how old the newest complete metric is at best, in seconds.
    pub metric_lag_s: u32,
    /// `alerts.realert_min` of the policy: minutes after which an open alarm is sent again.
    pub realert_min: u32,
    /// `alerts.runbook` of the policy: the runbook's address, without a section.
    pub runbook: String,
}
