//! What the permission sets of `infra/iam` allow the guard.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

/// Every action of the sets that the guard's role has when it may act.
pub fn of_the_guard() -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../infra/iam");
    let mut actions = BTreeSet::new();
    for set in ["read", "act-by-tag", "alert", "memory", "policy"] {
        let text = std::fs::read_to_string(folder.join(format!("{set}.json"))).unwrap();
        let set: Value = serde_json::from_str(&text).unwrap();
        let statements = set["Statement"].as_array().unwrap();
        for action in statements.iter().map(|statement| &statement["Action"]) {
            let several = action.as_array().cloned().unwrap_or_else(|| vec![action.clone()]);
            actions.extend(several.iter().map(|action| action.as_str().unwrap().to_owned()));
        }
    }
    actions
}
