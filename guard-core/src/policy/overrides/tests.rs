//! Tags as people type them.

use super::*;

fn tags(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn read(key: &str, value: &str) -> (FunctionOverrides, Vec<TagProblem>) {
    FunctionOverrides::from_tags(&tags(&[(key, value)]))
}

#[test]
fn tags_of_others_say_nothing() {
    let others = tags(&[("team", "shop"), ("dow-guard", "x"), ("my-dow-guard:mode", "cap"), ("ü", "x")]);
    assert_eq!(FunctionOverrides::from_tags(&others), (FunctionOverrides::default(), vec![]));
}

#[test]
fn all_four_tags_are_read() {
    let all = tags(&[
        ("dow-guard:mode", "cap"),
        ("dow-guard:monthly-usd", "12.5"),
        ("dow-guard:floor", "20"),
        ("dow-guard:protect", "true"),
    ]);
    let usd = Usd::from_picos(12_500_000_000_000);
    let expected = FunctionOverrides {
        mode: Some(Mode::Cap),
        monthly_usd: Some(usd),
        floor: Some(20),
        protect: true,
        ..FunctionOverrides::default()
    };
    assert_eq!(FunctionOverrides::from_tags(&all), (expected, vec![]));
}

#[test]
fn modes_are_four_words_in_any_case() {
    for (word, mode) in
        [("observe", Mode::Observe), ("Alert", Mode::Alert), (" CAP ", Mode::Cap), ("stop", Mode::Stop)]
    {
        assert_eq!(read("dow-guard:mode", word).0.mode, Some(mode), "{word}");
    }
    let (overrides, problems) = read("dow-guard:mode", "block");
    assert_eq!(overrides, FunctionOverrides::default());
    assert_eq!(
        problems[0].to_string(),
        "tag dow-guard:mode = \"block\" is not taken; accepted: observe, alert, cap or stop"
    );
}

#[test]
fn floors_are_one_to_a_hundred_thousand() {
    for (value, floor) in [
        ("1", Some(1)),
        ("100000", Some(100_000)),
        ("0", None),
        ("100001", None),
        ("-1", None),
        ("1.5", None),
    ] {
        let (overrides, problems) = read("dow-guard:floor", value);
        assert_eq!((overrides.floor, problems.is_empty()), (floor, floor.is_some()), "{value}");
    }
    assert_eq!(read("dow-guard:floor", "0").1[0].accepted, "a whole number, 1 to 100,000");
}

#[test]
fn monthly_amounts_are_plain_numbers_of_dollars() {
    for good in ["0.01", "400", "1000000000", " 5 "] {
        assert!(read("dow-guard:monthly-usd", good).1.is_empty(), "{good}");
    }
    for bad in ["0", "-5", "1000000000.01", "$400", "1,000", "", "much"] {
        let (overrides, problems) = read("dow-guard:monthly-usd", bad);
        assert_eq!(overrides.monthly_usd, None, "{bad}");
        assert_eq!(problems[0].value, bad);
        assert_eq!(
            problems[0].accepted,
            "a number of dollars, above 0 and up to 1,000,000,000, without separators"
        );
    }
}

#[test]
fn an_unreadable_wish_for_protection_protects_and_is_told() {
    for (value, protect, told) in
        [("true", true, 0), ("False", false, 0), ("yes", true, 1), ("", true, 1), ("0", true, 1)]
    {
        let (overrides, problems) = read("dow-guard:protect", value);
        assert_eq!((overrides.protect, problems.len()), (protect, told), "{value}");
        assert_eq!(FunctionOverrides::protects(&tags(&[("dow-guard:protect", value)])), protect);
    }
    assert_eq!(
        read("dow-guard:protect", "yes").1[0].accepted,
        "true or false; the function counts as protected"
    );
}

#[test]
fn a_mistyped_tag_is_told_and_one_that_meant_to_protect_protects() {
    for key in ["dow-guard:protcet", "Dow-Guard:Protect", "dow-guard:protected"] {
        let (overrides, problems) = read(key, "true");
        assert!(overrides.protect, "{key}");
        assert!(
            problems[0]
                .accepted
                .ends_with("did you mean dow-guard:protect? The function counts as protected")
        );
        assert!(FunctionOverrides::protects(&tags(&[(key, "true")])));
    }
    let (overrides, problems) = read("dow-guard:flor", "20");
    assert_eq!(overrides, FunctionOverrides::default());
    assert_eq!(
        problems[0].accepted,
        "the tags dow-guard:mode, dow-guard:monthly-usd, dow-guard:floor, dow-guard:protect; did you mean dow-guard:floor?"
    );
    let stranger = &read("dow-guard:something-else-altogether", "x").1[0];
    assert!(stranger.accepted.ends_with("dow-guard:protect"), "{stranger}");
}

#[test]
fn one_protecting_tag_is_enough() {
    let both = tags(&[("dow-guard:protcet", "x"), ("dow-guard:protect", "false")]);
    assert!(FunctionOverrides::from_tags(&both).0.protect);
    let reversed = tags(&[("Dow-guard:protect", "x"), ("dow-guard:protect", "false")]);
    assert!(FunctionOverrides::from_tags(&reversed).0.protect, "a later false does not take it back");
}

#[test]
fn a_problem_of_a_function_names_it() {
    let mut function = Function::new("checkout", 128, 3);
    function.tags = tags(&[("dow-guard:floor", "many")]);
    let (_, problems) = FunctionOverrides::of(&function, Tags::default());
    assert_eq!(
        problems[0].to_string(),
        "function checkout: tag dow-guard:floor = \"many\" is not taken; accepted: a whole number, 1 to 100,000"
    );
}

#[test]
fn a_tag_restrains_a_budget_and_never_allows_it_more() {
    let tagged = |mode| FunctionOverrides { mode, ..FunctionOverrides::default() };
    assert_eq!(tagged(None).restrain(Mode::Cap), Mode::Cap);
    assert_eq!(tagged(Some(Mode::Alert)).restrain(Mode::Stop), Mode::Alert);
    assert_eq!(tagged(Some(Mode::Stop)).restrain(Mode::Alert), Mode::Alert);
}

#[test]
fn a_tag_may_ask_for_no_more_than_the_policy_lets_it() {
    let mut function = Function::new("login", 128, 3);
    function.tags =
        tags(&[("dow-guard:monthly-usd", "0.01"), ("dow-guard:mode", "stop"), ("dow-guard:floor", "100000")]);
    let (read, problems) = FunctionOverrides::of(&function, Tags::default());
    assert_eq!((read.budget_mode, read.floor), (Mode::Alert, Some(100)));
    let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "function login: tag dow-guard:mode = \"stop\" is not taken; accepted: at most alert for a budget of tags, \
             which counts (the policy's tags.mode)",
            "function login: tag dow-guard:floor = \"100000\" is not taken; accepted: at most 100, which counts (the \
             policy's tags.floor)",
        ]
    );
    let (read, problems) = FunctionOverrides::of(&function, Tags { mode: Mode::Stop, floor: 100_000 });
    assert_eq!((read.budget_mode, read.floor, problems.len()), (Mode::Stop, Some(100_000), 0));
    // Without a budget of its own the mode only restrains, which a tag always may.
    function.tags.remove("dow-guard:monthly-usd");
    let (read, problems) = FunctionOverrides::of(&function, Tags { floor: 100_000, ..Tags::default() });
    assert_eq!((read.restrain(Mode::Cap), problems.len()), (Mode::Cap, 0));
}
