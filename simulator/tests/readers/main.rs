//! Readers of traces, scenarios, inventories, policies, changes, expectations and tables of sweeps on inputs that were
//! spoiled: they never panic, and a refusal names the line, the column or the key. What more they promise is in
//! [`promise`], which the fuzz targets ask for too.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod large;
mod promise;
mod seeds;

use proptest::prelude::*;
use proptest::sample::Index;
use simulator::expect::{Expectation, METRICS};
use simulator::flood::Flood;
use simulator::patch::Patch;
use simulator::scenario::Scenario;
use simulator::scenarios;
use simulator::sweep::Table;

/// A way to spoil a text.
#[derive(Clone, Debug)]
enum Spoil {
    /// It ends here.
    Cut(Index),
    /// A character is something else.
    Replace(Index, char),
    /// Something stands in it that no reader likes.
    Insert(Index, &'static str),
    /// A line is there twice.
    Double(Index),
    /// Two lines have changed places.
    Swap(Index, Index),
    /// A line is missing.
    Drop(Index),
    /// What stands behind an equals sign or a comma is something else.
    Value(Index, &'static str),
    /// Line ends as another system writes them.
    Crlf,
    /// A mark at the beginning that some editors write.
    ByteOrderMark,
}

const ODD: &[&str] = &[
    "nan",
    "-nan",
    "inf",
    "-inf",
    "-1",
    "-0.0",
    "1e400",
    "99999999999999999999",
    "18446744073709551615",
    "0.1e-300",
    "\"\"",
    "\"",
    "\"\"\"",
    "[]",
    "[[",
    "{}",
    "{",
    "true",
    "\u{0}",
    "\u{feff}",
    "\r",
    "\u{1f4a5}",
    "1979-05-27T07:32:00Z",
    "\"1e99\"",
    "#",
    "=",
    ",",
    "*",
    "?",
    "\"9999-12-31T23:59:59Z\"",
];

fn spoil() -> impl Strategy<Value = Spoil> {
    let odd = || proptest::sample::select(ODD);
    prop_oneof![
        any::<Index>().prop_map(Spoil::Cut),
        (any::<Index>(), any::<char>()).prop_map(|(at, to)| Spoil::Replace(at, to)),
        (any::<Index>(), odd()).prop_map(|(at, odd)| Spoil::Insert(at, odd)),
        any::<Index>().prop_map(Spoil::Double),
        (any::<Index>(), any::<Index>()).prop_map(|(a, b)| Spoil::Swap(a, b)),
        any::<Index>().prop_map(Spoil::Drop),
        (any::<Index>(), odd()).prop_map(|(at, odd)| Spoil::Value(at, odd)),
        Just(Spoil::Crlf),
        Just(Spoil::ByteOrderMark),
    ]
}

fn spoiled(text: &str, how: &[Spoil]) -> String {
    how.iter().fold(text.to_owned(), one)
}

fn one(text: String, how: &Spoil) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut lines: Vec<&str> = text.lines().collect();
    if chars.is_empty() || lines.is_empty() {
        return text;
    }
    let joined = |lines: &[&str]| lines.iter().map(|line| format!("{line}\n")).collect::<String>();
    let split = |at: &Index| chars.split_at(at.index(chars.len()));
    match how {
        Spoil::Cut(at) => split(at).0.iter().collect(),
        Spoil::Replace(at, to) => {
            let (before, after) = split(at);
            before.iter().chain([to]).chain(&after[1..]).collect()
        }
        Spoil::Insert(at, odd) => {
            let (before, after) = split(at);
            before.iter().collect::<String>() + odd + &after.iter().collect::<String>()
        }
        Spoil::Double(at) => {
            let place = at.index(lines.len());
            lines.insert(place, lines[place]);
            joined(&lines)
        }
        Spoil::Swap(a, b) => {
            let (a, b) = (a.index(lines.len()), b.index(lines.len()));
            lines.swap(a, b);
            joined(&lines)
        }
        Spoil::Drop(at) => {
            lines.remove(at.index(lines.len()));
            joined(&lines)
        }
        Spoil::Value(at, odd) => {
            let places: Vec<usize> =
                lines.iter().enumerate().filter(|(_, l)| l.contains(['=', ','])).map(|(i, _)| i).collect();
            if places.is_empty() {
                return text;
            }
            let place = places[at.index(places.len())];
            let line = lines[place];
            let cut = line.find(['=', ',']).map_or(line.len(), |cut| cut + 1);
            let changed = format!("{} {odd}", &line[..cut]);
            lines[place] = &changed;
            joined(&lines)
        }
        Spoil::Crlf => text.replace('\n', "\r\n"),
        Spoil::ByteOrderMark => format!("\u{feff}{text}"),
    }
}

/// A table of a sweep of three cases.
fn sweep_table() -> String {
    let metrics: Vec<&str> = METRICS.iter().map(|(name, _, _)| *name).collect();
    let row = |case: u32| format!("abc,{case},3,1,0.5{}\n", ",1.25".repeat(metrics.len()));
    format!("sweep,case,of,seed,rate,{}\n{}{}{}", metrics.join(","), row(0), row(1), row(2))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases * 2))]

    #[test]
    fn a_spoiled_scenario_is_read_or_its_fault_has_a_place(
        which in any::<Index>(), how in proptest::collection::vec(spoil(), 1..4),
    ) {
        promise::scenario(spoiled(which.get(scenarios::ALL).text, &how).as_bytes());
    }

    #[test]
    fn a_spoiled_policy_is_read_or_its_fault_has_a_place(
        which in any::<Index>(), how in proptest::collection::vec(spoil(), 1..4),
    ) {
        let texts = seeds::policies();
        promise::policy(spoiled(&texts[which.index(texts.len())], &how).as_bytes());
    }

    #[test]
    fn a_spoiled_inventory_is_read_or_its_fault_has_a_place(
        which in any::<Index>(), how in proptest::collection::vec(spoil(), 1..4),
    ) {
        let texts = seeds::inventories();
        promise::inventory(spoiled(&texts[which.index(texts.len())], &how).as_bytes());
    }

    #[test]
    fn a_spoiled_trace_is_read_or_its_fault_has_a_place(
        which in any::<Index>(), how in proptest::collection::vec(spoil(), 1..4),
    ) {
        let texts = seeds::traces();
        promise::trace(spoiled(&texts[which.index(texts.len())], &how).as_bytes());
    }

    #[test]
    fn a_spoiled_archive_is_read_or_its_fault_has_a_place(
        which in any::<Index>(), at in any::<Index>(), byte: u8, is_cut: bool,
    ) {
        let texts = seeds::traces();
        let mut bytes = promise::packed(texts[which.index(texts.len())].as_bytes());
        let at = at.index(bytes.len());
        bytes[at] = byte;
        bytes.truncate(if is_cut { at } else { bytes.len() });
        promise::trace(&bytes);
    }

    #[test]
    fn a_spoiled_table_of_a_sweep_is_read_or_its_fault_has_a_line(how in proptest::collection::vec(spoil(), 1..4)) {
        if let Err(problem) = Table::read(&spoiled(&sweep_table(), &how)) {
            prop_assert!(problem.contains("line"), "{problem}");
        }
    }

    #[test]
    fn a_spoiled_change_expectation_or_flood_is_read_or_quoted(
        which in 0..3_usize, how in proptest::collection::vec(spoil(), 1..3),
    ) {
        let text = ["policy.budget.*.usd=5", "overrun_usd<=5", "http-f@00:30+60=6000"][which];
        let text = spoiled(text, &how);
        let told = match which {
            0 => text.parse::<Patch>().err(),
            1 => text.parse::<Expectation>().err(),
            _ => text.parse::<Flood>().err().map(|error| error.to_string()),
        };
        if let Some(told) = told {
            let quotes = |part: &str| told.contains(format!("{part:?}").trim_matches('"'));
            let path = text.split(['=', '<', '>']).next().unwrap_or_default();
            prop_assert!(quotes(&text) || quotes(path.trim()) || told.contains("metric"), "{text:?}: {told}");
        }
    }

    #[test]
    fn a_change_to_a_scenario_never_panics_and_a_refusal_has_a_key(
        which in any::<Index>(), path in "[a-z_*0-9]{1,12}(\\.[a-z_*0-9]{1,12}){0,3}", value in proptest::sample::select(ODD),
    ) {
        let scenario = which.get(scenarios::ALL);
        let Ok(patch) = format!("{path}={value}").parse::<Patch>() else { return Ok(()) };
        let mut table: toml::Table = scenario.text.parse().unwrap();
        if patch.apply(&mut table).is_ok() && let Err(error) = Scenario::from_table(table) {
            for problem in &error.problems {
                prop_assert!(problem.contains(": ") || problem.contains('`'), "{problem}");
            }
        }
    }
}
