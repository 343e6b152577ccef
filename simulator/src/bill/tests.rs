use guard_core::pricing::{Currency, Tier};
use guard_core::time::Minute;

use super::*;
use crate::trace::{Trace, TraceFunction, Trigger};

fn quote() -> Quote {
    let price = |text: &str| text.parse::<Usd>().unwrap();
    Quote {
        request: price("0.0000002"),
        gb_second: vec![Tier { upto_gb_s: None, price: price("0.0000166667") }],
        ephemeral_gb_second: Usd::ZERO,
        provisioned_gb_second: Usd::ZERO,
        provisioned_duration_gb_second: Usd::ZERO,
        currency: Currency::Usd,
        unknown: Vec::new(),
    }
}

fn workload(functions: Vec<(&str, u64, u64)>) -> Workload {
    let functions = functions
        .into_iter()
        .map(|(id, count, mean_us)| TraceFunction {
            id: id.to_owned(),
            trigger: Trigger::Http,
            invocations: vec![Some(count)],
            mean_us,
            longest_us: mean_us,
            peak_memory_milli_mb: 128_000,
        })
        .collect();
    let trace = Trace { title: String::new(), first: Minute(0), minutes: 1, functions, remarks: vec![] };
    Workload::new(&trace, "us-east-1")
}

fn bill(functions: Vec<(&str, u64, u64)>) -> Bill {
    Bill::new(&workload(functions), &BTreeMap::from([(Architecture::X86_64, quote())]))
}

#[test]
fn an_invocation_costs_its_request_and_its_rounded_up_milliseconds() {
    // 1.0001 s is billed as 1,001 ms: 1.001 s × 128/1024 GB × $0.0000166667 = $0.0000020854208375, rounded up.
    let one = bill(vec![("a", 1, 1_000_100)]);
    assert_eq!(one.total.picos(), 200_000 + 2_085_421);
    assert_eq!(bill(vec![("a", 1000, 1_000_100)]).total.picos(), one.total.picos() * 1000);
}

#[test]
fn the_dearest_function_comes_first_and_equals_stand_by_name() {
    let bill = bill(vec![("c", 1, 1000), ("b", 5, 1000), ("a", 1, 1000)]);
    let order: Vec<&str> = bill.functions.iter().map(|line| line.function.as_str()).collect();
    assert_eq!(order, ["http-b", "http-a", "http-c"]);
    assert_eq!(bill.total, bill.functions.iter().map(|line| line.cost).sum());
    assert_eq!(bill.functions[0].invocations, 5);
}
