//! The published bound is a property: accounts, policies and day-long floods as they are drawn, and no budget that acts
//! is overrun beyond it.

use guard_core::money::Usd;
use guard_core::policy::Mode;
use guard_core::pricing::PriceTable;
use proptest::collection::vec;
use proptest::prelude::*;
use simulator::load::Source;
use simulator::published;
use simulator::run::run;
use simulator::world::Cast;

/// How a function is invoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Callers,
    Events,
    CaughtEvents,
    Queues(usize),
}

/// One function as drawn.
#[derive(Clone, Debug)]
struct Drawn {
    by: By,
    memory_mb: u32,
    duration_ms: u32,
    reserved: Option<u32>,
    provisioned: u32,
    tag: Option<(&'static str, &'static str)>,
    /// Requests per second in tenths: of customers, and of the flood.
    customers: u32,
    flood: u32,
}

fn drawn() -> impl Strategy<Value = Drawn> {
    let by = prop_oneof![
        3 => Just(By::Callers),
        1 => Just(By::Events),
        1 => Just(By::CaughtEvents),
        3 => (1..5_usize).prop_map(By::Queues),
    ];
    let memory_mb = prop::sample::select(vec![128, 512, 1024, 3008]);
    let duration_ms = prop::sample::select(vec![2000, 5000, 12_000]);
    let reserved = prop_oneof![3 => Just(None), 1 => (1..40_u32).prop_map(Some)];
    let provisioned = prop::sample::select(vec![0, 0, 0, 6]);
    let tag = prop::sample::select(vec![
        None,
        None,
        None,
        None,
        Some(("dow-guard:floor", "3")),
        Some(("dow-guard:mode", "cap")),
        Some(("dow-guard:protect", "true")),
    ]);
    let flood = prop::sample::select(vec![0, 0, 5, 20, 60]);
    (by, memory_mb, duration_ms, reserved, provisioned, tag, 0..6_u32, flood).prop_map(
        |(by, memory_mb, duration_ms, reserved, provisioned, tag, customers, flood)| {
            // AWS takes no more provisioned than reserved concurrency.
            let provisioned =
                if reserved.is_some_and(|reserved| reserved < provisioned) { 0 } else { provisioned };
            Drawn { by, memory_mb, duration_ms, reserved, provisioned, tag, customers, flood }
        },
    )
}

fn budget() -> impl Strategy<Value = String> {
    (
        prop::sample::select(vec!["hour", "day", "day", "month"]),
        prop::sample::select(vec!["0.2", "1", "5", "20"]),
        prop::sample::select(vec!["alert", "cap", "cap", "stop"]),
        prop::sample::select(vec!["*", "*", "f?", "f1*"]),
        any::<(bool, bool, bool)>(),
    )
        .prop_map(|(period, usd, mode, scope, (stops, line, loss))| {
            let below_floor = if stops { "stop" } else { "keep_floor" };
            let slack = if line { "slack = \"period\"\n" } else { "" };
            format!(
                "[[policy.budget]]\nname = \"b-NUMBER\"\nperiod = \"{period}\"\nusd = \"{usd}\"\nmode = \"{mode}\"\n\
                 scope.functions = \"{scope}\"\nbelow_floor = \"{below_floor}\"\nallow_event_loss = {loss}\n{slack}"
            )
        })
}

/// One function in the words of a scenario; reservations as far as the account has room.
fn function(number: usize, drawn: &Drawn, room: &mut u32) -> String {
    let Drawn { memory_mb, duration_ms, customers, flood, .. } = drawn;
    let name = format!("f{number}");
    let mut text = format!(
        "[[function]]\nname = \"{name}\"\nmemory_mb = {memory_mb}\ntimeout_s = 30\n\
         duration = {{ constant_ms = {duration_ms}.0 }}\n"
    );
    let fits = drawn.reserved.unwrap_or(drawn.provisioned) <= *room;
    if fits {
        *room -= drawn.reserved.unwrap_or(drawn.provisioned);
        text.push_str(&format!("provisioned = {}\n", drawn.provisioned));
        if let Some(reserved) = drawn.reserved {
            text.push_str(&format!("reserved = {reserved}\n"));
        }
    }
    if let Some((key, value)) = drawn.tag {
        text.push_str(&format!("[function.tags]\n\"{key}\" = \"{value}\"\n"));
    }
    let mut ways = vec!["via = \"sync\"".to_owned()];
    match drawn.by {
        By::Callers => {}
        By::Events | By::CaughtEvents => {
            text.push_str(&format!(
                "[function.asynchronous]\non_failure = {}\n",
                drawn.by == By::CaughtEvents
            ));
            ways = vec!["via = \"async\"".to_owned()];
        }
        By::Queues(count) => {
            ways.clear();
            for queue in 0..count {
                text.push_str(&format!(
                    "[[function.queue]]\nname = \"{name}-q{queue}\"\nbatch_size = 1\nvisibility_s = 180\n\
                     max_receive_count = 5\n"
                ));
                ways.push(format!("via = \"queue\"\nthrough = \"{name}-q{queue}\""));
            }
        }
    }
    for (place, way) in ways.iter().enumerate() {
        let mut traffic = |kind: &str, tenths: u32, when: &str| {
            if tenths > 0 {
                text.push_str(&format!(
                    "[[traffic]]\nname = \"{kind}-{name}-{place}\"\nkind = \"{kind}\"\nfunction = \"{name}\"\n{way}\n\
                     rate = {{ law = \"constant\", rps = {}.{} }}\n{when}",
                    tenths / 10,
                    tenths % 10
                ));
            }
        };
        traffic("legitimate", *customers, "");
        traffic("attack", *flood, "from_min = 90\nfor_min = 1300\n");
    }
    text
}

/// An account, its policy and its day.
#[derive(Clone, Debug)]
struct Case {
    scenario: String,
    seed: u64,
}

fn case() -> impl Strategy<Value = Case> {
    let limit = prop::sample::select(vec![10_u32, 60, 200, 200, 1000]);
    let history_days = prop::sample::select(vec![0, 28, 28]);
    let no_room = prop::sample::select(vec!["alert", "stop"]);
    let actions = prop::sample::select(vec![1, 3, 20]);
    (limit, history_days, no_room, actions, vec(drawn(), 1..=10), vec(budget(), 1..3), any::<u64>()).prop_map(
        |(limit, history_days, no_room, actions, functions, budgets, seed)| {
            let kept = limit.min(if limit < 100 { 10 } else { 100 });
            let mut room = limit - kept;
            let functions: String =
                functions.iter().enumerate().map(|(number, drawn)| function(number, drawn, &mut room)).collect();
            let budgets: String = (budgets.iter().enumerate())
                .map(|(number, budget)| budget.replace("NUMBER", &number.to_string()))
                .collect();
            let scenario = format!(
                "schema = 1\ntitle = \"A drawn day\"\nstart = \"2026-11-04T00:00:00Z\"\nminutes = 1400\n\
                 recovery_minutes = 0\nhistory_days = {history_days}\n\
                 [account]\nconcurrency = {limit}\nunreserved_minimum = {kept}\n{functions}\
                 [policy]\narmed = true\n\
                 [policy.limits]\nno_room = \"{no_room}\"\nactions_per_tick = {actions}\nkeep_unreserved = {}\n{budgets}",
                kept.min(100)
            );
            Case { scenario, seed: seed % 1000 }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, max_shrink_iters: 40, ..ProptestConfig::default() })]

    #[test]
    fn no_flood_of_a_day_passes_a_line_by_more_than_is_published(case in case()) {
        let loaded = Source::of_text("drawn", &case.scenario).ready(&[]).unwrap();
        let request = loaded.request(case.seed);
        let run = run(&request.terms(true, Cast::Everyone, Some(1400)), PriceTable::embedded(), |_| ());
        for budget in &loaded.scenario.policy.budget {
            if budget.mode < Mode::Cap {
                continue;
            }
            let bound = published::bound(&request, &budget.name, &run.known).unwrap();
            let of_it = run.periods.iter().filter(|period| period.budget.as_str() == budget.name);
            let past = of_it.map(|period| period.spent - period.amount).max().unwrap_or(Usd::ZERO);
            prop_assert!(past <= bound, "{}: {past} past its line, {bound} published\n{}", budget.name, case.scenario);
        }
    }
}
