//! The command `dowsim`.
fn main() {}
