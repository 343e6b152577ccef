//! The embedded scenarios.

/// One of them.
#[derive(Clone, Copy, Debug)]
pub struct Embedded {
    /// Its name.
    pub name: &'static str,
    /// Its text.
    pub text: &'static str,
}

macro_rules! embedded {
    ($($name:literal),* $(,)?) => {
        &[$(Embedded { name: $name, text: include_str!(concat!("../scenarios/", $name, ".toml")) }),*]
    };
}

/// All of them, by name.
pub const ALL: &[Embedded] = embedded![
    "adaptive",
    "alert-only",
    "background-chained",
    "blast",
    "botnet-flood",
    "calm-azure-1350",
    "calm-azure-500",
    "calm-worldcup",
    "control-plane-down",
    "crypto-mining",
    "deploy-untrips",
    "disarmed",
    "dormant-woken",
    "duplicates-under-load",
    "envelope",
    "exponential-growth",
    "flapping",
    "flat-billions",
    "guarantee",
    "guard-outage",
    "late-metrics",
    "log-loop",
    "metric-blackout",
    "miner-respawn",
    "month-rollover",
    "new-function",
    "operator-interferes",
    "poison-uploads",
    "poison-without-destination",
    "provisioned",
    "pulse",
    "random-flood",
    "recursion-detected",
    "redos",
    "s3-recursion",
    "slow-burn",
    "slow-leech",
    "small-account",
    "small-account-stop",
    "sqs-retry-loop",
    "sqs-retry-storm",
    "stream-bisect",
    "stream-on-itself",
    "viral",
];

/// How alike two names must be for one to be suggested for the other (Jaro-Winkler).
const ALIKE: f64 = 0.8;

/// The scenario of that name.
///
/// # Errors
/// Where there is none: the one whose name is nearest.
pub fn find(name: &str) -> Result<&'static Embedded, String> {
    if let Some(found) = ALL.iter().find(|one| one.name == name) {
        return Ok(found);
    }
    let alike = |one: &&Embedded| strsim::jaro_winkler(one.name, name);
    let nearest = ALL.iter().max_by(|a, b| alike(a).total_cmp(&alike(b))).filter(|one| alike(one) >= ALIKE);
    let hint = nearest.map_or(String::new(), |one| format!(", perhaps {:?}", one.name));
    Err(format!(
        "no scenario is named {name:?}{hint}; `dowsim scenarios` lists them, and a file ends in .toml"
    ))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::load;

    #[test]
    fn every_scenario_file_is_embedded_under_its_name_and_can_be_made_ready() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios");
        let mut files: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
            .collect();
        files.sort();
        assert_eq!(files, ALL.iter().map(|one| one.name).collect::<Vec<_>>());
        for one in ALL {
            let loaded = load::scenario(one.name).unwrap_or_else(|failure| panic!("{failure}"));
            let scenario = loaded.scenario;
            for (what, text) in
                [("title", &scenario.title), ("story", &scenario.story), ("source", &scenario.source)]
            {
                assert!(!text.is_empty(), "{}: no {what}", one.name);
            }
            assert!(!scenario.policy.budget.is_empty(), "{}: no budget", one.name);
        }
    }

    #[test]
    fn a_mistyped_name_is_answered_with_the_nearest() {
        let told = find("botnet-flod").unwrap_err();
        assert!(told.contains("perhaps \"botnet-flood\""), "{told}");
        assert!(!find("xyz").unwrap_err().contains("perhaps"));
    }
}
