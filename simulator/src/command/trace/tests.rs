use super::*;

#[test]
fn a_rename_is_a_pattern_and_a_name() {
    let told = |pattern: &str, name: &str| Ok(Rename { pattern: pattern.to_owned(), name: name.to_owned() });
    assert_eq!(rename("/api/*=api"), told("/api/*", "api"));
    assert_eq!(rename("a=b=c"), told("a=b", "c"));
    for wrong in ["", "a", "=b", "a=", "a= "] {
        assert!(rename(wrong).is_err(), "{wrong:?}");
    }
}

#[test]
fn a_factor_is_exact_or_refused() {
    let told = |text: &str| factor(text).ok().map(|factor| factor.thousandths);
    assert_eq!(
        ["2", "0.1", "2.5", "0.001", "1000000"].map(told),
        [2000, 100, 2500, 1, 1_000_000_000].map(Some)
    );
    assert_eq!(["0", "0.0001", "1.2345", "-1", "1e3", "", "1000001", "x"].map(told), [None; 8]);
}

#[test]
fn a_start_is_a_day_or_a_minute() {
    let told = |text: &str| start(text).ok().map(|minute| minute.start().to_rfc3339());
    let eight = Some("2026-11-02T08:30:00+00:00".to_owned());
    assert_eq!(told("2026-11-02"), Some("2026-11-02T00:00:00+00:00".to_owned()));
    for same in ["2026-11-02T08:30", "2026-11-02T08:30Z", "2026-11-02T08:30:00Z", "2026-11-02T09:30:00+01:00"]
    {
        assert_eq!(told(same), eight, "{same}");
    }
    for wrong in ["", "today", "2026-13-01", "2026-11-02T08:30:01Z", "08:30"] {
        assert_eq!(told(wrong), None, "{wrong:?}");
    }
}

#[test]
fn a_range_of_minutes_is_two_numbers_in_order() {
    assert_eq!(minutes("0..120"), Ok(0..120));
    for wrong in ["", "5", "5..5", "6..5", "a..b", "-1..4", "1..=4"] {
        assert!(minutes(wrong).is_err(), "{wrong}");
    }
}
