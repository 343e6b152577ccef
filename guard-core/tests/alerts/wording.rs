//! Every kind of notice in every shape, word for word, each from a plan that the core made of a small story.

use std::collections::BTreeSet;

use guard_core::alert::{self, Audience, Message};
use guard_core::inventory::{AsyncConfig, Function};
use guard_core::plan::{Notice, NoticeKind, Plan};
use guard_core::settle::ApplyResult;
use serde_json::Value;

use crate::fixture::{CALM, FLOOD, Shop, context, policy};
use crate::schemas::assert_deliverable;

fn checkout() -> Function {
    let asynchronous = Some(AsyncConfig { on_failure: true, ..AsyncConfig::default() });
    Function { asynchronous, provisioned: 2, ..Function::new("checkout", 1024, 10) }
}

/// A day with a flood from the eleventh minute on for so many minutes.
fn flooded(head: &str, mode: &str, minutes: u32) -> Shop {
    let mut shop = Shop::open(policy(head, mode), vec![checkout()], 0);
    shop.live(10, CALM);
    shop.live(minutes, FLOOD);
    shop
}

/// All messages of one notice, as one text.
fn shown(notice: &Notice, plan: &Plan) -> String {
    let messages = alert::messages(std::slice::from_ref(notice), plan, &context());
    messages.iter().for_each(assert_deliverable);
    messages.iter().map(show).collect::<Vec<_>>().join("\n")
}

fn show(message: &Message) -> String {
    let body = match message.audience {
        Audience::People => message.body.clone(),
        Audience::Chat | Audience::Pager => {
            let value: Value = serde_json::from_str(&message.body).unwrap();
            serde_json::to_string_pretty(&value).unwrap() + "\n"
        }
    };
    let attributes: Vec<String> = message.attributes.iter().map(|(k, v)| format!("{k}={v}")).collect();
    let to = message.audience.as_str();
    format!("To {to}\nSubject: {}\nAttributes: {}\n\n{body}", message.subject, attributes.join(" "))
}

macro_rules! assert_told {
    ($name:literal, $shop:expr, $kind:expr) => {
        let (notice, plan) = $shop.first($kind);
        insta::assert_snapshot!($name, shown(notice, plan));
    };
}

#[test]
fn armed_warned_capped_recovering_and_released_read_well() {
    let mut shop = flooded("armed = true", "cap", 20);
    shop.live(240, CALM);
    assert_told!("armed", shop, NoticeKind::Armed);
    assert_told!("warned", shop, NoticeKind::Warned);
    assert_told!("capped", shop, NoticeKind::Capped);
    assert_told!("releasing", shop, NoticeKind::Releasing);
    let mut released = shop.all(NoticeKind::Released);
    let (notice, plan) = released.find(|(notice, _)| notice.function.is_some()).unwrap();
    insta::assert_snapshot!("released_function", shown(notice, plan));
}

#[test]
fn what_burns_fast_under_a_great_budget_is_unusual_spend() {
    let text = "armed = true\n[[budget]]\nname = \"month\"\nperiod = \"month\"\nusd = 1000\nmode = \"cap\"\n";
    let policy = guard_core::policy::Policy::from_toml(text).unwrap();
    let mut shop = Shop::open(policy, vec![checkout()], 0);
    shop.live(10, CALM);
    shop.live(30, FLOOD);
    assert_told!("noticed", shop, NoticeKind::Noticed);
    shop.live(1440, CALM);
    let mut released = shop.all(NoticeKind::Released);
    let (notice, plan) = released.find(|(notice, _)| notice.function.is_none()).unwrap();
    insta::assert_snapshot!("released_budget", shown(notice, plan));
}

/// The function that burns may be outside the budget that the message is about.
#[test]
fn beside_other_budgets_the_command_to_hold_names_no_function() {
    let text = "armed = true\n[[budget]]\nname = \"month\"\nperiod = \"month\"\nusd = 1000\nmode = \"cap\"\n\
                [[budget]]\nname = \"other\"\nperiod = \"month\"\nusd = 9000\nmode = \"cap\"\n";
    let policy = guard_core::policy::Policy::from_toml(text).unwrap();
    let mut shop = Shop::open(policy, vec![checkout()], 0);
    shop.live(10, CALM);
    shop.live(30, FLOOD);
    let (notice, plan) = shop.first(NoticeKind::Noticed);
    let said = shown(notice, plan);
    assert!(
        said.contains(r#""function":"FUNCTION""#) && !said.contains(r#""function":"checkout""#),
        "{said}"
    );
}

#[test]
fn disarmed_it_says_what_would_have_been() {
    let shop = flooded("armed = false", "cap", 20);
    assert_told!("disarmed", shop, NoticeKind::Armed);
    assert_told!("would_have_capped", shop, NoticeKind::WouldHaveCapped);
}

#[test]
fn what_is_protected_is_refused_with_its_reason() {
    let shop = flooded("armed = true\nprotected = [\"checkout\"]", "cap", 20);
    assert_told!("refused", shop, NoticeKind::Refused);
}

#[test]
fn a_period_that_ends_with_caps_in_force_leaves_a_word() {
    let mut shop = Shop::open(policy("armed = true", "stop"), vec![checkout()], 22);
    shop.live(10, CALM);
    shop.live(125, FLOOD);
    assert_told!("expired", shop, NoticeKind::Expired);
}

#[test]
fn a_deploy_that_undoes_the_cap_is_told() {
    let mut shop = flooded("armed = true", "cap", 20);
    shop.deploy("checkout", None);
    shop.live(2, FLOOD);
    assert_told!("untripped", shop, NoticeKind::Untripped);
}

#[test]
fn a_call_that_fails_is_not_told_as_a_cap() {
    let mut shop = Shop::open(policy("armed = true", "cap"), vec![checkout()], 0);
    shop.control = ApplyResult::Rejected { message: "TooManyRequestsException: Rate exceeded".to_owned() };
    shop.live(10, CALM);
    shop.live(20, FLOOD);
    assert_eq!(shop.all(NoticeKind::Capped).count(), 0, "{}", shop.headlines());
    assert_eq!(shop.all(NoticeKind::Failed).count(), 1, "once, not every minute:\n{}", shop.headlines());
    assert_told!("failed", shop, NoticeKind::Failed);
    shop.live(60, FLOOD);
    assert_eq!(shop.all(NoticeKind::Failed).count(), 2, "again after an hour:\n{}", shop.headlines());
    shop.control = ApplyResult::Applied;
    shop.live(3, FLOOD);
    assert!(shop.state.alerts["dow-guard/function/checkout"].open, "{}", shop.headlines());
    let closed: Vec<&str> = shop.all(NoticeKind::Released).map(|(notice, _)| notice.alarm.as_str()).collect();
    assert_eq!(closed, ["dow-guard/action/checkout"], "{}", shop.headlines());
    let heard = shop.all(NoticeKind::Capped).count();
    assert_eq!(heard, 1, "and what is capped at last is told as capped:\n{}", shop.headlines());
}

#[test]
fn a_cap_of_which_nobody_knew_is_told_once_it_is_made() {
    let mut shop = Shop::open(policy("armed = true", "cap"), vec![checkout()], 0);
    shop.control = ApplyResult::Unavailable { message: "timed out".to_owned() };
    shop.live(10, CALM);
    shop.live(15, FLOOD);
    assert_eq!(shop.all(NoticeKind::Capped).count(), 0, "{}", shop.headlines());
    shop.control = ApplyResult::Applied;
    shop.live(5, FLOOD);
    assert_eq!(shop.all(NoticeKind::Capped).count(), 1, "{}", shop.headlines());
}

#[test]
fn a_cap_that_took_effect_without_an_answer_is_told_when_it_is_found() {
    let mut shop = Shop::open(policy("armed = true", "cap"), vec![checkout()], 0);
    shop.control = ApplyResult::Unavailable { message: "timed out".to_owned() };
    shop.live(10, CALM);
    while shop.all(NoticeKind::Failed).count() == 0 {
        shop.live(1, FLOOD);
    }
    shop.deploy("checkout", Some(5));
    shop.live(2, FLOOD);
    let (notice, _) = shop.first(NoticeKind::Capped);
    assert_eq!(notice.headline, "checkout CAPPED: reserved concurrency 5", "{}", shop.headlines());
    assert_eq!(shop.all(NoticeKind::Capped).count(), 1, "{}", shop.headlines());
    assert!(!shop.state.alerts["dow-guard/action/checkout"].open, "{}", shop.headlines());
}

#[test]
fn a_release_that_fails_is_no_ok_and_the_ok_comes_with_the_release() {
    let message = || "timed out".to_owned();
    release_after(ApplyResult::Unavailable { message: message() });
    release_after(ApplyResult::Rejected { message: message() });
}

fn release_after(failure: ApplyResult) {
    let mut shop = flooded("armed = true", "cap", 20);
    let reserved = |shop: &Shop| shop.roster.inventory.functions[0].reserved;
    while reserved(&shop) != Some(20) {
        shop.live(1, CALM);
    }
    shop.control = failure;
    shop.live(30, CALM);
    let closed = |shop: &Shop| {
        let all = shop.all(NoticeKind::Released).map(|(notice, _)| notice.alarm.clone());
        all.filter(|alarm| alarm.ends_with("/checkout")).collect::<Vec<_>>()
    };
    assert!(closed(&shop).is_empty(), "{}", shop.headlines());
    assert_eq!(shop.all(NoticeKind::Failed).count(), 1, "{}", shop.headlines());
    shop.control = ApplyResult::Applied;
    shop.live(15, CALM);
    assert_eq!(reserved(&shop), None);
    let mut alarms = closed(&shop);
    alarms.sort();
    assert_eq!(alarms, ["dow-guard/action/checkout", "dow-guard/function/checkout"], "{}", shop.headlines());
}

#[test]
fn blindness_and_its_end_are_told() {
    let mut shop = flooded("armed = true", "cap", 0);
    shop.answers = false;
    shop.live(5, CALM);
    shop.answers = true;
    shop.live(5, CALM);
    assert_told!("blind", shop, NoticeKind::Blind);
    assert_told!("sighted", shop, NoticeKind::Sighted);
}

#[test]
fn an_alarm_closes_under_the_name_under_which_it_opened() {
    let mut shop = flooded("armed = true", "cap", 20);
    shop.live(240, CALM);
    let mut open = std::collections::BTreeMap::new();
    for told in &shop.told {
        for message in alert::messages(&told.notices, &told.plan, &context()) {
            if message.audience == Audience::Pager {
                let alarm: Value = serde_json::from_str(&message.body).unwrap();
                let name = alarm["AlarmName"].as_str().unwrap().to_owned();
                let arn = alarm["AlarmArn"].as_str().unwrap().to_owned();
                let is_open = alarm["NewStateValue"] == "ALARM";
                open.insert(name, (is_open, arn));
            }
        }
    }
    let (is_open, arn) = &open["dow-guard/capped/checkout"];
    assert!(!is_open, "{}", shop.headlines());
    assert_eq!(arn, "arn:aws:cloudwatch:us-east-1:123456789012:alarm:dow-guard/capped/checkout");
}

/// Stories with every kind of message about spending.
fn stories() -> Vec<Shop> {
    let mut quiet_again = flooded("armed = true", "cap", 20);
    quiet_again.live(240, CALM);
    let mut blind = flooded("armed = true", "cap", 0);
    blind.answers = false;
    blind.live(5, CALM);
    blind.answers = true;
    blind.live(5, CALM);
    let mut failing = Shop::open(policy("armed = true", "cap"), vec![checkout()], 0);
    failing.control = ApplyResult::Rejected { message: "no".to_owned() };
    failing.live(10, CALM);
    failing.live(20, FLOOD);
    let mut undone = flooded("armed = true", "cap", 20);
    undone.deploy("checkout", None);
    undone.live(2, FLOOD);
    vec![
        quiet_again,
        blind,
        failing,
        undone,
        flooded("armed = false", "cap", 20),
        flooded("armed = true", "alert", 20),
        flooded("armed = true\nprotected = [\"checkout\"]", "cap", 20),
        flooded("armed = true", "stop", 200),
    ]
}

fn every_message() -> Vec<(NoticeKind, Message)> {
    let mut all = Vec::new();
    for told in stories().iter().flat_map(|shop| &shop.told) {
        for notice in &told.notices {
            let sent = alert::messages(std::slice::from_ref(notice), &told.plan, &context());
            all.extend(sent.into_iter().map(|message| (notice.kind, message)));
        }
    }
    all
}

#[test]
fn every_first_line_says_what_to_do_and_what_is_to_be_done_has_a_command() {
    let mails: Vec<_> =
        every_message().into_iter().filter(|(_, message)| message.audience == Audience::People).collect();
    let kinds: BTreeSet<NoticeKind> = mails.iter().map(|(kind, _)| *kind).collect();
    assert!(kinds.len() >= 10, "{kinds:?}");
    for (kind, mail) in &mails {
        let first = mail.body.lines().next().unwrap();
        let is_urgent = first.starts_with("Do now: ");
        assert!(is_urgent || first.starts_with("Nothing to do. "), "{kind:?}: {first}");
        assert_eq!(is_urgent, mail.attributes["severity"] == "critical", "{kind:?}: {first}");
        assert!(
            !is_urgent || mail.body.contains("aws lambda "),
            "{kind:?} asks, and has no command: {}",
            mail.body
        );
    }
    let urgent = mails.iter().filter(|(_, mail)| mail.attributes["severity"] == "critical").count();
    assert!(urgent > 3 && urgent < mails.len() - 3, "{urgent} of {}", mails.len());
}

#[test]
fn amounts_have_two_decimals_unless_they_are_below_a_cent() {
    let mut seen = 0;
    for (_, message) in every_message() {
        for amount in message.body.split('$').skip(1) {
            let number: String = amount.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
            let number = number.trim_end_matches('.');
            let decimals = number.split_once('.').map_or(0, |(_, decimals)| decimals.len());
            assert!(decimals <= 2 || number.starts_with("0.00"), "${number} in {}", message.body);
            seen += 1;
        }
    }
    assert!(seen > 100, "{seen}");
}

#[test]
fn each_message_leads_to_a_section_that_the_runbook_has() {
    let runbook = include_str!("../../../docs/runbook.md");
    // As GitHub makes them: in lower case, without marks, blanks as hyphens.
    let headings = runbook.lines().filter_map(|line| line.strip_prefix("### ").or(line.strip_prefix("## ")));
    let anchors: Vec<String> = headings
        .map(|heading| {
            let kept = heading.to_lowercase();
            let kept = kept.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
            kept.map(|c| if c == ' ' { '-' } else { c }).collect()
        })
        .collect();
    for (kind, message) in every_message() {
        let link = "https://example.com/runbook.md#";
        let (_, rest) = message.body.split_once(link).unwrap_or_else(|| panic!("{kind:?}: {}", message.body));
        let anchor: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '-').collect();
        assert!(anchors.contains(&anchor), "{kind:?}: {anchor:?} is not among {anchors:?}");
    }
    for word in ["OVER", "GUARD IN TROUBLE", "PERIOD ENDED", "UNUSUAL SPEND", "WARNING", "SPENDING FAST"] {
        assert!(anchors.contains(&alert::anchor(word)), "{word}");
    }
}

#[test]
fn pagers_tell_what_is_held_from_what_goes_on_spending() {
    let pages = |shop: &Shop, kind: NoticeKind| {
        let (notice, plan) = shop.first(kind);
        let messages = alert::messages(std::slice::from_ref(notice), plan, &context());
        let pages = messages.into_iter().filter(|message| message.audience == Audience::Pager);
        pages.map(|page| (page.subject, page.attributes["severity"].clone())).collect::<Vec<_>>()
    };
    let page =
        |subject: &str, severity: &str| (format!("{subject} in US East (N. Virginia)"), severity.to_owned());
    let held = flooded("armed = true", "cap", 20);
    let capped = page("ALARM: \"dow-guard/capped/checkout\"", "error");
    let over = page("OK: \"dow-guard/spending/checkout\"", "info");
    assert_eq!(pages(&held, NoticeKind::Capped), [capped, over]);
    let burning = page("ALARM: \"dow-guard/spending/checkout\"", "critical");
    let protected = flooded("armed = true\nprotected = [\"checkout\"]", "cap", 20);
    assert_eq!(pages(&protected, NoticeKind::Refused), std::slice::from_ref(&burning));
    assert_eq!(pages(&flooded("armed = false", "cap", 20), NoticeKind::WouldHaveCapped), [burning]);
}
