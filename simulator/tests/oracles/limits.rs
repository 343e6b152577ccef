//! Limits of Lambda as its documents state them.

use guard_core::inventory::{AccountLimits, Function, Inventory};
use guard_core::plan::{Action, Change, Reason};
use guard_core::settle::ApplyResult;
use simulator::control_plane::ControlPlane;

use crate::{all, live, real, world, world_of};

#[test]
fn a_reservation_of_n_answers_ten_n_requests_a_second_however_short_they_are() {
    // "Lambda quotas", read 2026-11: requests per second are limited to ten times the concurrency.
    for reserved in [1_u32, 5, 20] {
        let function = format!("reserved = {reserved}\ninit_ms = 0\nduration = {{ constant_ms = 1 }}");
        let rps = reserved * 40;
        let traffic = format!("rate = {{ law = \"even\", rps = {rps} }}");
        let tally = live(&mut world(&function, &traffic, 1), 5);
        let served_per_s = real(tally.served) / 300.0;
        let limit = f64::from(reserved) * 10.0;
        // One second's worth may be saved up at the beginning.
        assert!(
            served_per_s >= limit * 0.99 && served_per_s <= limit * (1.0 + 1.0 / 300.0),
            "{reserved}: {served_per_s}"
        );
    }
}

#[test]
fn what_is_not_reserved_is_shared_and_answers_ten_requests_a_second_and_unit() {
    // "Understanding Lambda function scaling", read 2026-11: a reservation takes its share out of the account, used or
    // not. 100 in all, of which 30 are reserved for `f` (and none for the guard: nothing may be left below 70).
    let tables = |duration: &str, rps: u32| {
        format!(
            "[account]\nconcurrency = 100\nunreserved_minimum = 70\n\
             [[function]]\nname = \"f\"\nreserved = 30\n\
             [[function]]\nname = \"g\"\ntimeout_s = 900\ninit_ms = 0\nduration = {{ {duration} }}\n\
             [[function]]\nname = \"h\"\ntimeout_s = 900\ninit_ms = 0\nduration = {{ {duration} }}\n\
             [[traffic]]\nname = \"g\"\nfunction = \"g\"\nrate = {{ law = \"even\", rps = {rps} }}\n\
             [[traffic]]\nname = \"h\"\nfunction = \"h\"\nrate = {{ law = \"even\", rps = {rps} }}\n"
        )
    };
    let mut long = world_of(&tables("constant_ms = 900000", 100));
    live(&mut long, 2);
    assert_eq!((long.busy_in_all(), all(&long).attempts), (70, 70));
    let mut short = world_of(&tables("constant_ms = 1", 1000));
    live(&mut short, 5);
    // 70 may come at once, then 700 a second for 300 s; a token may be under way.
    let served = all(&short).served;
    assert!((70 + 700 * 300 - 1..=70 + 700 * 300).contains(&served), "{served}");
}

#[test]
fn nothing_is_reserved_below_what_must_stay_unreserved() {
    // "Configuring reserved concurrency for a function", read 2026-11: a hundred stay unreserved; small accounts may
    // reserve nothing, and zero is no reservation but a stop.
    for (limit, minimum, others) in
        [(1000_u32, 100_u32, 0_u32), (1000, 100, 850), (10, 10, 0), (150, 100, 50)]
    {
        let account = AccountLimits { concurrency: limit, unreserved_minimum: minimum };
        let other = Function { reserved: (others > 0).then_some(others), ..Function::new("other", 128, 3) };
        let room = limit - minimum - others;
        for to in [0, 1, room, room + 1, limit] {
            let mut inventory =
                Inventory::new("us-east-1", account, vec![Function::new("f", 128, 3), other.clone()]);
            let change = Change::ReservedConcurrency { from: None, to: Some(to) };
            let action = Action { function: "f".into(), change, reason: Reason::Operator, budget: None };
            let result = ControlPlane { actuation_s: 5 }.call(&mut inventory, &action, false);
            assert_eq!(
                result == ApplyResult::Applied,
                to <= room,
                "{limit} {minimum} {others} {to}: {result:?}"
            );
        }
    }
}

#[test]
fn a_function_grows_by_a_thousand_environments_every_ten_seconds() {
    // "Lambda scaling behavior", read 2026-11. A thousand may be there at once; 100 a second come after them.
    // "even" spares the sampling error: the first arrival of all is the only one drawn.
    let busy = |minutes: u32| {
        let mut world = world_of(
            "[account]\nconcurrency = 20000\n\
             [[function]]\nname = \"f\"\ntimeout_s = 900\ninit_ms = 0\nduration = { constant_ms = 600000 }\n\
             [[traffic]]\nname = \"t\"\nfunction = \"f\"\nrate = { law = \"even\", rps = 400 }\n",
        );
        live(&mut world, minutes);
        world.busy_in_all()
    };
    // A thousand, and a hundred for each further second; a new environment may be under way.
    let (first, second) = (busy(1), busy(2));
    assert!((6999..=7000).contains(&first), "{first}");
    assert!((12_999..=13_000).contains(&second), "{first} {second}");
}
