//! One binary for what spans modules and crates: stories of incidents, promises, and the tidiness of the tree.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod borders;
mod circles;
mod incidents;
mod levers_by_others;
mod looking;
mod money_and_traffic;
mod other_people;
mod policy_changes;
mod properties;
mod published_bound;
mod replays;
mod restoring;
mod scenarios;
mod standing;
mod tidy;

use guard_core::policy::Policy;

/// A policy from TOML, checked as a user's would be.
fn policy(text: &str) -> Policy {
    Policy::from_toml(text).unwrap_or_else(|error| panic!("{error}"))
}

/// An armed policy with one budget of $10 a day over everything that may cap.
fn ten_dollars_a_day() -> Policy {
    policy(
        r#"
        armed = true
        [[budget]]
        name = "day"
        period = "day"
        usd = 10
        mode = "cap"
        "#,
    )
}
