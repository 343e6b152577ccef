//! The embedded scenarios.

/// One of them.
#[derive(Clone, Copy, Debug)]
pub struct Embedded {
    /// Its name.
    pub name: &'static str,
    /// Its text.
    pub text: &'static str,
}

/// All of them, by name.
pub const ALL: &[Embedded] =
    &[Embedded { name: "botnet-flood", text: include_str!("../scenarios/botnet-flood.toml") }];

/// The scenario of that name.
///
/// # Errors
/// Where there is none.
pub fn find(name: &str) -> Result<&'static Embedded, String> {
    ALL.iter()
        .find(|one| one.name == name)
        .ok_or_else(|| format!("no scenario is named {name:?}; `dowsim scenarios` lists them"))
}
