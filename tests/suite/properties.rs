//! Promises that hold in every account, under every policy, load and answer of the control plane.

use guard_core::inventory::{AccountLimits, AsyncConfig, EventSource, EventSourceMapping, Function};
use guard_core::money::UsdRange;
use guard_core::name::FunctionName;
use guard_core::plan::{Action, Change, Plan, Reason, Setting};
use guard_core::settle::ApplyResult;
use proptest::collection::vec;
use proptest::prelude::*;
use suite::{Load, World};

use crate::policy;

/// What invokes a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    Web,
    Async,
    AsyncSafe,
    Queue,
    PolledQueue,
    Stream,
    Mixed,
}

/// One function of an account, as drawn.
#[derive(Clone, Debug)]
struct Spec {
    source: Source,
    memory_mb: u32,
    reserved: Option<u32>,
    provisioned: u32,
    dead_letter: bool,
    tag: Option<(&'static str, &'static str)>,
    /// Requests per second of half a second, in every hour of four weeks.
    history: Option<u64>,
}

/// An account, its policy and what is offered to it.
#[derive(Clone, Debug)]
struct Case {
    limit: u32,
    policy: String,
    specs: Vec<Spec>,
    /// Minutes, and for each function how hard it is called.
    segments: Vec<(u32, Vec<u8>)>,
    /// What the control plane answers, over and over.
    answers: Vec<u8>,
}

/// The guard itself, a protected function, one that only ever does what it always did, and others.
const NAMES: [&str; 8] = ["dow-guard", "login", "steady", "alpha", "beta", "gamma", "delta", "omega"];
const UNTOUCHABLE: [&str; 3] = ["dow-guard", "login", "steady"];

fn spec() -> impl Strategy<Value = Spec> {
    let source = prop::sample::select(vec![
        Source::Web,
        Source::Web,
        Source::Async,
        Source::AsyncSafe,
        Source::Queue,
        Source::PolledQueue,
        Source::Stream,
        Source::Mixed,
    ]);
    let reserved = prop_oneof![3 => Just(None), 1 => Just(Some(0)), 2 => (1..300_u32).prop_map(Some)];
    let tag = prop::sample::select(vec![
        None,
        None,
        None,
        Some(("dow-guard:floor", "12")),
        Some(("dow-guard:mode", "alert")),
        Some(("dow-guard:mode", "cap")),
        Some(("dow-guard:monthly-usd", "3")),
        Some(("dow-guard:protect", "true")),
    ]);
    let history = prop::sample::select(vec![None, Some(0), Some(2), Some(40)]);
    let memory_mb = prop::sample::select(vec![128, 1024, 10_240]);
    let provisioned = prop::sample::select(vec![0, 0, 0, 8]);
    (source, memory_mb, reserved, provisioned, any::<bool>(), tag, history).prop_map(
        |(source, memory_mb, reserved, provisioned, dead_letter, tag, history)| Spec {
            source,
            memory_mb,
            reserved,
            provisioned,
            dead_letter,
            tag,
            history,
        },
    )
}

/// A budget; `gentle` ones cap at the floor and have neither envelope nor guarantee.
fn budget(gentle: bool) -> impl Strategy<Value = String> {
    let mode =
        if gentle { vec!["alert", "cap", "cap"] } else { vec!["observe", "alert", "cap", "cap", "stop"] };
    let flag = move || if gentle { Just(false).boxed() } else { any::<bool>().boxed() };
    (
        prop::sample::select(vec!["hour", "day", "month"]),
        prop::sample::select(vec!["0.5", "3", "20", "200"]),
        prop::sample::select(mode),
        prop::sample::select(vec!["*", "*", "?????"]),
        (flag(), flag(), flag()),
        (any::<bool>(), any::<bool>(), any::<bool>()),
    )
        .prop_map(|(period, usd, mode, scope, (stop, envelope, guarantee), (early, loss, hold))| {
            let below_floor = if stop || guarantee { "stop" } else { "keep_floor" };
            // What nobody chose, or the line only.
            let slack = if early { "" } else { "slack = \"period\"\n" };
            let at_rollover = if hold { "hold" } else { "release" };
            format!(
                "[[budget]]\nname = \"{period}-NUMBER\"\nperiod = \"{period}\"\nusd = {usd}\nmode = \"{mode}\"\n\
                 scope.functions = \"{scope}\"\nbelow_floor = \"{below_floor}\"\nenvelope = {}\n\
                 guarantee = {}\n{slack}allow_event_loss = {loss}\n\
                 at_rollover = \"{at_rollover}\"\n",
                envelope && mode != "observe" && mode != "alert",
                guarantee && mode != "observe" && mode != "alert",
            )
        })
}

fn case(gentle: bool) -> impl Strategy<Value = Case> {
    let budgets = vec(budget(gentle), 1..3);
    let no_room = prop::sample::select(if gentle { vec!["alert"] } else { vec!["alert", "stop"] });
    let limit = prop::sample::select(vec![10, 60, 200, 1000]);
    let segments = vec((3..25_u32, vec(0..5_u8, NAMES.len())), 3..7);
    (limit, budgets, no_room, vec(spec(), 1..=NAMES.len()), segments, vec(0..3_u8, 1..6)).prop_map(
        |(limit, budgets, no_room, specs, segments, answers)| {
            let mut text = format!(
                "armed = true\nprotected = [\"log*\"]\n[release]\ncooldown_min = 5\ncalm_min = 5\n\
                 [limits]\nno_room = \"{no_room}\"\nkeep_unreserved = {}\n",
                if limit < 100 { 0 } else { 100 }
            );
            for (number, budget) in budgets.iter().enumerate() {
                text.push_str(&budget.replace("NUMBER", &number.to_string()));
            }
            Case { limit, policy: text, specs, segments, answers }
        },
    )
}

fn mapping(id: &str, spec: &Spec) -> EventSourceMapping {
    let source = match spec.source {
        Source::Stream => EventSource::Stream {
            shards: 4,
            parallelization: 1,
            max_retries: None,
            bisect: false,
            retention_s: 86_400,
            on_failure: spec.dead_letter,
        },
        _ => EventSource::Sqs {
            max_concurrency: spec.reserved.filter(|reserved| *reserved >= 2),
            provisioned_pollers: spec.source == Source::PolledQueue,
            max_receive_count: spec.dead_letter.then_some(3),
            retention_s: 345_600,
        },
    };
    EventSourceMapping { id: id.into(), enabled: true, batch_size: 1, source }
}

fn function(name: &str, spec: &Spec, room: &mut u32) -> Function {
    let mut function = Function::new(name, spec.memory_mb, 10);
    function.synchronous = matches!(spec.source, Source::Web | Source::Mixed);
    if matches!(spec.source, Source::Async | Source::AsyncSafe | Source::Mixed) {
        let on_failure = spec.source == Source::AsyncSafe || spec.dead_letter;
        function.asynchronous = Some(AsyncConfig { on_failure, ..AsyncConfig::default() });
    }
    if !matches!(spec.source, Source::Web | Source::Async | Source::AsyncSafe) {
        function.mappings = vec![mapping(&format!("{name}-events"), spec)];
        if let EventSource::Sqs { max_concurrency, provisioned_pollers: true, .. } =
            &mut function.mappings[0].source
        {
            *max_concurrency = None;
        }
    }
    function.reserved = spec.reserved.filter(|reserved| reserved <= room);
    *room -= function.reserved.unwrap_or(0);
    function.provisioned = function.reserved.map_or(spec.provisioned, |most| spec.provisioned.min(most));
    function.tags.extend(spec.tag.map(|(key, value)| (key.to_owned(), value.to_owned())));
    function
}

impl Case {
    fn world(&self) -> World {
        let account = AccountLimits { concurrency: self.limit, unreserved_minimum: self.limit.min(100) };
        let mut room = self.limit - account.unreserved_minimum;
        let named = NAMES.iter().zip(&self.specs);
        let functions = named.map(|(name, spec)| function(name, spec, &mut room)).collect();
        let mut world = World::with_account(policy(&self.policy), account, functions);
        for (name, spec) in NAMES.iter().zip(&self.specs) {
            if let Some(load) = self.history(name, spec) {
                world = world.with_history(name, load);
            }
        }
        world
    }

    fn history(&self, name: &str, spec: &Spec) -> Option<Load> {
        let usual = if name == "steady" { Some(2) } else { spec.history };
        usual.map(|rps| Load::of(rps, 500))
    }

    fn loads(&self, levels: &[u8]) -> Vec<(&'static str, Load)> {
        let named = NAMES.iter().zip(&self.specs).zip(levels);
        named
            .map(|((name, _), level)| {
                let load = match level {
                    _ if *name == "steady" => Load::of(2, 500),
                    0 => Load::default(),
                    1 => Load::of(2, 500),
                    2 => Load::of(40, 500),
                    3 => Load::of(2000, 500),
                    _ => Load::of(400, 1500).failing(900),
                };
                (*name, load)
            })
            .collect()
    }

    /// Lives through the case; `seen` is called after every minute.
    fn live(&self, world: &mut World, mut seen: impl FnMut(&mut World)) {
        let mut answers = self.answers.iter().cycle();
        for (minutes, levels) in &self.segments {
            let loads = self.loads(levels);
            for _ in 0..*minutes {
                world.actuator = match answers.next() {
                    Some(1) => |_| ApplyResult::Rejected { message: "no".to_owned() },
                    Some(2) => |_| ApplyResult::Unavailable { message: "nobody knows".to_owned() },
                    _ => |_| ApplyResult::Applied,
                };
                world.live(1, &loads);
                seen(world);
            }
        }
    }

    /// The floor by hand: tag, else half as much again as what history needed, at least five.
    fn floor(&self, name: &FunctionName) -> u32 {
        let place = NAMES.iter().position(|known| *known == name.as_str()).unwrap();
        let spec = &self.specs[place];
        if spec.tag == Some(("dow-guard:floor", "12")) {
            return 12;
        }
        let used = self.history(NAMES[place], spec).map_or(0, |load| load.rps * load.duration_ms / 1000);
        u32::try_from((used * 3).div_ceil(2)).unwrap().max(5)
    }
}

fn in_order(range: &UsdRange) -> bool {
    range.low <= range.expected && range.expected <= range.high
}

fn tightens(change: &Change) -> bool {
    match (change.from(), change.to()) {
        (Setting::Concurrency(from), Setting::Concurrency(to)) => {
            to.unwrap_or(u32::MAX) < from.unwrap_or(u32::MAX)
        }
        (Setting::Enabled(from), Setting::Enabled(to)) => from && !to,
        (Setting::Async(from), Setting::Async(to)) => {
            to.max_retries < from.max_retries || to.max_event_age_s < from.max_event_age_s
        }
        _ => panic!("a lever of two kinds: {change:?}"),
    }
}

fn check_records(plan: &Plan) {
    for record in &plan.budgets {
        let ranges = [
            record.spent,
            record.unattributed,
            record.repeated,
            record.unseen,
            record.committed,
            record.deferred,
            record.projected_if_sustained,
            record.projected_if_it_stops,
        ];
        assert!(ranges.iter().all(in_order), "{record:#?}");
        assert!(record.projected_if_it_stops.expected >= record.spent.expected, "{record:#?}");
        assert!(
            record.projected_if_sustained.expected >= record.projected_if_it_stops.expected,
            "{record:#?}"
        );
    }
}

fn check_actions(case: &Case, originals: &World, plan: &Plan) {
    for refusal in &plan.refusals {
        assert!(!matches!(refusal.reason, Reason::Unsafe { .. }), "{refusal:?}\n{:#?}", plan.actions);
    }
    for action in plan.actions.iter().filter(|action| tightens(&action.change)) {
        let name = &action.function;
        let standing = matches!(
            action.reason,
            Reason::Barrier { .. }
                | Reason::Envelope { .. }
                | Reason::HardLine
                | Reason::Resumed
                | Reason::Untripped { .. }
        );
        let free = standing && name.as_str() == "steady";
        assert!(free || !UNTOUCHABLE.contains(&name.as_str()), "{action:?}");
        let text = &case.policy;
        let may_go_below = text.contains("\"stop\"");
        let before = originals.roster.inventory.function(name).unwrap();
        let lowest = case.floor(name).min(before.reserved.unwrap_or(u32::MAX));
        match action.change.to() {
            Setting::Concurrency(Some(to)) => {
                assert!(may_go_below || to >= lowest, "{action:?} below {lowest}\n{text}");
                let is_mapping = matches!(action.change, Change::MappingConcurrency { .. });
                assert!(is_mapping || to >= before.provisioned || to == 0, "{action:?}");
            }
            Setting::Enabled(false) => assert!(may_go_below, "{action:?}\n{text}"),
            _ => {}
        }
    }
}

// Each property has some ten seconds of one core. `PROPTEST_CASES` replaces the 256 that the shares are of.
pub(crate) fn share(of_cases: fn(u32) -> u32) -> ProptestConfig {
    ProptestConfig::with_cases(of_cases(ProptestConfig::default().cases))
}

proptest! {
    #![proptest_config(share(|cases| cases * 2))]

    #[test]
    fn no_plan_is_ever_objected_to_goes_below_the_floor_unasked_or_takes_room_that_is_not_there(case in case(false)) {
        let originals = case.world();
        let before = originals.roster.inventory.reserved_total();
        let mut world = case.world();
        let account = world.roster.inventory.account;
        case.live(&mut world, |world| {
            let plan = world.plans.last().unwrap();
            check_actions(&case, &originals, plan);
            check_records(plan);
            let reserved = world.roster.inventory.reserved_total();
            assert!(reserved <= before.max(account.concurrency - account.unreserved_minimum), "{reserved}");
        });
    }
}

proptest! {
    #![proptest_config(share(|cases| cases))]

    #[test]
    fn a_second_look_in_the_same_minute_finds_nothing_to_do_or_say(case in case(false)) {
        // The barrier's memory of earlier ceilings is trimmed after a plan is made: it alone may move at once.
        let policy = case.policy.replace("guarantee = true", "guarantee = false");
        let case = Case { answers: vec![0], policy, ..case };
        let mut world = case.world();
        case.live(&mut world, |world| {
            let first = world.plans.last().unwrap().clone();
            world.tick();
            let second = world.plans.pop().unwrap();
            if !first.refusals.iter().any(|refusal| refusal.reason == Reason::TickFull) {
                // Who had no room gets it where the plan has freed some.
                let had_no_room = |action: &&Action| {
                    let before = first.functions.iter().find(|record| record.function == action.function);
                    before.is_some_and(|record| matches!(record.reason, Reason::NoRoom { .. }))
                };
                let done: Vec<_> = second.actions.iter().filter(|action| !had_no_room(action)).collect();
                assert!(done.is_empty(), "{done:#?}\nafter {:#?}", first.actions);
                let is_plain = second.actions.is_empty();
                assert!(!is_plain || second.notices.is_empty(), "{:#?}\nafter {:#?}", second.notices, first.notices);
            }
        });
    }
}

proptest! {
    #![proptest_config(share(|cases| cases / 2))]

    #[test]
    fn when_calm_has_lasted_every_lever_is_what_it_was(case in case(true)) {
        let originals = case.world();
        let mut world = case.world();
        case.live(&mut world, |_| {});
        world.actuator = |_| ApplyResult::Applied;
        let levels = [0; NAMES.len()];
        world.live(6 * 60, &case.loads(&levels));
        let found = &world.roster.inventory.functions;
        prop_assert_eq!(found, &originals.roster.inventory.functions, "{:#?}", world.headlines());
    }
}

proptest! {
    #![proptest_config(share(|cases| cases / 10))]

    #[test]
    fn the_same_inputs_and_a_memory_that_went_through_a_file_make_the_same_plans(case in case(false)) {
        let mut world = case.world();
        case.live(&mut world, |_| {});
        let mut again = case.world();
        case.live(&mut again, |world| {
            let text = serde_json::to_string(&world.state).unwrap();
            world.state = serde_json::from_str(&text).unwrap();
        });
        for (plan, other) in world.plans.iter().zip(&again.plans) {
            prop_assert_eq!(serde_json::to_string(plan).unwrap(), serde_json::to_string(other).unwrap());
        }
        prop_assert_eq!(world.state, again.state);
    }
}
