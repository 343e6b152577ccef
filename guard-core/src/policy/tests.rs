//! Reading, refusing and describing policies.

use proptest::prelude::*;
use serde_json::Value;

use super::*;

/// What the reader says about a text that is no policy.
fn refused(text: &str) -> Vec<String> {
    let error = Policy::from_toml(text).unwrap_err();
    assert!(!error.problems.is_empty());
    assert_eq!(error.to_string().lines().count(), error.problems.len(), "one line per problem: {error}");
    error.to_string().lines().map(str::to_owned).collect()
}

/// A policy of one budget that needs no more than this.
fn with_budget(extra: &str) -> String {
    format!("[[budget]]\nname = \"checkout\"\n{extra}")
}

const MONTHLY: &str = "period = \"month\"\nusd = 400\n";

#[test]
fn an_empty_text_is_the_default_policy_and_that_is_disarmed() {
    let policy = Policy::from_toml("").unwrap();
    assert_eq!(policy, Policy::default());
    assert!(!policy.armed);
    assert_eq!(policy.timing.reaction_s(), 330);
}

#[test]
fn a_budget_has_its_documented_defaults() {
    let policy = Policy::from_toml(&with_budget(MONTHLY)).unwrap();
    assert_eq!(policy.budget, [Budget::per_month("checkout", Usd::from_dollars(400))]);
    assert_eq!(policy.budget[0].thresholds_percent, [50, 75, 90, 100]);
    assert_eq!(policy.budget[0].mode, Mode::Alert);
}

#[test]
fn an_unknown_key_is_refused_with_its_place_the_accepted_keys_and_the_likely_one() {
    assert_eq!(
        refused("armed = true\n[timing]\ntik_s = 5\n"),
        ["line 3, column 1: timing.tik_s: unknown key `tik_s`, expected one of `metric_lag_s`, `tick_s`, \
          `actuation_s`, `decay_half_life_min`; did you mean `tick_s`?"]
    );
}

#[test]
fn a_value_of_the_wrong_type_is_refused_with_what_the_key_means() {
    assert_eq!(
        refused("[timing]\ntick_s = -5\n"),
        ["line 2, column 10: timing.tick_s: invalid value: integer `-5`, expected a whole number. \
          Time between two ticks, 60 to 3,600. Default 60."]
    );
    assert_eq!(
        refused("budget = [{name=\"x\", period=\"day\", usd=1, mode=\"capp\"}]"),
        [
            "line 1, column 48: budget[0].mode (budget \"x\"): unknown value `capp`, expected one of `observe`, \
          `alert`, `cap`, `stop`; did you mean `cap`? The most that may be done when it breaks. Default `alert`."
        ]
    );
    assert_eq!(
        refused(&with_budget("period = \"day\"\nusd = \"5,000\"")),
        [
            "line 4, column 7: budget[0].usd (budget \"checkout\"): \"5,000\" is not an amount: expected a decimal \
          number of dollars with at most 12 decimals, such as 400 or 0.0000166667. Its amount in dollars, above 0 \
          and up to 1,000,000,000. Either this or `invocations`."
        ]
    );
    let list = refused(&with_budget("period = \"day\"\nusd = 1\nthresholds_percent = 50"));
    assert!(list[0].contains("expected a list [ … ]. Percentages"), "{list:?}");
}

#[test]
fn a_missing_key_names_the_budget_that_lacks_it() {
    assert_eq!(
        refused(&with_budget("usd = 5")),
        ["line 1, column 1: budget[0] (budget \"checkout\"): missing key `period`"]
    );
}

#[test]
fn a_type_error_in_a_companion_names_its_pattern() {
    assert_eq!(
        refused("[[companion]]\nfunctions = \"api-*\"\ninit_ms = \"1\"")[0].split(": ").nth(1).unwrap(),
        "companion[0].init_ms (companion \"api-*\")"
    );
}

#[test]
fn a_syntax_error_has_line_and_column_in_characters() {
    assert_eq!(
        refused("timezone=\"UTC\"\ntimezone=\"UTC\"\n"),
        ["line 2, column 1: `timezone` stands here for the second time; the first is in line 1"]
    );
    assert_eq!(Position::of("aé\nüx", 6), Position { line: 2, column: 2 });
    assert_eq!(Position::of("ab", 99), Position { line: 1, column: 3 });
}

#[test]
fn all_values_out_of_range_are_told_at_once_in_the_order_of_the_text() {
    let text = "timezone = \"Europe/Berln\"\n\
                protected = [\"\", \"login\"]\n\
                [[budget]]\n\
                name = \"checkout\"\n\
                usd = 0\n\
                period = \"month\"\n\
                thresholds_percent = [50, 40, 1001]\n\
                [timing]\n\
                tick_s = 5\n";
    assert_eq!(
        refused(text),
        [
            "line 1, column 12: timezone: \"Europe/Berln\" is not a time zone; accepted: an IANA name such as `UTC` \
             or `Europe/Berlin`; did you mean `Europe/Berlin`?",
            "line 2, column 14: protected[0]: \"\" is empty and would protect nothing; accepted: a name, a pattern \
             such as `checkout-*`, an ARN, `tag:KEY` or `tag:KEY=VALUE`",
            "line 5, column 7: budget[0].usd (budget \"checkout\"): $0.00 is out of range; accepted: above 0 and up \
             to 1,000,000,000",
            "line 7, column 27: budget[0].thresholds_percent[1] (budget \"checkout\"): 40 after 50 is not ascending; \
             accepted: each number once, the least first",
            "line 7, column 31: budget[0].thresholds_percent[2] (budget \"checkout\"): 1,001 is out of range; \
             accepted: 1 to 1,000",
            "line 9, column 10: timing.tick_s: 5 is out of range; accepted: 60 to 3,600",
        ]
    );
}

#[test]
fn a_budget_has_one_amount_and_only_one() {
    assert_eq!(
        refused(&with_budget("period = \"month\"\n")),
        [
            "line 1, column 1: budget[0].usd (budget \"checkout\"): the budget has no amount; accepted: `usd`, above 0 \
          and up to 1,000,000,000, or `invocations`, 1 to 1,000,000,000,000"
        ]
    );
    let both = refused(&with_budget(&format!("{MONTHLY}invocations = 5")));
    assert!(both[0].starts_with("line 5, column 15: budget[0].invocations"), "{both:?}");
    assert!(both[0].contains("both `usd` and `invocations`"), "{both:?}");
}

#[test]
fn two_budgets_of_one_name_are_refused_at_the_second_and_third() {
    let text = with_budget(MONTHLY).repeat(3);
    let refused = refused(&text);
    assert_eq!(refused.len(), 2);
    assert!(refused[0].starts_with("line 6, column 8: budget[1].name"), "{refused:?}");
    assert!(refused[1].contains("budget[2].name"), "{refused:?}");
    assert!(refused.iter().all(|line| line.contains("\"checkout\" is already the name of budget[0]")));
}

#[test]
fn thresholds_are_strictly_ascending_and_may_be_empty() {
    let thresholds = |list: &str| with_budget(&format!("{MONTHLY}thresholds_percent = {list}"));
    assert!(Policy::from_toml(&thresholds("[]")).unwrap().budget[0].thresholds_percent.is_empty());
    assert!(Policy::from_toml(&thresholds("[1, 2, 1000]")).is_ok());
    assert_eq!(refused(&thresholds("[50, 50]")).len(), 1);
    assert_eq!(refused(&thresholds("[50, 40, 30]")).len(), 2);
}

#[test]
fn a_mode_that_changes_nothing_contradicts_a_promise_to_act() {
    for (mode, valid) in [("observe", false), ("alert", false), ("cap", true), ("stop", true)] {
        for promise in ["envelope", "guarantee"] {
            let text = with_budget(&format!("{MONTHLY}mode = \"{mode}\"\n{promise} = true"));
            let read = Policy::from_toml(&text);
            assert_eq!(read.is_ok(), valid, "{mode} {promise}");
            if let Err(error) = read {
                let told = format!("{promise} (budget \"checkout\"): true contradicts mode `{mode}`");
                assert!(error.to_string().contains(&told), "{error}");
            }
        }
    }
}

#[test]
fn a_guarantee_needs_dollars_and_an_envelope_does_not() {
    let counted = "period = \"day\"\ninvocations = 5\nmode = \"cap\"\n";
    assert!(
        refused(&with_budget(&format!("{counted}guarantee = true")))[0]
            .contains("true needs an amount in `usd`")
    );
    assert!(Policy::from_toml(&with_budget(&format!("{counted}envelope = true"))).is_ok());
}

#[test]
fn a_slack_is_at_most_the_whole_budget() {
    let slack = |text: &str, period: &str| {
        with_budget(&format!("usd = 1\nslack = \"{text}\"\nperiod = \"{period}\""))
    };
    let told = refused(&slack("25h", "day"));
    assert!(
        told[0].contains("budget[0].slack")
            && told[0].contains("accepted: less, or `period`, which means to act at the line"),
        "{told:?}"
    );
    for (text, period) in
        [("1d", "day"), ("60m", "hour"), ("7d", "week"), ("30d", "month"), ("1m", "month"), ("period", "day")]
    {
        assert!(Policy::from_toml(&slack(text, period)).is_ok(), "{text} {period}");
    }
    let told = refused(&slack("soon", "day"));
    assert!(told[0].contains("\"soon\" is no length of time; accepted: "), "{told:?}");
}

#[test]
fn the_key_that_slack_replaced_says_so() {
    let told = refused(&with_budget("usd = 1\nperiod = \"day\"\ntrip_on = \"burn\""));
    assert!(told[0].contains("`trip_on` is gone") && told[0].contains("`slack`"), "{told:?}");
}

#[test]
fn an_hour_must_not_end_before_the_guard_can_act() {
    let slow = |tick: u32, period: &str, mode: &str| {
        let timing = format!("[timing]\nmetric_lag_s = 900\nactuation_s = 0\ntick_s = {tick}\n");
        timing + &with_budget(&format!("usd = 1\nperiod = \"{period}\"\nmode = \"{mode}\""))
    };
    let told = refused(&slow(2640, "hour", "cap"));
    assert!(told[0].contains("budget[0].period") && told[0].contains("adds up to 3,600 s"), "{told:?}");
    assert_eq!(refused(&slow(2640, "hour", "stop")).len(), 1);
    assert!(Policy::from_toml(&slow(2639, "hour", "cap")).is_ok());
    assert!(Policy::from_toml(&slow(2640, "day", "cap")).is_ok());
    assert!(Policy::from_toml(&slow(2640, "hour", "alert")).is_ok());
}

#[test]
fn a_companion_behind_a_more_general_one_is_never_reached() {
    let two = |first: &str, second: &str| {
        format!("[[companion]]\nfunctions = \"{first}\"\n[[companion]]\nfunctions = \"{second}\"\n")
    };
    for (first, second) in
        [("*", "api"), ("a*", "a*b"), ("api", "api"), ("a?", "ab"), ("a?", "a?"), ("*", "*")]
    {
        let told = refused(&two(first, second));
        assert_eq!(told.len(), 1);
        let what = format!(
            "companion[1].functions (companion {second:?}): {second:?} is never reached: companion[0] {first:?}"
        );
        assert!(told[0].contains(&what), "{told:?}");
    }
    for (first, second) in [("api", "*"), ("a?", "a*"), ("a*", "b*"), ("a?", "a")] {
        assert!(Policy::from_toml(&two(first, second)).is_ok(), "{first} {second}");
    }
}

#[test]
fn patterns_and_tags_of_a_scope_are_checked() {
    let scope = |scope: &str| with_budget(&format!("{MONTHLY}scope = {{ {scope} }}"));
    for (bad, key) in [
        ("functions = \"a b\"", "budget[0].scope.functions"),
        ("functions = \"\"", "budget[0].scope.functions"),
        ("tags = { \"te*\" = \"x\" }", "budget[0].scope.tags.\"te*\""),
        ("tags = { \"\" = \"x\" }", "budget[0].scope.tags.\"\""),
    ] {
        let told = refused(&scope(bad));
        assert!(told.len() == 1 && told[0].contains(key), "{told:?}");
    }
    let long = format!("tags = {{ team = \"{}\" }}", "x".repeat(257));
    assert!(refused(&scope(&long))[0].contains("257 characters; accepted: up to 256"));
    assert!(Policy::from_toml(&scope("functions = \"a-*\", tags = { team = \"*\", empty = \"\" }")).is_ok());
}

#[test]
fn a_problem_without_a_text_has_no_place_and_the_same_words() {
    let mut policy = Policy { schema: 2, ..Policy::default() };
    policy.timing.metric_lag_s = u32::MAX;
    policy.timing.tick_s = u32::MAX;
    assert_eq!(policy.timing.reaction_s(), u32::MAX);
    assert_eq!(
        policy.validate().unwrap_err().to_string(),
        "schema: 2 is out of range; accepted: 1\n\
         timing.metric_lag_s: 4,294,967,295 is out of range; accepted: 60 to 900\n\
         timing.tick_s: 4,294,967,295 is out of range; accepted: 60 to 3,600"
    );
}

#[test]
fn problems_serialise_with_place_key_and_owner() {
    let error = Policy::from_toml(&with_budget("period = \"month\"\nusd = 0")).unwrap_err();
    assert_eq!(
        serde_json::to_value(&error).unwrap(),
        serde_json::json!([{
            "line": 4, "column": 7, "key": "budget[0].usd", "of": "budget \"checkout\"",
            "message": "$0.00 is out of range; accepted: above 0 and up to 1,000,000,000",
        }])
    );
}

/// Every number in the schema: its TOML path, and its schema.
fn numbers(root: &Value, schema: &Value, path: &str, found: &mut Vec<(String, Value)>) {
    let target = schema.get("$ref").and_then(Value::as_str);
    let target = target.or_else(|| schema["anyOf"][0]["$ref"].as_str());
    if target.is_some_and(|name| name.ends_with("/Usd")) || schema.to_string().contains("\"integer\"") {
        if schema.get("properties").is_none() {
            found.push((path.to_owned(), schema.clone()));
            return;
        }
    } else if let Some(name) = target.and_then(|target| target.strip_prefix("#/$defs/")) {
        return numbers(root, &root["$defs"][name], path, found);
    }
    if let Some(items) = schema["items"]["$ref"].as_str() {
        let name = items.strip_prefix("#/$defs/").unwrap();
        return numbers(root, &root["$defs"][name], path, found);
    }
    for (key, property) in schema["properties"].as_object().into_iter().flatten() {
        let dot = if path.is_empty() { "" } else { "." };
        numbers(root, property, &format!("{path}{dot}{key}"), found);
    }
}

/// A policy with one value in one place and everything that surrounds it valid.
fn with_value(path: &str, value: &str) -> String {
    match path.split_once('.') {
        None => format!("{path} = {value}\n"),
        Some(("companion", key)) => format!("[[companion]]\nfunctions = \"*\"\n{key} = {value}\n"),
        Some(("budget", "thresholds_percent")) => {
            with_budget(&format!("{MONTHLY}thresholds_percent = [{value}]\n"))
        }
        Some(("budget", key)) => with_budget(&format!("period = \"month\"\n{key} = {value}\n")),
        Some((table, key)) => format!("[{table}]\n{key} = {value}\n"),
    }
}

#[test]
fn schema_documentation_and_validator_agree_on_every_boundary() {
    let root = Policy::schema();
    let mut found = Vec::new();
    numbers(&root, &root, "", &mut found);
    assert_eq!(found.len(), 21, "{found:#?}");
    for (path, schema) in found {
        let range = if path == "budget.thresholds_percent" { &schema["items"] } else { &schema };
        let max = &range["maximum"];
        let (least, below) = match (range.get("minimum"), range.get("exclusiveMinimum")) {
            (Some(min), None) if min == 0.01 => ("0.01".to_owned(), "0.009999999999".to_owned()),
            (Some(min), None) => (min.to_string(), (min.as_i64().unwrap() - 1).to_string()),
            (None, Some(zero)) => ("0.000001".to_owned(), zero.to_string()),
            other => panic!("{path} has no lower end: {other:?}"),
        };
        let most = max.as_u64().unwrap();
        let above =
            if path.contains("usd") { format!("\"{most}.000000000001\"") } else { (most + 1).to_string() };
        for accepted in [&least, &most.to_string()] {
            let read = Policy::from_toml(&with_value(&path, accepted));
            assert!(read.is_ok(), "{path} = {accepted}: {read:?}");
        }
        for outside in [&below, &above] {
            let told = refused(&with_value(&path, outside));
            assert!(
                told.len() == 1 && told[0].contains(path.rsplit('.').next().unwrap()),
                "{path}: {told:?}"
            );
        }
        let documented = schema["description"].as_str().unwrap();
        let most = crate::money::grouped(most.into());
        let words = match path.as_str() {
            "schema" => "Always 1".to_owned(),
            "budget.usd" => format!("above 0 and up to {most}"),
            _ => format!("{least} to {most}"),
        };
        assert!(documented.contains(&words), "{path}: {documented:?} does not say {words:?}");
    }
}

#[test]
fn budget_names_are_one_to_sixty_four_plain_characters() {
    let named = |name: &str| Policy::from_toml(&format!("[[budget]]\nname = {name:?}\n{MONTHLY}"));
    for good in ["a", "A-9_z.", &"x".repeat(64)] {
        assert!(named(good).is_ok(), "{good}");
    }
    for bad in ["", "tag:checkout", "a b", "ä", &"x".repeat(65)] {
        let told = named(bad).unwrap_err().to_string();
        assert!(told.contains("is not a name; accepted: 1 to 64 letters, digits, `-`, `_` or `.`"), "{told}");
    }
    assert_eq!(
        Policy::schema()["$defs"]["Budget"]["properties"]["name"]["pattern"],
        syntax::BUDGET_NAME_PATTERN
    );
}

#[test]
fn key_paths_quote_what_toml_would_quote() {
    let path = KeyPath::default().key("a-b_1").index(2).key("c.d").key("");
    assert_eq!(path.to_string(), "a-b_1[2].\"c.d\".\"\"");
    assert_eq!(path.parent().unwrap().to_string(), "a-b_1[2].\"c.d\"");
    assert_eq!(KeyPath::default().parent(), None);
}

prop_compose! {
    fn any_budget(index: usize)(
        usd in prop::option::of(1_i128..=1_000_000_000_000_000_000_000),
        count in 1_u64..=1_000_000_000_000,
        period in prop::sample::select(vec![Period::Hour, Period::Day, Period::Week, Period::Month]),
        mode in prop::sample::select(vec![Mode::Observe, Mode::Alert, Mode::Cap, Mode::Stop]),
        thresholds in prop::collection::btree_set(1_u32..=1000, 0..5),
        flags in prop::array::uniform6(any::<bool>()),
        functions in prop::option::of("[a-zA-Z0-9_*?-]{1,20}"),
        tags in prop::collection::btree_map("[a-z .=:/@+-]{1,12}", "[ -~]{0,12}", 0..3),
    ) -> Budget {
        let acts = mode >= Mode::Cap;
        Budget {
            name: format!("budget-{index}"),
            scope: Scope { functions, tags },
            period,
            usd: usd.map(Usd::from_picos),
            invocations: usd.is_none().then_some(count),
            mode,
            thresholds_percent: thresholds.into_iter().collect(),
            slack: flags[0].then(|| Slack::of_minutes(1 + u32::try_from(count % 3000).unwrap().min(period.minutes() - 1))),
            below_floor: if flags[1] { BelowFloor::Stop } else { BelowFloor::KeepFloor },
            allow_event_loss: flags[2],
            at_rollover: if flags[3] { AtRollover::Hold } else { AtRollover::Release },
            envelope: flags[4] && acts,
            guarantee: flags[5] && acts && usd.is_some(),
        }
    }
}

prop_compose! {
    fn any_policy()(
        armed in any::<bool>(),
        timezone in prop::sample::select(chrono_tz::TZ_VARIANTS.as_slice()),
        (metric_lag_s, tick_s, actuation_s, decay_half_life_min) in (60_u32..=900, 60_u32..=2000, 0_u32..=600, 1_u32..=1440),
        (headroom_percent, minimum) in (100_u32..=1000, 1_u32..=1000),
        (cooldown_min, calm_min, flap_window_h, realert_min) in (1_u32..=10_080, 1_u32..=1440, 1_u32..=168, 5_u32..=10_080),
        (actions_per_tick, keep_unreserved, overrun) in (1_u32..=100, prop::option::of(0_u32..=100_000), prop::option::of(1_000_000_000_000_i128..=1_000_000_000_000_000_000)),
        flags in prop::array::uniform3(any::<bool>()),
        runbook in "[!-~]{1,300}",
        protected in prop::collection::vec("[a-z*?-]{1,10}|tag:[a-z]{1,5}(=[a-z*]{0,4})?|arn:aws:lambda:\\*:\\*:function:[a-z*]{1,5}", 0..4),
        companion in prop::option::of((0_u64..=10_000_000, 0_i128..=1_000_000_000_000_000_000, 0_u32..=60_000)),
        budget in (any_budget(0), any_budget(1), 0_usize..=2),
    ) -> Policy {
        Policy {
            schema: 1,
            armed,
            timezone: timezone.name().to_owned(),
            free_tier: if flags[0] { FreeTier::Deduct } else { FreeTier::Ignore },
            timing: Timing { metric_lag_s, tick_s, actuation_s, decay_half_life_min },
            protected,
            floor: Floor { headroom_percent, minimum },
            tags: Tags { mode: if flags[1] { Mode::Cap } else { Mode::Alert }, floor: minimum },
            release: Release { cooldown_min, calm_min, flap_window_h, reassert: flags[1] },
            alerts: Alerts { realert_min, runbook },
            limits: Limits {
                actions_per_tick,
                keep_unreserved,
                no_room: if flags[2] { NoRoom::Stop } else { NoRoom::Alert },
                own_cost_usd_per_month: overrun.map(Usd::from_picos),
            },
            companion: companion.into_iter().map(|(log_bytes, other, init_ms)| Companion {
                log_bytes,
                other_usd_per_million: Usd::from_picos(other),
                init_ms,
                front_door: FrontDoor::HttpApi,
                ..Companion::default()
            }).collect(),
            budget: [budget.0, budget.1].into_iter().take(budget.2).collect(),
        }
    }
}

proptest! {
    #[test]
    fn a_valid_policy_survives_being_written_and_read(policy in any_policy()) {
        prop_assert_eq!(policy.validate(), Ok(()));
        let text = toml::to_string(&policy).unwrap();
        prop_assert_eq!(Policy::from_toml(&text), Ok(policy), "{}", text);
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "\\PC{0,80}") {
        drop(Policy::from_toml(&text));
    }

    #[test]
    fn no_text_that_is_nearly_a_policy_makes_the_reader_panic_and_each_problem_fills_one_line(
        lines in prop::collection::vec(
            (
                prop::sample::select(vec![
                    "[timing]", "[[budget]]", "[[companion]]", "tick_s", "name", "usd", "period", "mode", "scope",
                    "scope.tags", "functions", "thresholds_percent", "protected", "timezone", "armed", "\"a\\nb\"",
                ]),
                prop::sample::select(vec![
                    "1", "-1", "\"\"", "\"day\"", "\"a\\nb\"", "[]", "[1, \"x\"]", "{}", "{ functions = 1 }", "{ tags = { \"\\n\" = \"ü\" } }",
                    "1e300", "nan", "true", "\"Mars/Olympus\"", "1979-05-27", "[\"\\n\", \"arn:\", \"tag:\"]",
                ]),
            ),
            0..12,
        )
    ) {
        let line = |(key, value): &(&str, &str)| if key.starts_with('[') { (*key).to_owned() } else { format!("{key} = {value}") };
        let text = lines.iter().map(line).collect::<Vec<_>>().join("\n");
        if let Err(error) = Policy::from_toml(&text) {
            prop_assert_eq!(error.to_string().lines().count(), error.problems.len(), "{}", error);
        }
    }
}

#[test]
fn a_text_that_is_nested_too_deeply_is_refused_at_its_place() {
    let told = |text: &str| Policy::from_toml(text).unwrap_err().to_string();
    let lists = format!("armed = true\na = {}", "[".repeat(500));
    assert!(told(&lists).starts_with("line 2, column 85: "), "{}", told(&lists));
    let keys = format!("armed = true\n{}a = 1\n", "a.".repeat(500));
    assert!(told(&keys).starts_with("line 2, column 1: "), "{}", told(&keys));
}
