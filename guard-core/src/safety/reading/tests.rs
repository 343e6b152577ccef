use super::*;
use crate::money::Usd;
use crate::plan::AsyncSetting;
use crate::policy::Tags;

fn tagged(tags: &[(&str, &str)]) -> Function {
    let mut function = Function::new("shop", 128, 3);
    function.tags = tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    function
}

fn budget(name: &str, mode: Mode) -> Budget {
    Budget { mode, ..Budget::per_month(name, Usd::from_dollars(10)) }
}

#[test]
fn a_change_tightens_what_it_lowers_and_loosens_what_it_raises() {
    let retries = |from: (u8, u32), to: (u8, u32)| {
        let setting = |(max_retries, max_event_age_s)| AsyncSetting { max_retries, max_event_age_s };
        Change::AsyncConfig { from: setting(from), to: setting(to) }
    };
    let polls = |from, to| Change::MappingEnabled { mapping: "m".into(), from, to };
    let mut cases = vec![
        (retries((1, 99), (1, 99)), false, false),
        (retries((1, 99), (0, 99)), true, false),
        (retries((1, 99), (1, 98)), true, false),
        (retries((1, 99), (2, 99)), false, true),
        (retries((1, 99), (1, 100)), false, true),
        (retries((1, 99), (0, 100)), true, true),
        (retries((1, 99), (2, 98)), true, true),
        (polls(true, false), true, false),
        (polls(false, true), false, true),
        (polls(true, true), false, false),
        (polls(false, false), false, false),
    ];
    for (from, to, tighter, looser) in [
        (Some(5), Some(4), true, false),
        (Some(5), Some(5), false, false),
        (Some(5), Some(6), false, true),
        (None, Some(5), true, false),
        (Some(5), None, false, true),
        (None, None, false, false),
    ] {
        cases.push((Change::ReservedConcurrency { from, to }, tighter, looser));
        cases.push((Change::MappingConcurrency { mapping: "m".into(), from, to }, tighter, looser));
    }
    for (change, tighter, looser) in cases {
        assert_eq!((tightens(&change), loosens(&change)), (tighter, looser), "{change:?}");
    }
}

#[test]
fn an_entry_of_the_protected_list_means_a_name_a_tag_or_an_arn() {
    let arn = "arn:aws:lambda:eu-central-1:123456789012:function:shop";
    let without_arn = tagged(&[("team", "pay")]);
    let with_arn = Function { arn: Some(arn.to_owned()), ..without_arn.clone() };
    for (entry, unknown, known) in [
        ("shop", true, true),
        ("sh*", true, true),
        ("shoe", false, false),
        ("tag:team", true, true),
        ("tag:pay", false, false),
        ("tag:team=pay", true, true),
        ("tag:team=p*", true, true),
        ("tag:team=web", false, false),
        ("tag:crew=pay", false, false),
        (arn, true, true),
        ("arn:aws:lambda:us-east-1:123456789012:function:shop", true, false),
        ("arn:aws:lambda:*:function:shoe", false, false),
        ("arn:*:function:shop", true, true),
    ] {
        assert_eq!((is_meant(entry, &without_arn), is_meant(entry, &with_arn)), (unknown, known), "{entry}");
    }
}

#[test]
fn a_budget_covers_a_function_that_meets_every_criterion() {
    let function = tagged(&[("team", "pay"), ("stage", "prod")]);
    for (pattern, tags, is_covered) in [
        (None, vec![], true),
        (Some("sh*"), vec![], true),
        (Some("web-*"), vec![], false),
        (None, vec![("team", "p*"), ("stage", "prod")], true),
        (None, vec![("team", "pay"), ("stage", "test")], false),
        (None, vec![("crew", "pay")], false),
        (Some("web-*"), vec![("team", "pay")], false),
        (Some("shop"), vec![("team", "web")], false),
    ] {
        let mut month = budget("month", Mode::Cap);
        month.scope.functions = pattern.map(str::to_owned);
        month.scope.tags = tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        assert_eq!(covers(&month, &function), is_covered, "{pattern:?} {tags:?}");
    }
}

#[test]
fn a_function_s_tag_lowers_the_mode_of_a_budget_and_never_raises_it() {
    for (tag, under_stop, under_alert) in [
        ("observe", Mode::Observe, Mode::Observe),
        ("alert", Mode::Alert, Mode::Alert),
        ("cap", Mode::Cap, Mode::Alert),
        ("stop", Mode::Stop, Mode::Alert),
        (" CAP ", Mode::Cap, Mode::Alert),
        ("panic", Mode::Stop, Mode::Alert),
    ] {
        let function = tagged(&[(MODE_TAG, tag)]);
        let mode = |mode| mode_of(&budget("month", mode), &function);
        assert_eq!((mode(Mode::Stop), mode(Mode::Alert)), (under_stop, under_alert), "{tag}");
    }
    assert_eq!(mode_of(&budget("month", Mode::Stop), &tagged(&[])), Mode::Stop);
}

#[test]
fn a_floor_by_tag_is_a_number_from_1_to_100_000() {
    for (tag, floor) in [
        ("0", None),
        ("1", Some(1)),
        (" 7 ", Some(7)),
        ("100000", Some(100_000)),
        ("100001", None),
        ("x", None),
    ] {
        assert_eq!(tagged_floor(&tagged(&[(FLOOR_TAG, tag)])), floor, "{tag}");
    }
    assert_eq!(tagged_floor(&tagged(&[])), None);
}

#[test]
fn any_value_of_the_protecting_tag_but_false_protects() {
    for (tag, protects) in [("true", true), ("", true), ("no", true), ("false", false), (" FALSE", false)] {
        assert_eq!(is_tagged_protected(&tagged(&[(PROTECT_TAG, tag)])), protects, "{tag}");
    }
    assert!(!is_tagged_protected(&tagged(&[])));
}

#[test]
fn a_change_is_made_for_a_budget_of_the_policy_or_for_the_function_s_own_by_tag() {
    let mut policy = Policy { budget: vec![budget("month", Mode::Stop)], ..Policy::default() };
    policy.tags.mode = Mode::Stop;
    let strict = Policy { tags: Tags::default(), ..policy.clone() };
    let found = |name: &str, tags: &[(&str, &str)]| {
        budget_of(&policy, &name.into(), &tagged(tags)).map(|found| (found.name, found.usd, found.mode))
    };
    let dollars = |dollars| Some(Usd::from_dollars(dollars));
    assert_eq!(found("month", &[]), Some(("month".to_owned(), dollars(10), Mode::Stop)));
    assert_eq!(found("year", &[]), None);
    let own = [(MONTHLY_TAG, "25")];
    assert_eq!(found("tag:shop", &own), Some(("tag:shop".to_owned(), dollars(25), Mode::Alert)));
    let stopping = [(MONTHLY_TAG, "25"), (MODE_TAG, "stop")];
    assert_eq!(found("tag:shop", &stopping), Some(("tag:shop".to_owned(), dollars(25), Mode::Stop)));
    let mode = budget_of(&strict, &"tag:shop".into(), &tagged(&stopping)).unwrap().mode;
    assert_eq!(mode, Mode::Alert, "the policy lets tags do no more");
    assert_eq!(found("tag:other", &own), None, "another function's");
    assert_eq!(found("shop", &own), None);
    assert_eq!(found("tag:shop", &[]), None);
    assert_eq!(found("tag:shop", &[(MONTHLY_TAG, "lots")]), None);
}
