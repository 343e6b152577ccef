//! A token bucket in whole numbers: how fast something may happen.

/// Tokens, refilled continuously up to a capacity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bucket {
    per_second: u64,
    /// Micro-tokens at most.
    capacity: u64,
    level: u64,
    filled_us: u64,
}

/// One token.
const TOKEN: u64 = 1_000_000;

impl Bucket {
    /// A full bucket.
    pub(super) fn new(per_second: u64, capacity: u64) -> Self {
        Bucket { per_second, capacity: capacity * TOKEN, level: capacity * TOKEN, filled_us: 0 }
    }

    /// Takes a token at this time, if there is one.
    #[inline]
    pub(super) fn take(&mut self, now_us: u64) -> bool {
        let gained = (now_us - self.filled_us).saturating_mul(self.per_second);
        self.level = self.level.saturating_add(gained).min(self.capacity);
        self.filled_us = now_us;
        if self.level < TOKEN {
            return false;
        }
        self.level -= TOKEN;
        true
    }

    /// Gives back a token that was taken for nothing.
    pub(super) fn give_back(&mut self) {
        self.level = (self.level + TOKEN).min(self.capacity);
    }

    /// Changes rate and capacity; content beyond the new capacity is lost.
    pub(super) fn resize(&mut self, per_second: u64, capacity: u64) {
        self.per_second = per_second;
        self.capacity = capacity * TOKEN;
        self.level = self.level.min(self.capacity);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_gives_its_capacity_at_once_and_its_rate_after() {
        let mut bucket = Bucket::new(100, 10);
        let at_once = (0..50).filter(|_| bucket.take(0)).count();
        assert_eq!(at_once, 10);
        let later = (1..=1_000_u64).filter(|ms| bucket.take(ms * 1000)).count();
        assert_eq!(later, 100);
    }

    #[test]
    fn what_is_not_used_does_not_accumulate_beyond_the_capacity() {
        let mut bucket = Bucket::new(100, 10);
        assert!(bucket.take(0));
        assert_eq!((0..50).filter(|_| bucket.take(3_600_000_000)).count(), 10);
    }
}
