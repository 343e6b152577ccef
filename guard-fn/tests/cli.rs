//! The built binary, asked as a person or a pipeline would ask it.
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail the test")]

use std::collections::BTreeSet;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

struct Answer {
    code: i32,
    output: String,
    error: String,
}

/// Runs the binary in the repository's root.
fn ask(arguments: &[&str], input: &str) -> Answer {
    let mut child = Command::new(env!("CARGO_BIN_EXE_guard-fn"))
        .args(arguments)
        .current_dir(root())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let done = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Answer { code: done.status.code().unwrap(), output: text(done.stdout), error: text(done.stderr) }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn repository_file(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap()
}

const BUDGET: &str = "[[budget]]\nname = \"a\"\nperiod = \"month\"\nusd = 400\n";

#[test]
fn a_valid_policy_is_told_in_sentences() {
    let answer = ask(&["policy", "check", "infra/policy/minimal.toml"], "");
    assert_eq!((answer.code, answer.error.as_str()), (0, ""));
    assert_eq!(
        answer.output,
        "infra/policy/minimal.toml: ok\n  \
         disarmed: everything is reported, nothing is changed\n  \
         periods begin at midnight in UTC\n  \
         330 s from cause to effect\n  \
         budget account: $400.00 per month for the whole account and region; alerts once $6.67 above usual are spent and it would break, and when it is used up; warns at 50 %, 75 %, 90 %, 100 %\n  \
         watching costs at most $5.00 a month, or $3.00 per 1,000 functions where that is more\n  \
         not known without a guard's memory (--state FILE): whether usual traffic alone uses up a budget\n"
    );
}

#[test]
fn every_part_of_a_budget_is_told() {
    let answer = ask(&["policy", "check", "infra/policy/complete.toml"], "");
    assert_eq!((answer.code, answer.error.as_str()), (0, ""));
    for line in [
        "  periods begin at midnight in Europe/Berlin\n",
        "  never touched: login, payment-*, arn:aws:lambda:eu-central-1:123456789012:function:audit, tag:tier=critical, tag:never-cap\n",
        "; caps once $6.67 above usual are spent and it would break, and when it is used up; warns at 50 %, 75 %, 90 %, 100 %; guaranteed\n",
        "  budget checkout-daily: $12.50 per day for functions checkout-* with tag team = shop; caps once $0.5209 above usual are spent and it would break, and when it is used up; warns",
        "  budget thumbnails: 200,000 invocations per hour for functions thumbnail-?; alerts once 100,000 invocations above usual are spent and it would break, and when it is used up\n",
    ] {
        assert!(answer.output.contains(line), "{line:?} is missing in\n{}", answer.output);
    }
    let text = "armed = true\n[[budget]]\nname=\"a\"\nperiod=\"week\"\ninvocations=999\nmode=\"stop\"\nenvelope=true\nthresholds_percent=[]\n\
                [[budget]]\nname=\"b\"\nperiod=\"day\"\ninvocations=1000000\nmode=\"observe\"";
    let answer = ask(&["policy", "check", "-"], text);
    for line in [
        "  armed: caps are applied\n",
        "  budget a: 999 invocations per week for the whole account and region; stops once 35 invocations above usual are spent and it would break, and when it is used up; standing cap\n",
        "  budget b: 1,000,000 invocations per day for the whole account and region; only recorded; warns",
    ] {
        assert!(answer.output.contains(line), "{line:?} is missing in\n{}", answer.output);
    }
    let none = ask(&["policy", "check", "-"], "");
    assert!(none.output.contains("  no budget: only functions with a tag dow-guard:monthly-usd have one\n"));
}

#[test]
fn an_invalid_policy_ends_with_3_and_shows_each_problem_in_its_line_on_standard_error() {
    let answer = ask(&["policy", "check", "-"], "[timing]\ntick_s = 5\n[floor]\nminimum = 0\n");
    assert_eq!((answer.code, answer.output.as_str()), (3, ""));
    assert_eq!(
        answer.error,
        "-: line 2, column 10: timing.tick_s: 5 is out of range; accepted: 60 to 3,600\n  2 | tick_s = 5\n    |          ^\n\
         -: line 4, column 11: floor.minimum: 0 is out of range; accepted: 1 to 1,000\n  4 | minimum = 0\n    |           ^\n\
         docs/policy.md explains every key; `guard-fn policy schema` prints them for an editor.\n"
    );
}

#[test]
fn a_missing_file_ends_with_4_and_the_others_are_still_checked() {
    let answer = ask(&["policy", "check", "no-such.toml", "-", "infra/policy/minimal.toml"], "schema = 2");
    assert_eq!(answer.code, 4);
    assert!(answer.error.starts_with("no-such.toml: cannot read: "), "{}", answer.error);
    assert!(answer.error.contains("-: line 1, column 10: schema: 2 is out of range; accepted: 1\n"));
    assert!(answer.output.starts_with("infra/policy/minimal.toml: ok\n"));
}

#[test]
fn a_usage_error_ends_with_2_and_help_and_version_with_0() {
    for wrong in [&["policy", "check"][..], &["polcy"], &[], &["policy", "schema", "--yaml"]] {
        let answer = ask(wrong, "");
        assert_eq!((answer.code, answer.output.as_str()), (2, ""), "{wrong:?}");
        assert!(!answer.error.is_empty());
    }
    let help = ask(&["--help"], "");
    assert_eq!((help.code, help.error.as_str()), (0, ""));
    assert!(help.output.contains("3 a policy is invalid, 4 a file cannot be read"), "{}", help.output);
    assert_eq!(ask(&["--version"], "").code, 0);
}

#[test]
fn json_answers_are_one_line_for_valid_and_invalid_and_unreadable_files() {
    let answer =
        ask(&["policy", "check", "--json", "infra/policy/minimal.toml", "-", "no-such.toml"], "armed = 1");
    assert_eq!((answer.code, answer.error.as_str(), answer.output.lines().count()), (4, "", 1));
    let answers: Value = serde_json::from_str(&answer.output).unwrap();
    assert_eq!(answers[0]["ok"], true);
    assert_eq!(answers[0]["file"], "infra/policy/minimal.toml");
    assert_eq!(answers[0]["policy"]["budget"][0]["usd"], "400");
    assert_eq!(answers[1]["ok"], false);
    assert_eq!(answers[1]["problems"][0]["key"], "armed");
    assert_eq!(
        (&answers[1]["problems"][0]["line"], &answers[1]["problems"][0]["column"]),
        (&json!(1), &json!(9))
    );
    assert_eq!(answers[2]["ok"], false);
    assert!(answers[2]["error"].is_string());
    assert_eq!(ask(&["policy", "--json", "check", "-"], BUDGET).code, 0);
}

#[test]
fn the_schema_in_the_repository_is_the_one_the_binary_prints() {
    let answer = ask(&["policy", "schema"], "");
    assert_eq!((answer.code, answer.error.as_str()), (0, ""));
    assert_eq!(
        answer.output,
        repository_file("infra/policy/schema.json"),
        "run: cargo run --locked -p guard-fn -- policy schema > infra/policy/schema.json"
    );
    let one_line = ask(&["policy", "schema", "--json"], "");
    assert_eq!(one_line.output.lines().count(), 1);
    let (short, long): (Value, Value) =
        (serde_json::from_str(&one_line.output).unwrap(), serde_json::from_str(&answer.output).unwrap());
    assert_eq!(short, long);
}

/// The keys a schema knows, as `table.key`.
fn known_keys(root: &Value, schema: &Value, path: &str, keys: &mut BTreeSet<String>) {
    let reference = schema["$ref"].as_str().or_else(|| schema["items"]["$ref"].as_str());
    let schema = match reference.and_then(|path| path.strip_prefix("#/$defs/")) {
        Some(name) => &root["$defs"][name],
        None => schema,
    };
    for (key, property) in schema["properties"].as_object().into_iter().flatten() {
        keys.insert(format!("{path}{key}"));
        known_keys(root, property, &format!("{path}{key}."), keys);
    }
}

/// The keys a policy uses.
fn used_keys(value: &toml::Value, path: &str, keys: &mut BTreeSet<String>) {
    match value {
        toml::Value::Table(table) => {
            for (key, value) in table {
                keys.insert(format!("{path}{key}"));
                used_keys(value, &format!("{path}{key}."), keys);
            }
        }
        toml::Value::Array(array) => array.iter().for_each(|value| used_keys(value, path, keys)),
        _ => {}
    }
}

#[test]
fn the_complete_policy_uses_every_key_there_is() {
    let schema: Value = serde_json::from_str(&repository_file("infra/policy/schema.json")).unwrap();
    let (mut known, mut used) = (BTreeSet::new(), BTreeSet::new());
    known_keys(&schema, &schema, "", &mut known);
    let complete: toml::Value = toml::from_str(&repository_file("infra/policy/complete.toml")).unwrap();
    used_keys(&complete, "", &mut used);
    assert!(known.len() > 40, "{known:?}");
    assert_eq!(known.difference(&used).collect::<Vec<_>>(), Vec::<&String>::new());
}

#[test]
fn a_reader_who_has_seen_enough_is_no_error() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_guard-fn"))
        .args(["policy", "schema"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let done = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&done.stderr), "");
    assert_eq!(done.status.code(), Some(0));
}

/// A memory of a function that spends $2 an hour, hour by hour for two weeks.
fn memory_of_two_dollars_an_hour(file: &std::path::Path) {
    use guard_core::baseline::Profile;
    use guard_core::inventory::Function;
    use guard_core::ledger::FunctionLedger;
    use guard_core::money::Usd;
    use guard_core::time::Hour;
    let mut memory = guard_fn::memory::Memory::new("us-east-1".into());
    memory.survey.inventory.functions = vec![Function::new("shop", 1024, 10), Function::new("new", 1024, 10)];
    let now = chrono::DateTime::parse_from_rfc3339("2026-11-02T08:00:00Z").unwrap().to_utc();
    let mut profile = Profile::default();
    for back in (1..=336).rev() {
        profile.record(Hour::of(now).plus(-back), Usd::from_dollars(2), 3);
    }
    profile.refresh();
    let mut ledger = FunctionLedger::new("shop".into());
    ledger.profile = profile;
    memory.state.functions = vec![ledger];
    memory.state.last_tick = Some(now);
    std::fs::write(file, serde_json::to_vec(&memory).unwrap()).unwrap();
}

#[test]
fn with_a_memory_a_budget_that_usual_traffic_uses_up_is_warned_of() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state.json");
    memory_of_two_dollars_an_hour(&state);
    let check = |usd: u32| {
        let policy = format!("[[budget]]\nname = \"a\"\nperiod = \"day\"\nusd = {usd}\n");
        ask(&["policy", "check", "-", "--state", &state.display().to_string()], &policy)
    };
    let small = check(40);
    assert_eq!(small.code, 0, "{}", small.error);
    let wanted = "-: warning: budget a: usual traffic alone spends about $48.00 in its period of 1440 min, and the amount is \
                  $40.00: it alarms without an incident\n";
    assert!(small.error.contains(wanted), "{}", small.error);
    assert!(small.error.contains("1 of 2 functions have no history yet"), "{}", small.error);
    assert!(small.output.contains("  watching 2 functions costs at most $"), "{}", small.output);
    assert!(!small.output.contains("not known without"), "{}", small.output);
    let large = check(50);
    assert!(!large.error.contains("usual traffic alone"), "{}", large.error);
    let none = ask(&["policy", "check", "-", "--state", "no-such.json"], BUDGET);
    assert_eq!(none.code, 4);
    assert!(none.error.contains("no-such.json: cannot read the memory: "), "{}", none.error);
}
