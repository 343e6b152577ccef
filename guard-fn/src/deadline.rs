//! The time of one invocation, shared by all its steps. Lambda ends a process that has not answered in time, so each
//! step gets a part: when it may begin nothing new, and when it gives up what is under way.

use std::time::Duration;

use tokio::time::Instant;

/// When an invocation began, and how long it may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline {
    from: Instant,
    span: Duration,
}

/// The part of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stage {
    /// From then on nothing new begins.
    pub last: Instant,
    /// What is under way then is given up.
    pub end: Instant,
}

/// The time of an invocation whose caller waits as long as it takes: a laptop, a test. A day, so that sums of it stay in
/// range.
const NO_LIMIT: Duration = Duration::from_secs(86_400);

impl Deadline {
    /// So long from now.
    #[expect(clippy::disallowed_methods, reason = "a deadline measures durations")]
    pub fn within(span: Duration) -> Self {
        Deadline { from: Instant::now(), span }
    }

    /// As long as it takes.
    pub fn none() -> Self {
        Deadline::within(NO_LIMIT)
    }

    /// The moment when so many percent of the time are gone.
    pub fn at(&self, percent: u32) -> Instant {
        self.from + self.span * percent.min(100) / 100
    }

    /// A step that begins nothing new after `last` percent and ends after `end` percent.
    pub fn stage(&self, last: u32, end: u32) -> Stage {
        Stage { last: self.at(last), end: self.at(end.max(last)) }
    }

    /// Whether so many percent of the time are gone.
    pub fn is_past(&self, percent: u32) -> bool {
        is_past(self.at(percent))
    }
}

impl Stage {
    /// A step without a limit.
    pub fn open() -> Self {
        Deadline::none().stage(100, 100)
    }

    /// Whether nothing new may begin.
    pub fn is_over(&self) -> bool {
        is_past(self.last)
    }
}

#[expect(clippy::disallowed_methods, reason = "a deadline measures durations")]
fn is_past(moment: Instant) -> bool {
    Instant::now() >= moment
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_step_has_its_part_and_is_over_when_that_is_gone() {
        let time = Deadline::within(Duration::from_secs(60));
        let stage = time.stage(40, 50);
        assert_eq!(stage.end - stage.last, Duration::from_secs(6));
        assert!(!stage.is_over() && !time.is_past(40));
        tokio::time::advance(Duration::from_secs(24)).await;
        assert!(stage.is_over() && time.is_past(40) && !time.is_past(41));
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_deadline_a_whole_hour_is_nothing() {
        let (time, stage) = (Deadline::none(), Stage::open());
        tokio::time::advance(Duration::from_secs(3600)).await;
        assert!(!time.is_past(5) && !stage.is_over());
    }
}
