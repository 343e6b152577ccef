//! Keeps the guard within its share of the requests that the control plane accepts from the whole account.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Requests in any second. All of Lambda's management APIs together take 15 a second, and the limit cannot be raised
/// ("Lambda quotas", read 2026-11); a third is left to deployments and people.
pub(super) const PER_SECOND: usize = 10;

const SECOND: Duration = Duration::from_secs(1);

/// When the last requests were sent.
#[derive(Debug, Default)]
pub(super) struct Pace(Mutex<VecDeque<Instant>>);

impl Pace {
    /// Waits until another request may leave.
    #[expect(clippy::disallowed_methods, reason = "pacing measures durations")]
    pub(super) async fn turn(&self) {
        let at = self.reserve(Instant::now());
        tokio::time::sleep_until(at).await;
    }

    /// Takes the next place: now, or a second after the request that is [`PER_SECOND`] places ahead.
    fn reserve(&self, now: Instant) -> Instant {
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let ahead = if places.len() < PER_SECOND { None } else { places.pop_front() };
        let at = ahead.map_or(now, |ahead| now.max(ahead + SECOND));
        places.push_back(at);
        at
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test measures durations")]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn no_second_holds_more_requests_than_allowed_however_they_come() {
        let pace = Pace::default();
        let mut sent = Vec::new();
        for index in 0_u64..95 {
            tokio::time::sleep(Duration::from_millis((index * 37) % 90)).await;
            pace.turn().await;
            sent.push(Instant::now());
        }
        for window in sent.windows(PER_SECOND + 1) {
            assert!(*window.last().unwrap() - *window.first().unwrap() >= SECOND);
        }
        let all = *sent.last().unwrap() - *sent.first().unwrap();
        assert!(all < SECOND * 11, "{all:?}: a pace that waits for nothing");
    }

    #[tokio::test(start_paused = true)]
    async fn a_few_requests_leave_at_once() {
        let pace = Pace::default();
        let start = Instant::now();
        for _ in 0..PER_SECOND {
            pace.turn().await;
        }
        assert_eq!(Instant::now(), start);
    }
}
