//! Idle execution environments of one function.

use std::collections::BinaryHeap;

use crate::scenario::Reuse;

/// Idle environments, in the order in which they answer.
#[derive(Clone, Debug)]
pub(super) struct Warm {
    expiry_us: u64,
    idle: Idle,
    created: u64,
}

#[derive(Clone, Debug)]
enum Idle {
    /// When each became idle; the last is used first. Because they ascend, all below an expired one are expired.
    LastUsed(Vec<u64>),
    /// Number of creation and when it became idle; the highest number is used first.
    LastCreated(BinaryHeap<(u64, u64)>),
}

impl Warm {
    /// None yet.
    pub(super) fn new(reuse: Reuse, expiry_us: u64) -> Self {
        let idle = match reuse {
            Reuse::LastUsed => Idle::LastUsed(Vec::new()),
            Reuse::LastCreated => Idle::LastCreated(BinaryHeap::new()),
        };
        Warm { expiry_us, idle, created: 0 }
    }

    /// Takes an environment that has not expired: its number. `None`: a new one is needed.
    #[inline]
    pub(super) fn take(&mut self, now_us: u64) -> Option<u64> {
        let oldest = now_us.saturating_sub(self.expiry_us);
        match &mut self.idle {
            Idle::LastUsed(stack) => {
                if *stack.last()? >= oldest {
                    stack.pop();
                    return Some(0);
                }
                stack.clear();
                None
            }
            Idle::LastCreated(heap) => loop {
                let (number, since) = heap.pop()?;
                if since >= oldest {
                    return Some(number);
                }
            },
        }
    }

    /// The number of a new environment.
    pub(super) fn create(&mut self) -> u64 {
        self.created += 1;
        self.created
    }

    /// Puts an environment back.
    #[inline]
    pub(super) fn give_back(&mut self, number: u64, now_us: u64) {
        match &mut self.idle {
            Idle::LastUsed(stack) => stack.push(now_us),
            Idle::LastCreated(heap) => heap.push((number, now_us)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_used_answers_first_and_the_rest_expires() {
        let mut warm = Warm::new(Reuse::LastUsed, 100);
        warm.give_back(1, 0);
        warm.give_back(2, 50);
        assert!(warm.take(120).is_some(), "the one idle since 50");
        assert!(warm.take(120).is_none(), "the one idle since 0 is gone");
    }

    #[test]
    fn the_last_created_answers_first_unless_it_expired() {
        let mut warm = Warm::new(Reuse::LastCreated, 100);
        warm.give_back(7, 0);
        warm.give_back(3, 60);
        assert_eq!(warm.take(90), Some(7));
        warm.give_back(7, 91);
        assert_eq!(warm.take(180), Some(7));
        warm.give_back(7, 181);
        assert_eq!(warm.take(300), None, "both expired");
    }
}
