//! Many cases on all cores, their results in order.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

/// Cores of this machine.
pub fn cores() -> NonZeroUsize {
    thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

/// Works on all cases with so many threads and hands each result on in the order of the cases, whichever was ready
/// first. The first error ends it: no further case is begun.
///
/// # Errors
/// The first of `take`, in the order of the cases.
pub fn in_order<C: Sync, R: Send, E>(
    cases: &[C],
    threads: NonZeroUsize,
    work: impl Fn(&C) -> R + Sync,
    mut take: impl FnMut(&C, R) -> Result<(), E>,
) -> Result<(), E> {
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        let (sender, receiver) = mpsc::channel();
        for _ in 0..threads.get().min(cases.len()) {
            let (sender, next, work) = (sender.clone(), &next, &work);
            scope.spawn(move || {
                while let Some((place, case)) = claim(next, cases) {
                    // There is no receiver any more: the run has ended with an error.
                    if sender.send((place, work(case))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        let mut waiting = BTreeMap::new();
        let mut ready = cases.iter().enumerate();
        let mut wanted = ready.next();
        for (place, result) in receiver {
            waiting.insert(place, result);
            while let Some((place, case)) = wanted {
                let Some(result) = waiting.remove(&place) else { break };
                if let Err(error) = take(case, result) {
                    next.store(cases.len(), Ordering::Relaxed);
                    return Err(error);
                }
                wanted = ready.next();
            }
        }
        Ok(())
    })
}

fn claim<'a, C>(next: &AtomicUsize, cases: &'a [C]) -> Option<(usize, &'a C)> {
    let place = next.fetch_add(1, Ordering::Relaxed);
    cases.get(place).map(|case| (place, case))
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    fn threads(count: usize) -> NonZeroUsize {
        NonZeroUsize::new(count).unwrap()
    }

    #[test]
    fn results_come_in_the_order_of_the_cases_whoever_is_faster() {
        let cases: Vec<u64> = (0..50).collect();
        let slow_first = |case: &u64| {
            thread::sleep(std::time::Duration::from_micros(500 - case * 10));
            case * case
        };
        for count in [1, 3, 64] {
            let mut taken = Vec::new();
            let done: Result<(), Infallible> =
                in_order(&cases, threads(count), slow_first, |case, result| {
                    taken.push((*case, result));
                    Ok(())
                });
            assert_eq!(done, Ok(()));
            assert_eq!(taken, cases.iter().map(|case| (*case, case * case)).collect::<Vec<_>>());
        }
    }

    #[test]
    fn an_error_ends_the_run_at_the_first_case_that_has_one() {
        let cases: Vec<u32> = (0..1000).collect();
        let begun = AtomicUsize::new(0);
        let mut taken = 0;
        let work = |case: &u32| {
            begun.fetch_add(1, Ordering::Relaxed);
            *case
        };
        let done = in_order(&cases, threads(2), work, |_, result| {
            taken += 1;
            if result == 3 { Err("enough") } else { Ok(()) }
        });
        assert_eq!((done, taken), (Err("enough"), 4));
    }

    #[test]
    fn no_cases_are_no_work() {
        let done: Result<(), ()> = in_order(&[] as &[u8], threads(4), |_| (), |_, ()| Err(()));
        assert_eq!(done, Ok(()));
    }
}
