//! The small languages, character by character.

use super::*;

#[test]
fn a_name_pattern_has_letters_digits_and_four_signs() {
    for good in ["a", "A-z_09", "*", "?", "checkout-*", &"x".repeat(64), &format!("*{}*", "?".repeat(64))] {
        assert_eq!(check_name_pattern(good), Ok(()), "{good}");
    }
    for (bad, told) in [
        ("", "\"\" is empty"),
        ("a.b", "contains '.'"),
        ("a,b", "contains ','"),
        ("name:PROD", "contains ':'"),
        (" a", "contains ' '"),
        ("ä", "contains 'ä'"),
    ] {
        let error = check_name_pattern(bad).unwrap_err();
        assert!(
            error.contains(told) && error.contains("accepted: a function's name or a pattern"),
            "{error}"
        );
    }
    let error = check_name_pattern(&format!("{}*", "x".repeat(65))).unwrap_err();
    assert!(error.contains("asks for 65 characters or more; accepted: up to 64"), "{error}");
}

#[test]
fn tag_keys_are_exact_and_limited_and_values_may_be_patterns() {
    assert_eq!(check_tag_key(&"ä".repeat(128)), Ok(()));
    assert!(check_tag_key(&"x".repeat(129)).unwrap_err().contains("129 characters; accepted: 1 to 128"));
    assert!(check_tag_key("").unwrap_err().contains("0 characters"));
    assert!(check_tag_key("te*m").unwrap_err().contains("wildcard"));
    assert!(check_tag_key("te?m").unwrap_err().contains("wildcard"));
    assert_eq!(check_tag_value(""), Ok(()));
    assert_eq!(check_tag_value(&"ä".repeat(256)), Ok(()));
    assert!(check_tag_value(&"x".repeat(257)).is_err());
}

#[test]
fn a_protected_entry_is_a_name_a_tag_or_an_arn() {
    assert_eq!(protected_entry("login-*"), Ok(ProtectedEntry::Name("login-*")));
    assert_eq!(protected_entry("tag:tier"), Ok(ProtectedEntry::Tag { key: "tier", value: None }));
    assert_eq!(protected_entry("tag:tier="), Ok(ProtectedEntry::Tag { key: "tier", value: Some("") }));
    assert_eq!(protected_entry("tag:a:b=c=*"), Ok(ProtectedEntry::Tag { key: "a:b", value: Some("c=*") }));
    let arn = "arn:aws:lambda:eu-central-1:123456789012:function:audit";
    let expected = ProtectedEntry::Arn { whole: arn.to_owned(), name: Some("audit") };
    assert_eq!(protected_entry(arn), Ok(expected.clone()));
    assert_eq!(
        protected_entry(&format!("{arn}:PROD")),
        Ok(expected),
        "a version or alias means its function"
    );
    for open in ["arn:*", "arn:aws:lambda:*", "arn:aws:lam*", "arn:aws:lambda:eu-central-1:1:function*"] {
        assert_eq!(
            protected_entry(open),
            Ok(ProtectedEntry::Arn { whole: open.to_owned(), name: None }),
            "{open}"
        );
    }
}

#[test]
fn a_protected_entry_that_would_protect_nothing_is_refused() {
    for (bad, told) in [
        ("", "would protect nothing"),
        (" \t", "would protect nothing"),
        ("tag:", "0 characters"),
        ("tag:=x", "0 characters"),
        ("arn:", "empty parts or too many"),
        ("arn:aws:lambda::1:function:a", "empty parts or too many"),
        ("arn:aws:lambda:r:1:function:a:b:c", "empty parts or too many"),
        ("arn:aws:lambda:r:1:function", "ends before the function's name"),
        ("arn:aws:s3:r:1:function:a", "part 3 is not `lambda`"),
        ("arn:aws:lambda:r:1:layer:a", "part 6 is not `function`"),
        ("arn:aws:lambda:r:1:function:a.b", "contains '.'"),
        ("my function", "contains ' '"),
    ] {
        let error = protected_entry(bad).unwrap_err();
        assert!(error.contains(told), "{bad:?}: {error}");
    }
    assert!(protected_entry(&format!("tag:a={}", "x".repeat(257))).is_err());
}

#[test]
fn a_qualifier_is_cut_off_and_nothing_else() {
    assert_eq!(unqualified("arn:aws:lambda:r:1:function:a"), "arn:aws:lambda:r:1:function:a");
    assert_eq!(unqualified("arn:aws:lambda:r:1:function:a:7"), "arn:aws:lambda:r:1:function:a");
    assert_eq!(unqualified(""), "");
}
