use proptest::prelude::*;

use super::super::canonical::tests::any_trace;
use super::*;
use crate::trace::Trigger;

fn function(id: &str, counts: &[Option<u64>], mean_us: u64) -> TraceFunction {
    TraceFunction {
        id: id.to_owned(),
        trigger: Trigger::Http,
        invocations: counts.to_vec(),
        mean_us,
        longest_us: mean_us + 5,
        peak_memory_milli_mb: mean_us * 10,
    }
}

fn trace(first: i64, functions: &[TraceFunction]) -> Trace {
    let minutes = functions[0].invocations.len();
    let (title, first) = ("t".to_owned(), Minute(first));
    Trace { title, first, minutes, functions: functions.to_vec(), remarks: vec!["r".to_owned()] }
}

#[test]
fn a_rate_below_one_loses_no_sparse_traffic() {
    let sparse = trace(0, &[function("f", &[Some(1), None, Some(1), Some(1), Some(1), Some(0)], 1)]);
    let half = sparse.clone().scaled(Factor { thousandths: 500 });
    assert_eq!(half.functions[0].invocations, [Some(0), None, Some(1), Some(0), Some(1), Some(0)]);
    let double = sparse.scaled(Factor { thousandths: 2000 });
    assert_eq!(double.functions[0].invocations, [Some(2), None, Some(2), Some(2), Some(2), Some(0)]);
}

#[test]
fn a_minute_never_grows_beyond_what_a_table_holds() {
    let full =
        trace(0, &[function("f", &[Some(MAX_VALUE)], 1)]).scaled(Factor { thousandths: 1_000_000_000 });
    assert_eq!(full.functions[0].invocations, [Some(MAX_VALUE)]);
}

#[test]
fn functions_that_get_the_same_name_become_one() {
    let rule = |pattern: &str, name: &str| Rename { pattern: pattern.to_owned(), name: name.to_owned() };
    let before = trace(
        7,
        &[
            function("/api/a", &[Some(3), Some(1), None], 10),
            function("/static", &[Some(9), Some(9), Some(9)], 1),
            function("/api/b", &[Some(12), None, Some(2)], 40),
        ],
    );
    let after = before.clone().mapped(&[rule("/api/*", "api"), rule("/*", "rest")]);
    let names: Vec<&str> = after.functions.iter().map(|function| function.id.as_str()).collect();
    assert_eq!(names, ["api", "rest"]);
    let api = &after.functions[0];
    assert_eq!(api.invocations, [Some(15), None, None], "what one does not know, the whole does not know");
    // (4 × 10 + 14 × 40) ÷ 18 = 33.3, rounded up.
    assert_eq!((api.mean_us, api.longest_us, api.peak_memory_milli_mb), (34, 45, 400));
    assert_eq!(before.clone().mapped(&[]), before);
}

#[test]
fn joining_keeps_what_either_knows_and_refuses_a_contradiction() {
    let a = trace(10, &[function("f", &[Some(1), None], 10), function("g", &[Some(5), Some(5)], 10)]);
    let b = trace(11, &[function("f", &[Some(3), Some(0), Some(4)], 20)]);
    let joined = a.clone().joined(b.clone()).unwrap();
    assert_eq!((joined.first, joined.minutes), (Minute(10), 4));
    assert_eq!(joined.functions[0].invocations, [Some(1), Some(3), Some(0), Some(4)]);
    assert_eq!(joined.functions[1].invocations, [Some(5), Some(5), None, None]);
    assert_eq!(joined.functions[0].mean_us, 19, "(1 × 10 + 7 × 20) ÷ 8, rounded up");
    assert_eq!(joined.remarks, ["r"], "the same remark is made once");
    let other_way = b.joined(a.clone()).unwrap();
    assert_eq!(other_way.functions[0].invocations, joined.functions[0].invocations);
    let contradiction = trace(10, &[function("g", &[Some(5), Some(6)], 10)]);
    assert_eq!(a.joined(contradiction), Err(("g".to_owned(), Minute(11))));
}

#[test]
fn only_keeps_what_fits_and_shifting_moves_nothing_else() {
    let both = trace(10, &[function("aa", &[Some(1)], 1), function("ab", &[Some(2)], 1)]);
    assert_eq!(both.clone().only("?b").unwrap().functions[0].id, "ab");
    assert_eq!(both.clone().only("b*"), None);
    let moved = both.clone().shifted(Minute(99));
    assert_eq!((moved.first, &moved.functions), (Minute(99), &both.functions));
}

proptest! {
    #[test]
    fn scaling_is_right_to_one_invocation_and_keeps_what_is_unknown(trace in any_trace(), thousandths in 1..3000_u64) {
        // Small enough that no minute is full.
        let mut trace = trace;
        for count in trace.functions.iter_mut().flat_map(|function| function.invocations.iter_mut().flatten()) {
            *count %= 1000;
        }
        let scaled = trace.clone().scaled(Factor { thousandths });
        for (before, after) in trace.functions.iter().zip(&scaled.functions) {
            let exact = before.total() * thousandths;
            prop_assert!(after.total() * 1000 <= exact && exact < (after.total() + 1) * 1000);
            for (before, after) in before.invocations.iter().zip(&after.invocations) {
                prop_assert_eq!(before.is_some(), after.is_some());
            }
        }
    }

    #[test]
    fn the_parts_of_a_trace_joined_are_the_trace(trace in any_trace(), at in 1..6_usize) {
        let (Some(early), Some(late)) = (trace.clone().slice(0..at), trace.clone().slice(at..99)) else {
            return Ok(());
        };
        let joined = late.joined(early).unwrap();
        prop_assert_eq!(joined.first, trace.first);
        for function in &trace.functions {
            let same = joined.functions.iter().find(|other| other.id == function.id).unwrap();
            prop_assert_eq!(&same.invocations, &function.invocations);
        }
    }
}
