//! Surveys: what is asked, in which order, at which pace, and what is made of the answers.

use std::time::Duration;

use guard_core::inventory::AsyncConfig;
use guard_core::name::FunctionName;
use serde_json::json;
use tokio::time::Instant;

use super::plane::{Alias, Plane, Sent, policy_for, refusal};
use super::{minute, names, nothing_known};
use crate::deadline::{Deadline, Stage};
use crate::ports::ConcurrencyControl;
use crate::survey::Survey;

/// Requests in so many words: `GET /2015-03-31/functions` becomes `ListFunctions`.
fn calls(sent: &[Sent]) -> Vec<String> {
    let name = |sent: &Sent| {
        let parts: Vec<&str> = sent.path.split('/').skip(2).collect();
        match parts.as_slice() {
            ["account-settings"] => "account".to_owned(),
            ["functions"] => "functions".to_owned(),
            ["event-source-mappings"] => sent
                .query
                .get("FunctionName")
                .map_or("mappings".to_owned(), |name| format!("mappings of {name}")),
            ["functions", name] => format!("get {name}"),
            ["functions", name, what] => format!("{what} {name}"),
            ["functions", name, what, "list"] => format!("{what}s {name}"),
            other => panic!("{other:?}"),
        }
    };
    sent.iter().map(name).collect()
}

async fn survey(plane: &Plane, survey: &mut Survey, urgent: &[&str], at: i64, budget: u32) -> Vec<String> {
    let problems = plane.control().survey(survey, &names(urgent), minute(at), budget, Stage::open()).await;
    problems.iter().map(ToString::to_string).collect()
}

async fn complete(plane: &Plane) -> Survey {
    let mut known = nothing_known();
    assert_eq!(survey(plane, &mut known, &[], 0, 1000).await, Vec::<String>::new());
    plane.take();
    known
}

#[tokio::test(start_paused = true)]
async fn a_hundred_and_twenty_functions_come_on_three_pages() {
    let plane = Plane::of(120);
    plane.world().map_queue("m1", "f007");
    let mut known = nothing_known();
    survey(&plane, &mut known, &[], 0, 5).await;
    let sent = plane.take();
    assert_eq!(calls(&sent), ["account", "mappings", "functions", "functions", "functions"]);
    assert_eq!(sent[2].query.get("MaxItems").map(String::as_str), Some("50"));
    assert_eq!(sent[4].query.get("Marker").map(String::as_str), Some("100"));
    assert_eq!(known.inventory.functions.len(), 120);
    assert!(known.is_complete() && known.account_at.is_some());
    let mapped = known.inventory.function(&FunctionName::from("f007")).unwrap();
    assert_eq!(mapped.mappings.len(), 1, "mappings that came before their function");
    assert_eq!((mapped.memory_mb, mapped.timeout_s, mapped.ephemeral_mb), (512, 30, 1024));
}

#[tokio::test(start_paused = true)]
async fn a_list_over_several_ticks_replaces_nothing_until_its_last_page_and_survives_a_cold_start() {
    let plane = Plane::of(220);
    let mut known = nothing_known();
    for at in 0..2 {
        survey(&plane, &mut known, &[], at, 3).await;
        assert!(!known.is_complete() && known.inventory.functions.is_empty());
        let stored = serde_json::to_string(&known).unwrap();
        known = serde_json::from_str(&stored).unwrap();
    }
    survey(&plane, &mut known, &[], 2, 3).await;
    assert_eq!(known.inventory.functions.len(), 220);
    assert_eq!(known.listed_at, Some(minute(2)));
    let pages = calls(&plane.take()).iter().filter(|call| *call == "functions").count();
    assert_eq!(pages, 5, "no page is read twice");
}

#[tokio::test(start_paused = true)]
async fn a_budget_is_never_exceeded_and_an_idle_survey_is_small() {
    let plane = Plane::of(300);
    let mut known = complete(&plane).await;
    for at in 1..250 {
        survey(&plane, &mut known, &[], at, 5).await;
        assert!(plane.take().len() <= 5, "minute {at}");
    }
    assert!(known.read_at.values().all(|read_at| *read_at > minute(0)), "everybody had a turn");
    assert_eq!(known.read_at.len(), 300);
}

#[tokio::test(start_paused = true)]
async fn the_oldest_is_read_first_and_never_read_before_all() {
    let plane = Plane::of(4);
    let mut known = complete(&plane).await;
    for (name, at) in [("f000", -10), ("f001", -30), ("f002", -20)] {
        known.read_at.insert(FunctionName::from(name), minute(at));
    }
    known.read_at.remove("f003");
    survey(&plane, &mut known, &[], 1, 7).await;
    let read: Vec<String> = calls(&plane.take()).into_iter().filter(|call| call.starts_with("get")).collect();
    assert_eq!(read, ["get f003", "get f001", "get f002"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_urgent_is_read_in_full_first_and_beside_the_budget() {
    let plane = Plane::of(3);
    let mut known = complete(&plane).await;
    {
        let mut world = plane.world();
        world.map_queue("m1", "f001");
        world.reserved.insert("f002".to_owned(), 0);
        world.provisioned.insert("f002".to_owned(), 4);
        world.tags.insert("f002".to_owned(), json!({"dow-guard:mode": "cap"}));
        world.asynchronous.insert(
            "f002".to_owned(),
            json!({"MaximumRetryAttempts": 1,
            "DestinationConfig": {"OnFailure": {"Destination": "arn:aws:sqs:r:a:q"}}}),
        );
    }
    survey(&plane, &mut known, &["f001", "f002"], 61, 0).await;
    let often = [
        "get f001",
        "event-invoke-config f001",
        "policy f001",
        "aliases f001",
        "provisioned-concurrency f001",
    ];
    let after = [
        "get f002",
        "event-invoke-config f002",
        "policy f002",
        "aliases f002",
        "provisioned-concurrency f002",
    ];
    assert_eq!(calls(&plane.take()), [often, after].concat());
    let function = known.inventory.function(&FunctionName::from("f002")).unwrap();
    assert_eq!((function.reserved, function.provisioned), (Some(0), 4));
    assert_eq!(function.tags.get("dow-guard:mode").map(String::as_str), Some("cap"));
    let config = AsyncConfig { max_retries: 1, max_event_age_s: 21_600, on_failure: true };
    assert_eq!(function.asynchronous, Some(config));
    survey(&plane, &mut known, &["f002"], 62, 0).await;
    assert_eq!(calls(&plane.take()), ["get f002", "event-invoke-config f002"], "policies change rarely");
}

/// A flood over hundreds of functions at once must not make a tick last minutes.
#[tokio::test(start_paused = true)]
async fn of_hundreds_that_are_urgent_the_first_are_read_now_and_the_rest_later() {
    let plane = Plane::of(500);
    let mut known = complete(&plane).await;
    let urgent: Vec<String> = (0..500).rev().map(|index| format!("f{index:03}")).collect();
    let urgent: Vec<&str> = urgent.iter().map(String::as_str).collect();
    survey(&plane, &mut known, &urgent, 61, 0).await;
    let asked = calls(&plane.take());
    assert!((140..=150).contains(&asked.len()), "{}", asked.len());
    let settings: Vec<&String> = asked.iter().filter(|call| call.starts_with("get ")).collect();
    assert_eq!(
        (settings[0].as_str(), settings[1].as_str()),
        ("get f499", "get f498"),
        "in the order asked for"
    );
}

#[tokio::test(start_paused = true)]
async fn a_function_that_no_list_has_yet_is_read_when_it_is_urgent() {
    let plane = Plane::of(2);
    let mut known = complete(&plane).await;
    plane.world().create("e999");
    plane.world().map_queue("m1", "e999");
    let problems = survey(&plane, &mut known, &["e999", "nobody"], 1, 0).await;
    assert_eq!(problems, Vec::<String>::new());
    let order: Vec<&str> = known.inventory.functions.iter().map(|function| function.name.as_str()).collect();
    assert_eq!(order, ["e999", "f000", "f001"]);
    let new = known.inventory.function(&FunctionName::from("e999")).unwrap();
    assert_eq!((new.mappings.len(), new.synchronous, new.asynchronous), (1, false, None));
}

#[tokio::test(start_paused = true)]
async fn a_new_number_of_functions_asks_for_a_new_list_at_once() {
    let plane = Plane::of(2);
    let mut known = complete(&plane).await;
    survey(&plane, &mut known, &[], 1, 5).await;
    assert!(!calls(&plane.take()).contains(&"functions".to_owned()));
    plane.world().create("f002");
    survey(&plane, &mut known, &[], 2, 5).await;
    assert_eq!(known.inventory.functions.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_function_goes_when_lambda_says_so_and_not_because_a_page_shifted() {
    let plane = Plane::of(120);
    let mut known = complete(&plane).await;
    // After the first page one of its functions is deleted: the fiftieth of the rest is on no page.
    let mut pages = 0;
    plane.meddle(move |world, sent| {
        pages += i32::from(sent.path.ends_with("/functions"));
        if pages == 2 {
            world.delete("f003");
        }
        None
    });
    let before = known.clone();
    survey(&plane, &mut known, &[], 61, 6).await;
    assert_eq!(known.inventory, before.inventory, "no page is taken over before the last");
    survey(&plane, &mut known, &[], 62, 2).await;
    assert_eq!(known.listed_at, Some(minute(62)));
    assert_eq!(known.inventory.functions.len(), 120, "nobody is dropped because a list lacks it");
    survey(&plane, &mut known, &[], 63, 6).await;
    let is_known = |name: &str| known.inventory.function(&FunctionName::from(name)).is_some();
    assert!(!is_known("f003"), "gone by name");
    assert!(is_known("f050"), "skipped by the list, and asked for by name");
    assert_eq!(known.inventory.functions.len(), 119);
    assert!(!known.read_at.contains_key("f003"));
}

#[tokio::test(start_paused = true)]
async fn a_list_with_a_repetition_is_begun_again() {
    let plane = Plane::of(120);
    let mut pages = 0;
    plane.meddle(move |world, sent| {
        pages += i32::from(sent.path.ends_with("/functions"));
        if pages == 2 {
            world.create("a-new-one");
        }
        None
    });
    let mut known = nothing_known();
    survey(&plane, &mut known, &[], 0, 8).await;
    assert_eq!(known.inventory.functions.len(), 121);
    let sent = plane.take();
    let markers: Vec<Option<&str>> = sent
        .iter()
        .filter(|sent| sent.path.ends_with("/functions"))
        .map(|sent| sent.query.get("Marker").map(String::as_str))
        .collect();
    assert_eq!(markers, [None, Some("50"), None, Some("50"), Some("100")]);
}

#[tokio::test(start_paused = true)]
async fn a_new_list_carries_over_what_it_does_not_tell() {
    let plane = Plane::of(1);
    plane.world().reserved.insert("f000".to_owned(), 9);
    plane.world().tags.insert("f000".to_owned(), json!({"team": "shop"}));
    let mut known = complete(&plane).await;
    plane.world().functions.get_mut("f000").unwrap()["MemorySize"] = json!(1024);
    survey(&plane, &mut known, &[], 61, 2).await;
    assert_eq!(calls(&plane.take()), ["account", "mappings"]);
    survey(&plane, &mut known, &[], 62, 2).await;
    let function = known.inventory.function(&FunctionName::from("f000")).unwrap();
    assert_eq!((function.memory_mb, function.reserved), (1024, Some(9)));
    assert_eq!(function.tags.get("team").map(String::as_str), Some("shop"));
}

#[tokio::test(start_paused = true)]
async fn tags_are_known_once_lambda_was_asked_for_them_and_a_refusal_is_an_answer() {
    let known_of = |known: &Survey| -> Vec<String> {
        let functions = known.inventory.functions.iter();
        functions.filter(|function| function.tags_known).map(|function| function.name.to_string()).collect()
    };
    let plane = Plane::of(5);
    let mut known = nothing_known();
    // The account, the lists, and no turn.
    survey(&plane, &mut known, &[], 0, 3).await;
    assert_eq!(known.inventory.functions.len(), 5);
    assert_eq!(known_of(&known), Vec::<String>::new());
    plane.meddle(|_, sent| match sent.path.rsplit('/').next() {
        Some("f001") => Some(refusal(429, "TooManyRequestsException")),
        _ => None,
    });
    survey(&plane, &mut known, &["f000", "f001"], 1, 0).await;
    assert_eq!(known_of(&known), ["f000"], "throttling says nothing of tags");
    plane.meddle(|_, sent| match sent.path.rsplit('/').next() {
        Some("f002") => Some(refusal(403, "AccessDeniedException")),
        _ => None,
    });
    survey(&plane, &mut known, &["f002"], 2, 0).await;
    assert_eq!(known_of(&known), ["f000", "f002"]);
    plane.world().no_tags =
        [("f000", "InternalError"), ("f003", "AccessDeniedException"), ("f004", "InternalError")]
            .map(|(name, code)| (name.to_owned(), code))
            .into();
    plane.world().tags.insert("f003".to_owned(), json!({"team": "shop"}));
    let problems = survey(&plane, &mut known, &["f000", "f003", "f004"], 3, 0).await;
    assert_eq!(problems, ["lambda:ListTags: InternalError: no tags"]);
    assert_eq!(known_of(&known), ["f000", "f002", "f003"], "only a refusal is an answer");
    // A new list takes none of it back.
    survey(&plane, &mut known, &[], 80, 4).await;
    assert_eq!(known.listed_at, Some(minute(80)));
    assert_eq!(known_of(&known), ["f000", "f002", "f003"]);
}

#[tokio::test(start_paused = true)]
async fn where_the_account_has_no_reservation_no_function_has() {
    let plane = Plane::of(2);
    plane.world().reserved.insert("f000".to_owned(), 9);
    let mut known = complete(&plane).await;
    assert_eq!(known.inventory.reserved_total(), 9);
    plane.world().reserved.clear();
    survey(&plane, &mut known, &[], 1, 1).await;
    assert_eq!(calls(&plane.take()), ["account"]);
    assert_eq!(known.inventory.reserved_total(), 0);
}

#[tokio::test(start_paused = true)]
async fn throttling_ends_a_survey_with_one_problem_and_keeps_what_was_known() {
    let plane = Plane::of(60);
    let mut known = complete(&plane).await;
    let before = known.clone();
    plane.meddle(|_, _| Some(refusal(429, "TooManyRequestsException")));
    let problems = survey(&plane, &mut known, &["f001", "f002"], 61, 50).await;
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(
        problems[0].starts_with("lambda:GetFunction: TooManyRequestsException (HTTP 429)"),
        "{problems:?}"
    );
    assert_eq!(plane.take().len(), 1);
    assert_eq!((known.inventory, known.read_at), (before.inventory, before.read_at));
}

#[tokio::test(start_paused = true)]
async fn a_dead_control_plane_is_asked_a_few_times_and_not_for_every_function() {
    let plane = Plane::of(60);
    let mut known = complete(&plane).await;
    plane.meddle(|_, _| Some(refusal(500, "ServiceException")));
    let urgent: Vec<String> = (0..40).map(|index| format!("f{index:03}")).collect();
    let urgent: Vec<&str> = urgent.iter().map(String::as_str).collect();
    let problems = survey(&plane, &mut known, &urgent, 61, 50).await;
    // Six functions are read at the same time, and each call is tried twice.
    assert_eq!((problems.len(), plane.take().len()), (1, 12));
    assert_eq!(known.inventory.functions.len(), 60);
}

#[tokio::test(start_paused = true)]
async fn a_missing_permission_is_one_problem_and_stops_nothing_else() {
    let plane = Plane::of(30);
    plane.meddle(|_, sent| sent.path.ends_with("/policy").then(|| refusal(403, "AccessDeniedException")));
    let mut known = nothing_known();
    let problems = survey(&plane, &mut known, &[], 0, 1000).await;
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].starts_with("lambda:GetPolicy: AccessDeniedException"), "{problems:?}");
    let asked = plane.take().iter().filter(|sent| sent.path.ends_with("/policy")).count();
    // Three refusals are enough; those under way then had asked already.
    assert!((3..=6).contains(&asked) && known.read_at.len() == 30, "{asked}, {}", known.read_at.len());
    let function = known.inventory.function(&FunctionName::from("f000")).unwrap();
    assert!(function.synchronous && function.asynchronous.is_some(), "unknown counts as both");
}

#[tokio::test(start_paused = true)]
async fn a_transient_error_is_tried_again_and_no_problem() {
    let plane = Plane::of(1);
    let mut errors = 1;
    plane.meddle(move |_, _| {
        errors -= 1;
        (errors >= 0).then(|| refusal(503, "ServiceUnavailable"))
    });
    let mut known = nothing_known();
    assert_eq!(survey(&plane, &mut known, &[], 0, 20).await, Vec::<String>::new());
    assert!(known.is_complete());
}

#[tokio::test(start_paused = true)]
async fn requests_never_come_faster_than_the_pace() {
    let plane = Plane::of(120);
    let mut known = nothing_known();
    survey(&plane, &mut known, &[], 0, 200).await;
    let sent = plane.take();
    assert_eq!(sent.len(), 200, "a turn takes two calls or three");
    assert!(sent.windows(16).all(|window| window[15].at - window[0].at >= Duration::from_secs(1)));
}

#[expect(clippy::disallowed_methods, reason = "a test measures durations")]
fn now() -> Instant {
    Instant::now()
}

/// Whatever an answer takes: a stage of twenty seconds reads what it holds, and says what it left.
#[tokio::test(start_paused = true)]
async fn slow_answers_cost_turns_only_when_they_take_longer_than_the_pace() {
    let read_in = async |milliseconds: u64| {
        let plane = Plane::of(400);
        let mut known = complete(&plane).await;
        let urgent: Vec<FunctionName> =
            (0..400).map(|number| FunctionName::new(format!("f{number:03}"))).collect();
        plane.world().latency = Duration::from_millis(milliseconds);
        let time = Deadline::within(Duration::from_secs(60)).stage(33, 50);
        let start = now();
        let problems = plane.control().survey(&mut known, &urgent, minute(1), 5, time).await;
        assert!(start.elapsed() <= Duration::from_secs(30), "{milliseconds} ms: {:?}", start.elapsed());
        let read = known.read_at.values().filter(|read_at| **read_at == minute(1)).count();
        (read, problems.iter().map(ToString::to_string).collect::<Vec<_>>())
    };
    // 150 calls, two of each function, at ten a second: the calls are spent before the time.
    for milliseconds in [50, 500] {
        let (read, problems) = read_in(milliseconds).await;
        assert!((73..=75).contains(&read) && problems.is_empty(), "{milliseconds} ms: {read}, {problems:?}");
    }
    let (read, problems) = read_in(4000).await;
    assert!((12..30).contains(&read), "{read}");
    assert_eq!(
        problems,
        [format!("reading left to the next tick: {} of 400 functions that matter now", 400 - read)]
    );
    let (read, problems) = read_in(40_000).await;
    assert_eq!(read, 0);
    assert!(problems[0].contains("no answer before the time for it was up"), "{problems:?}");
}

/// Whether `f000` has callers that wait, and callers that leave events.
fn of(known: &Survey) -> (bool, bool) {
    let function = known.inventory.function(&FunctionName::from("f000")).unwrap();
    (function.synchronous, function.asynchronous.is_some())
}

#[tokio::test(start_paused = true)]
async fn an_alias_admits_callers_of_its_own_and_has_settings_of_its_own() {
    let of_aliases = async |aliases: Vec<Alias>| {
        let plane = Plane::of(1);
        plane.world().map_queue("m1", "f000");
        plane.world().policies.insert("f000".to_owned(), policy_for("elasticloadbalancing"));
        plane.world().asynchronous.insert("f000".to_owned(), json!({}));
        plane.world().aliases.insert("f000".to_owned(), aliases);
        let mut known = nothing_known();
        assert_eq!(survey(&plane, &mut known, &[], 0, 1000).await, Vec::<String>::new());
        let asked = calls(&plane.take()).iter().filter(|call| call.starts_with("policy")).count();
        (of(&known), asked)
    };
    assert_eq!(of_aliases(vec![]).await, ((true, false), 1));
    assert_eq!(
        of_aliases(vec![("blue", None, false), ("live", Some("apigateway"), false)]).await,
        ((true, false), 3)
    );
    assert_eq!(
        of_aliases(vec![("blue", None, false), ("live", Some("sns"), false)]).await,
        ((true, true), 3)
    );
    assert_eq!(of_aliases(vec![("live", None, true)]).await, ((true, true), 2));
    let many = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"];
    assert_eq!(of_aliases(many.map(|alias| (alias, None, false)).to_vec()).await, ((true, true), 1));
}

#[tokio::test(start_paused = true)]
async fn aliases_that_may_not_be_read_count_as_both() {
    for end in ["/aliases", "/event-invoke-config/list"] {
        let plane = Plane::of(1);
        plane.world().policies.insert("f000".to_owned(), policy_for("apigateway"));
        plane.world().aliases.insert("f000".to_owned(), vec![("live", None, false)]);
        plane.meddle(move |_, sent| sent.path.ends_with(end).then(|| refusal(403, "AccessDeniedException")));
        let mut known = nothing_known();
        let problems = survey(&plane, &mut known, &[], 0, 1000).await;
        assert_eq!((of(&known), problems.len()), ((true, true), 1), "{end}: {problems:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_policy_decides_how_a_function_is_invoked() {
    let plane = Plane::of(1);
    plane.world().policies.insert("f000".to_owned(), policy_for("apigateway"));
    let known = complete(&plane).await;
    assert_eq!(of(&known), (true, false));
    plane.world().policies.insert("f000".to_owned(), policy_for("s3"));
    assert_eq!(of(&complete(&plane).await), (false, true));
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_functions_are_listed_in_one_long_survey() {
    let plane = Plane::new();
    (0..10_000).for_each(|index| plane.world().create(&format!("f{index:05}")));
    let mut known = nothing_known();
    survey(&plane, &mut known, &[], 0, 202).await;
    assert!(known.is_complete());
    assert_eq!(known.inventory.functions.len(), 10_000);
    let debug = format!("{known:?}");
    assert!(!debug.contains("hunter2"), "environment variables are not kept");
}
