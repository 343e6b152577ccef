//! The limits hold whatever the notices say, and a thousand breached functions make few messages.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use guard_core::alert::{self, Audience, Context, MESSAGE_MAX_BYTES, Message};
use guard_core::inventory::Function;
use guard_core::money::Usd;
use guard_core::observation::Freshness;
use guard_core::plan::{FunctionRecord, Notice, NoticeKind, Plan, Reason};
use proptest::prelude::*;

use crate::fixture::{CALM, FLOOD, Shop, context, policy};
use crate::schemas::assert_deliverable;

const KINDS: [NoticeKind; 15] = [
    NoticeKind::Armed,
    NoticeKind::Noticed,
    NoticeKind::Warned,
    NoticeKind::Capped,
    NoticeKind::WouldHaveCapped,
    NoticeKind::Refused,
    NoticeKind::Releasing,
    NoticeKind::Released,
    NoticeKind::Expired,
    NoticeKind::Untripped,
    NoticeKind::Failed,
    NoticeKind::Blind,
    NoticeKind::Sighted,
    NoticeKind::Troubled,
    NoticeKind::Mended,
];

fn of(messages: &[Message], audience: Audience) -> Vec<&Message> {
    messages.iter().filter(|message| message.audience == audience).collect()
}

#[test]
fn a_thousand_breached_functions_make_few_messages_that_fit() {
    // Nine in ten explain nine tenths of the excess; the rest is not looked into.
    let functions = (0..1112).map(|n| Function::new(format!("checkout-worker-{n:04}").as_str(), 1024, 10));
    let head = "armed = true\nprotected = [\"checkout-*\"]";
    let mut shop = Shop::open(policy(head, "cap"), functions.collect(), 0);
    shop.live(6, CALM);
    shop.live(8, FLOOD / 100);
    let told = shop.told.iter().max_by_key(|told| told.notices.len()).unwrap();
    assert!(told.notices.len() >= 1000, "{} notices", told.notices.len());
    let messages = alert::messages(&told.notices, &told.plan, &context());
    messages.iter().for_each(assert_deliverable);
    assert_eq!(of(&messages, Audience::People).len(), 1);
    assert_eq!(of(&messages, Audience::Chat).len(), 1);
    let pages = of(&messages, Audience::Pager);
    let subjects: Vec<&str> = pages.iter().map(|message| message.subject.as_str()).collect();
    assert_eq!(subjects, ["ALARM: \"dow-guard/budget/day\" in US East (N. Virginia)"]);
    let opened_by_core = told.notices.iter().any(|notice| notice.alarm == "dow-guard/budget/day");
    assert!(opened_by_core || shop.state.alerts["dow-guard/budget/day"].open, "so that the core closes it");
    let text = &of(&messages, Audience::People)[0].body;
    assert!(text.contains("more are left out here."), "{text}");
    insta::assert_snapshot!("digest", text.lines().take(8).collect::<Vec<_>>().join("\n"));
    insta::assert_snapshot!("digest_page", pages[0].body);
}

#[test]
fn the_dearest_come_first_in_a_digest() {
    let (mut notices, mut plan) = (Vec::new(), real_plan());
    for (n, dollars) in [(0, 5), (1, 500), (2, 50), (3, 1), (4, 7), (5, 70)] {
        let name = format!("f{n}");
        notices.push(notice(NoticeKind::Refused, &name, "day", format!("{name} NOT capped"), Vec::new()));
        plan.functions.push(record(&name, Usd::from_dollars(dollars)));
    }
    let messages = alert::messages(&notices, &plan, &context());
    let body = &of(&messages, Audience::People)[0].body;
    let order: Vec<&str> =
        body.lines().filter_map(|line| line.strip_prefix("- $")?.split(' ').nth(1)).collect();
    assert_eq!(order, ["f1", "f5", "f2", "f4", "f0", "f3"], "{body}");
    assert!(body.starts_with("Do now: see who changed it. DoW Guard: 6 NOT CAPPED; dearest f1 $500.00/h (prod 123456789012 us-east-1)"));
}

#[test]
fn five_are_told_one_by_one_and_six_together() {
    let plan = real_plan();
    let some = |count: usize| -> Vec<Notice> {
        let names = (0..count).map(|n| format!("f{n}"));
        names
            .map(|name| notice(NoticeKind::Capped, &name, "day", format!("{name} CAPPED"), Vec::new()))
            .collect()
    };
    let five = alert::messages(&some(5), &plan, &context());
    assert_eq!([Audience::People, Audience::Chat, Audience::Pager].map(|a| of(&five, a).len()), [5, 5, 10]);
    let six = alert::messages(&some(6), &plan, &context());
    assert_eq!([Audience::People, Audience::Chat, Audience::Pager].map(|a| of(&six, a).len()), [1, 1, 1]);
    let mut closing = some(6);
    for notice in &mut closing {
        (notice.kind, notice.alarming) = (NoticeKind::Released, false);
    }
    let closings = alert::messages(&closing, &plan, &context());
    assert_eq!(of(&closings, Audience::Pager).len(), 12, "each name that may have been opened is closed");
}

#[test]
fn a_text_too_long_is_cut_between_characters_and_says_so() {
    let body = vec!["→".repeat(1000); 200];
    let notice = notice(NoticeKind::Untripped, "pay", "day", "Cap on pay was undone".to_owned(), body);
    let messages = alert::messages(&[notice], &real_plan(), &context());
    messages.iter().for_each(assert_deliverable);
    let mail = &of(&messages, Audience::People)[0].body;
    assert!(mail.len() > MESSAGE_MAX_BYTES - 5000, "no more is cut than must be: {}", mail.len());
    let last = mail.lines().last().unwrap();
    assert!(last.starts_with("[Cut: ") && last.ends_with(" bytes do not fit into one message.]"), "{last}");
}

#[test]
fn markdown_eats_nothing_and_wakes_nobody() {
    let headline = "<!channel> *all* my_fn `x` a&b :fire:".to_owned();
    let notice = notice(NoticeKind::Capped, "my_fn", "day", headline, Vec::new());
    let messages = alert::messages(&[notice], &real_plan(), &context());
    let card: serde_json::Value = serde_json::from_str(&of(&messages, Audience::Chat)[0].body).unwrap();
    let text = card["content"]["description"].as_str().unwrap();
    assert_eq!(
        text.lines().next(),
        Some("Nothing to do. &lt;!channel&gt; `*all*` `my_fn` `'x'` a&amp;b `:fire:`")
    );
    assert_eq!(card["metadata"]["threadId"], "dow-guard/function/my_fn");
    let undo = card["content"]["nextSteps"][0].as_str().unwrap();
    assert!(undo.contains(r#"--payload '{"command":"release","function":"my_fn"}' /dev/stdout`"#), "{undo}");
}

#[test]
fn a_long_name_gives_way_in_subjects_and_stays_whole_in_the_alarm() {
    let name = "n".repeat(140);
    let notice = notice(NoticeKind::Capped, &name, "day", format!("{name} CAPPED"), Vec::new());
    let messages = alert::messages(&[notice], &real_plan(), &context());
    messages.iter().for_each(assert_deliverable);
    let subjects: Vec<&str> = messages.iter().map(|message| message.subject.as_str()).collect();
    assert!(subjects[0].ends_with("... (prod 123456789012 us-east-1)"), "{subjects:?}");
    assert!(subjects[2].ends_with("...\" in US East (N. Virginia)"), "{subjects:?}");
    let alarm: serde_json::Value = serde_json::from_str(&of(&messages, Audience::Pager)[0].body).unwrap();
    assert_eq!(alarm["AlarmName"], format!("dow-guard/capped/{name}"));
}

fn real_plan() -> Plan {
    static PLAN: LazyLock<Plan> = LazyLock::new(quiet_minute);
    PLAN.clone()
}

fn quiet_minute() -> Plan {
    let mut shop = Shop::open(policy("armed = true", "cap"), vec![Function::new("checkout", 1024, 10)], 0);
    shop.live(5, CALM);
    shop.told.pop().unwrap().plan
}

fn record(name: &str, burn_per_hour: Usd) -> FunctionRecord {
    FunctionRecord {
        function: name.into(),
        burn_per_hour,
        baseline_per_hour: None,
        excess_per_hour: burn_per_hour,
        attempts_per_mille: 1000,
        cap: None,
        freshness: Freshness::Fresh,
        reason: Reason::Protected,
    }
}

fn notice(kind: NoticeKind, function: &str, budget: &str, headline: String, body: Vec<String>) -> Notice {
    Notice {
        kind,
        alarm: format!("dow-guard/function/{function}"),
        alarming: !matches!(kind, NoticeKind::Armed | NoticeKind::Released | NoticeKind::Sighted),
        budget: Some(budget.into()),
        function: Some(function.into()),
        headline,
        body,
        digest: String::new(),
    }
}

/// Any text at all: short and long, with control characters, marks, and letters of four bytes.
fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "\\PC{0,300}",
        "[\\x00-\\x1f<>&*_`'\"\u{2028}😀→ ]{0,60}",
        (any::<char>(), 0_usize..3000).prop_map(|(c, count)| c.to_string().repeat(count)),
    ]
}

fn any_notice() -> impl Strategy<Value = Notice> {
    let names = (any_text(), prop::option::of(any_text()), prop::option::of(any_text()));
    let lines = prop_oneof![
        9 => prop::collection::vec(any_text(), 0..4),
        1 => (any_text(), 0_usize..300).prop_map(|(line, count)| vec![line; count]),
    ];
    (prop::sample::select(&KINDS[..]), any::<bool>(), names, any_text(), lines).prop_map(
        |(kind, alarming, (alarm, budget, function), headline, body)| Notice {
            kind,
            alarm: format!("dow-guard/{alarm}"),
            alarming,
            budget: budget.map(|name| name.as_str().into()),
            function: function.map(|name| name.as_str().into()),
            headline,
            body,
            digest: String::new(),
        },
    )
}

fn any_context() -> impl Strategy<Value = Context> {
    (any_text(), any_text(), any::<u32>(), any::<u32>()).prop_map(
        |(guard, stage, metric_lag_s, realert_min)| Context {
            guard,
            stage,
            metric_lag_s,
            realert_min,
            ..context()
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases / 5))]

    #[test]
    fn whatever_is_to_be_told_every_message_can_be_delivered(
        notices in prop_oneof![
            4 => prop::collection::vec(any_notice(), 0..8),
            1 => (any_notice(), 0_usize..300).prop_map(|(notice, count)| vec![notice; count]),
        ],
        context in any_context(),
        armed in any::<bool>(),
    ) {
        let plan = Plan { armed, ..real_plan() };
        let messages = alert::messages(&notices, &plan, &context);
        messages.iter().for_each(assert_deliverable);
        prop_assert_eq!(&messages, &alert::messages(&notices, &plan, &context), "the same input, the same bytes");
        for audience in [Audience::People, Audience::Chat] {
            let count = of(&messages, audience).len();
            prop_assert_eq!(count, guard_core::plan::messages_of(&notices), "as the simulator counts them");
        }
        let mut shuffled = notices;
        shuffled.reverse();
        let subjects = |messages: &[Message]| -> BTreeSet<String> {
            messages.iter().map(|message| message.subject.clone()).collect()
        };
        let again = alert::messages(&shuffled, &plan, &context);
        prop_assert_eq!(subjects(&messages), subjects(&again), "the order of notices decides nothing");
    }
}
