//! Who is covered and who is protected.

use super::*;

fn function(name: &str, tags: &[(&str, &str)]) -> Function {
    let mut function = Function::new(name, 128, 3);
    function.tags = tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    function
}

fn scope(functions: Option<&str>, tags: &[(&str, &str)]) -> ScopeMatcher {
    Scope { functions: functions.map(str::to_owned), tags: function("", tags).tags }.compile()
}

fn protected(entry: &str) -> Protected {
    Protected::compile(&[entry.to_owned()])
}

#[test]
fn a_scope_without_criteria_is_everything() {
    assert!(scope(None, &[]).is_everything());
    assert!(scope(Some("*"), &[]).is_everything());
    assert!(scope(Some("**"), &[]).is_everything());
    assert!(!scope(Some("a*"), &[]).is_everything());
    assert!(!scope(Some("?"), &[]).is_everything());
    assert!(!scope(None, &[("team", "*")]).is_everything(), "not every function has the tag");
    assert!(scope(Some("*"), &[]).matches(&function("anything", &[])));
}

#[test]
fn a_scope_matches_by_exact_name_or_pattern() {
    assert!(scope(Some("checkout"), &[]).matches(&function("checkout", &[])));
    assert!(!scope(Some("checkout"), &[]).matches(&function("checkout-2", &[])));
    assert!(scope(Some("checkout-?"), &[]).matches(&function("checkout-2", &[])));
    assert!(!scope(Some("checkout-?"), &[]).matches(&function("checkout-22", &[])));
    assert!(scope(Some("*-api"), &[]).matches(&function("shop-api", &[])));
    assert!(!scope(Some("Checkout"), &[]).matches(&function("checkout", &[])));
}

#[test]
fn a_scope_wants_every_tag_with_its_value_and_the_name_as_well() {
    let both = scope(Some("a*"), &[("team", "shop-*"), ("stage", "prod")]);
    assert!(both.matches(&function("a1", &[("team", "shop-eu"), ("stage", "prod"), ("x", "y")])));
    assert!(!both.matches(&function("b1", &[("team", "shop-eu"), ("stage", "prod")])));
    assert!(!both.matches(&function("a1", &[("team", "shop-eu")])));
    assert!(!both.matches(&function("a1", &[("team", "shop-eu"), ("stage", "dev")])));
    let empty = scope(None, &[("team", "")]);
    assert!(empty.matches(&function("f", &[("team", "")])));
    assert!(!empty.matches(&function("f", &[("team", "x")])));
}

#[test]
fn a_scope_of_one_function_takes_its_name_literally() {
    let only = ScopeMatcher::only(&FunctionName::from("*"));
    assert!(!only.matches(&function("a", &[])));
    assert!(!only.is_everything());
    assert!(ScopeMatcher::only(&FunctionName::from("a")).matches(&function("a", &[])));
}

#[test]
fn protection_by_name_and_pattern() {
    assert!(protected("login").matches(&function("login", &[])));
    assert!(!protected("login").matches(&function("login2", &[])));
    assert!(protected("log*").matches(&function("login2", &[])));
    assert!(!protected("log*").matches(&function("blog", &[])));
    assert!(protected("*").matches(&function("anything", &[])));
    assert!(!Protected::default().matches(&function("anything", &[])));
}

#[test]
fn protection_by_tag_with_any_or_with_one_value() {
    assert!(protected("tag:keep").matches(&function("f", &[("keep", "")])));
    assert!(!protected("tag:keep").matches(&function("f", &[("other", "keep")])));
    assert!(protected("tag:tier=crit*").matches(&function("f", &[("tier", "critical")])));
    assert!(!protected("tag:tier=crit*").matches(&function("f", &[("tier", "low")])));
    assert!(!protected("tag:tier=crit*").matches(&function("f", &[])));
    assert!(!protected("tag:keep").matches(&function("keep", &[])));
}

#[test]
fn protection_by_arn_compares_region_and_account() {
    let mut audit = function("audit", &[]);
    audit.arn = Some("arn:aws:lambda:eu-central-1:1:function:audit".to_owned());
    assert!(protected("arn:aws:lambda:eu-central-1:1:function:audit").matches(&audit));
    assert!(protected("arn:aws:lambda:eu-central-1:1:function:audit:PROD").matches(&audit));
    assert!(protected("arn:aws:lambda:*:*:function:aud*").matches(&audit));
    assert!(protected("arn:aws:lambda:*").matches(&audit));
    assert!(!protected("arn:aws:lambda:eu-central-1:2:function:audit").matches(&audit));
    assert!(!protected("arn:aws:lambda:eu-central-1:1:function:aud").matches(&audit));
    assert!(!protected("arn:aws:lambda:us-*").matches(&audit));
    audit.arn = Some("arn:aws:lambda:eu-central-1:1:function:audit:7".to_owned());
    assert!(protected("arn:aws:lambda:eu-central-1:1:function:audit").matches(&audit));
}

#[test]
fn a_function_of_unknown_arn_is_protected_by_its_name() {
    let audit = function("audit", &[]);
    assert!(protected("arn:aws:lambda:eu-central-1:1:function:audit").matches(&audit));
    assert!(protected("arn:aws:lambda:eu-central-1:1:function:a*").matches(&audit));
    assert!(protected("arn:aws:lambda:*").matches(&audit));
    assert!(!protected("arn:aws:lambda:eu-central-1:1:function:other").matches(&audit));
}

#[test]
fn a_function_protects_itself_by_tag() {
    assert!(Protected::default().matches(&function("f", &[("dow-guard:protect", "true")])));
    assert!(Protected::default().matches(&function("f", &[("dow-guard:protect", "maybe")])));
    assert!(!Protected::default().matches(&function("f", &[("dow-guard:protect", "false")])));
    assert!(protected("f").matches(&function("f", &[("dow-guard:protect", "false")])), "the list stands");
}

#[test]
fn an_unreadable_entry_is_taken_as_a_name() {
    assert!(!protected("").matches(&function("f", &[])));
    assert!(protected("arn:").matches(&function("arn:", &[])));
}
