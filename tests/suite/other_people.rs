//! The account's pool, other people's events, and functions that must not be touched.

use guard_core::inventory::{AccountLimits, AsyncConfig, EventSource, EventSourceMapping, Function};
use guard_core::plan::{Change, NoticeKind, Reason};
use suite::{Load, World};

use crate::{policy, ten_dollars_a_day};

const FLOOD: Load = Load { rps: 2000, duration_ms: 500, failing_per_mille: 0 };

#[test]
fn an_account_of_ten_refuses_a_positive_cap_and_the_alert_says_which_fallback() {
    let small = AccountLimits { concurrency: 10, unreserved_minimum: 10 };
    // Ten units of 10 GB, busy: a dollar every ten minutes.
    let mut function = Function::new("shop", 10_240, 10);
    function.timeout_s = 60;
    let load = Load::of(10, 1000);
    let mut world = World::with_account(ten_dollars_a_day(), small, vec![function.clone()]);
    world.live(180, &[("shop", load)]);
    assert_eq!(world.reserved("shop"), None);
    let refused = world
        .plans
        .iter()
        .flat_map(|plan| &plan.refusals)
        .any(|refusal| matches!(refusal.reason, Reason::NoRoom { wanted: 5, room: 0 }));
    assert!(refused, "{}", world.headlines().join("\n"));
    let told = world.headlines().into_iter().find(|line| line.contains("no room in the account's pool"));
    assert!(told.is_some_and(|line| line.contains("NOT capped")));

    let mut may_stop = ten_dollars_a_day();
    may_stop.limits.no_room = guard_core::policy::NoRoom::Stop;
    let mut world = World::with_account(may_stop, small, vec![function]);
    world.live(180, &[("shop", load)]);
    assert_eq!(world.reserved("shop"), Some(0), "zero is always accepted");
}

#[test]
fn a_cap_never_takes_what_others_need_from_the_pool() {
    let mut hoarder = Function::new("hoarder", 128, 3);
    hoarder.reserved = Some(898);
    let mut world = World::new(ten_dollars_a_day(), vec![hoarder, Function::new("shop", 1024, 10)]);
    world.live(60, &[("shop", FLOOD)]);
    // 1,000 − 100 unreserved − 898 leave two; the floor of five does not fit.
    assert_eq!(world.reserved("shop"), None);
    assert!(
        world
            .plans
            .iter()
            .flat_map(|plan| &plan.refusals)
            .any(|refusal| { matches!(refusal.reason, Reason::NoRoom { wanted: 5, room: 2 }) })
    );
}

fn uploads(on_failure: bool) -> Function {
    let mut function = Function::new("thumbnails", 2048, 60);
    function.synchronous = false;
    function.asynchronous = Some(AsyncConfig { on_failure, ..AsyncConfig::default() });
    function
}

#[test]
fn poison_events_lose_their_retries_before_any_event_is_refused() {
    let mut world =
        World::new(ten_dollars_a_day(), vec![uploads(true)]).with_history("thumbnails", Load::of(2, 1000));
    world.live(60, &[("thumbnails", Load::of(200, 4000).failing(900))]);
    let first = world.actions().next().map(|(_, action)| (action.change.clone(), action.reason.clone()));
    let Some((Change::AsyncConfig { to, .. }, Reason::CutRetries { attempts_per_mille })) = first else {
        panic!("{first:?}\n{}", world.headlines().join("\n"));
    };
    assert_eq!(to.max_retries, 0);
    assert!(attempts_per_mille > 2000, "{attempts_per_mille}");
}

#[test]
fn without_a_dead_letter_queue_retries_are_kept_and_the_alert_says_that_events_would_be_lost() {
    let load = [("thumbnails", Load::of(200, 4000).failing(900))];
    let mut world =
        World::new(ten_dollars_a_day(), vec![uploads(false)]).with_history("thumbnails", Load::of(2, 1000));
    world.live(60, &load);
    let config = world.roster.inventory.function(&"thumbnails".into()).unwrap().asynchronous.unwrap();
    assert_eq!(config.max_retries, 2);
    let told = world
        .plans
        .iter()
        .flat_map(|plan| &plan.notices)
        .any(|notice| notice.body.iter().any(|line| line.contains("events would be lost")));
    assert!(told, "{:#?}", world.headlines());

    let mut lossy = ten_dollars_a_day();
    lossy.budget[0].allow_event_loss = true;
    let mut world = World::new(lossy, vec![uploads(false)]).with_history("thumbnails", Load::of(2, 1000));
    world.live(60, &load);
    let config = world.roster.inventory.function(&"thumbnails".into()).unwrap().asynchronous.unwrap();
    assert_eq!(config.max_retries, 0);
}

#[test]
fn a_queue_is_slowed_at_its_mapping_and_never_by_reserved_concurrency() {
    let mut worker = Function::new("worker", 1024, 30);
    worker.synchronous = false;
    worker.mappings = vec![EventSourceMapping {
        id: "m-1".into(),
        enabled: true,
        batch_size: 1,
        source: EventSource::Sqs {
            max_concurrency: None,
            provisioned_pollers: false,
            max_receive_count: None,
            retention_s: 345_600,
        },
    }];
    let mut world = World::new(ten_dollars_a_day(), vec![worker]).with_history("worker", Load::of(2, 500));
    world.live(60, &[("worker", FLOOD)]);
    assert_eq!(world.reserved("worker"), None);
    let changes: Vec<_> = world.actions().map(|(_, action)| action.change.clone()).collect();
    let wanted = Change::MappingConcurrency { mapping: "m-1".into(), from: None, to: Some(5) };
    assert_eq!(changes, [wanted]);
    let warned = world.plans.iter().flat_map(|plan| &plan.notices).any(|notice| {
        notice.kind == NoticeKind::Capped
            && notice.body.iter().any(|line| line.contains("Mapping m-1: no dead-letter queue is known"))
    });
    assert!(warned);
}

#[test]
fn among_120_functions_neither_the_guard_nor_a_protected_one_is_ever_touched() {
    let mut functions: Vec<Function> =
        (0..116).map(|n| Function::new(format!("api-{n:03}").as_str(), 1024, 10)).collect();
    functions.push(Function::new("dow-guard", 1024, 10));
    functions.push(Function::new("login", 1024, 10));
    let mut by_arn = Function::new("payments", 1024, 10);
    by_arn.arn = Some("arn:aws:lambda:us-east-1:123456789012:function:payments".to_owned());
    functions.push(by_arn);
    let mut by_tag = Function::new("checkout", 1024, 10);
    by_tag.tags.insert("tier".to_owned(), "gold".to_owned());
    functions.push(by_tag);
    let text = policy(
        r#"
        armed = true
        protected = ["logi?", "arn:aws:lambda:us-east-1:123456789012:function:payments", "tag:tier=gold"]
        [[budget]]
        name = "day"
        period = "day"
        usd = 10
        mode = "stop"
        "#,
    );
    let mut world = World::new(text, functions);
    let names: Vec<String> =
        world.roster.inventory.functions.iter().map(|function| function.name.to_string()).collect();
    let loads: Vec<(&str, Load)> = names.iter().map(|name| (name.as_str(), Load::of(100, 500))).collect();
    world.live(40, &loads);
    let mut touched: Vec<&str> = world.actions().map(|(_, action)| action.function.as_str()).collect();
    touched.sort_unstable();
    touched.dedup();
    assert!(touched.len() > 100, "most of the rest is stopped: {}", touched.len());
    for spared in ["dow-guard", "login", "payments", "checkout"] {
        assert!(!touched.contains(&spared), "{spared} was touched");
        assert_eq!(world.reserved(spared), None);
    }
    let reasons = world
        .plans
        .iter()
        .flat_map(|plan| &plan.refusals)
        .filter(|refusal| refusal.reason == Reason::Protected);
    assert!(reasons.count() > 0, "and the record says why");
}
