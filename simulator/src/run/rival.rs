//! The guard's place in a run, for a third-party policy: its view, and the settings it can change.

use guard_core::money::Usd;
use guard_core::time::Minute;

use super::truth::PeriodSpend;
use crate::cloudwatch::CloudWatch;
use crate::pilot::Now;
use crate::world::{TrafficTally, World};

/// The view of a policy at the beginning of a minute, and the settings it can change.
#[derive(Debug)]
pub struct Seat<'a, 'w> {
    /// The minute that begins.
    pub at: Minute,
    /// What goes wrong now.
    pub now: &'a Now<'a>,
    /// Metrics, as late as they are.
    pub cloudwatch: &'a mut CloudWatch<'w>,
    /// The account, whose settings can be changed.
    pub world: &'a mut World,
    /// True spend of every budget so far. Bills know it hours later.
    pub periods: &'a [PeriodSpend],
}

/// A policy of others.
pub trait Rival: std::fmt::Debug {
    /// Acts at the beginning of a minute.
    fn minute(&mut self, seat: &mut Seat<'_, '_>);

    /// What it cost by itself in so many minutes, in which this became of the traffic.
    fn cost(&self, minutes: u32, traffic: &[TrafficTally]) -> Usd;
}
