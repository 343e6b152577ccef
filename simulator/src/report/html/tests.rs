use std::collections::BTreeMap;

use guard_core::money::{Unit, Usd};
use guard_core::pricing::PriceTable;
use roxmltree::{Document, Node, ParsingOptions};

use super::chart::{Axis, thinned, ticks, times};
use super::*;
use crate::load::Source;
use crate::report::layout::grouped;
use crate::report::phrase;
use crate::text::shell_word;

/// A small flood: an hour before, an hour of attack, and what follows.
const FLOOD: &str = r#"
schema = 1
title = "A small flood"
start = "2026-11-04T09:00:00Z"
minutes = 180
recovery_minutes = 240

[[function]]
name = "FUNCTION"
memory_mb = 1024
timeout_s = 10
duration = { median_ms = 150, sigma = 0.5 }

[[traffic]]
name = "customers"
function = "FUNCTION"
rate = { law = "constant", rps = 1 }
client = { retries = 2, backoff_s = 1 }

[[traffic]]
name = "botnet"
kind = "attack"
function = "FUNCTION"
rate = { law = "constant", rps = 60 }
from_min = 60
for_min = 60
duration = { median_ms = 400, sigma = 0.3 }

[policy]
armed = true

[[policy.budget]]
name = "day"
period = "day"
usd = "0.40"
mode = "cap"
"#;

fn replay(text: &str) -> Replay {
    let loaded = Source::of_text("small-flood", text).ready(&[]).unwrap();
    Replay::new(&loaded.request(7), PriceTable::embedded(), |_, _| ())
}

fn flood() -> Replay {
    replay(&FLOOD.replace("FUNCTION", "api"))
}

fn calm() -> Replay {
    let text = FLOOD.replace("FUNCTION", "api");
    let (before, rest) = text.split_once("[[traffic]]\nname = \"botnet\"").unwrap();
    let (_, after) = rest.split_once("[policy]").unwrap();
    replay(&format!("{before}[policy]{after}"))
}

/// Reads the page as XML: every tag is closed, every attribute quoted, every entity known.
fn parsed<T>(page: &str, read: impl FnOnce(&Document<'_>) -> T) -> T {
    let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
    read(&Document::parse_with_options(page, options).unwrap())
}

fn text_of(node: Node<'_, '_>) -> String {
    let words = node.descendants().filter(Node::is_text).filter_map(|text| text.text());
    words.collect::<Vec<_>>().join(" ").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What a page must be, whatever it shows.
fn check(page: &str) {
    parsed(page, |document| {
        let mut ids = Vec::new();
        for node in document.descendants().filter(Node::is_element) {
            ids.extend(node.attribute("id"));
            assert_ne!(node.tag_name().name(), "script");
            for attribute in node.attributes() {
                assert!(!attribute.name().starts_with("on"), "{attribute:?}");
                assert!(!["src", "href"].contains(&attribute.name()), "{attribute:?}");
                let is_drawn = ["d", "x", "y", "width", "height", "style"].contains(&attribute.name());
                let value = attribute.value().to_lowercase();
                assert!(!is_drawn || !(value.contains("nan") || value.contains("inf")), "{attribute:?}");
            }
        }
        let unique: std::collections::BTreeSet<&str> = ids.iter().copied().collect();
        assert_eq!(unique.len(), ids.len(), "{ids:?}");
        for node in document.descendants() {
            let names = node.attribute("aria-labelledby").unwrap_or_default();
            assert!(names.split_whitespace().all(|name| unique.contains(name)), "{names}");
        }
        for chart in document.descendants().filter(|node| node.attribute("role") == Some("img")) {
            let has = |name: &str| chart.children().any(|child| child.has_tag_name(name));
            assert!(has("desc") && !has("title"), "a title would be shown over every value");
        }
        for table in document.descendants().filter(|node| node.has_tag_name("table")) {
            assert!(table.descendants().any(|node| node.attribute("scope") == Some("col")));
            assert!(table.descendants().any(|node| node.attribute("scope") == Some("row")));
        }
        let titles = document.descendants().filter(|node| node.has_tag_name("h1")).count();
        assert_eq!(titles, 1);
    });
    assert!(
        !page.contains("http:") && !page.contains("https:") && !page.contains("url("),
        "asks for something"
    );
}

/// Labels of the key figures with their values and details.
fn figures_on(page: &str) -> BTreeMap<String, String> {
    parsed(page, |document| {
        let cards = document
            .descendants()
            .filter(|node| node.attribute("class").is_some_and(|class| class.starts_with("cards")));
        let mut found = BTreeMap::new();
        for card in cards.flat_map(|cards| cards.children()).filter(Node::is_element) {
            let of = |name: &str| text_of(card.children().find(|child| child.has_tag_name(name)).unwrap());
            found.insert(of("dt"), of("dd"));
        }
        found
    })
}

#[test]
fn a_page_is_well_formed_and_asks_nobody_for_anything() {
    check(&page(&flood()));
    check(&page(&calm()));
    check(&page(&replay(&FLOOD.replace("FUNCTION", "api").replace("armed = true", "armed = false"))));
}

#[test]
fn a_page_of_nothing_at_all_is_still_well_formed() {
    let mut empty = flood();
    empty.findings = crate::replay::Findings::default();
    empty.attack = None;
    (empty.without, empty.with, empty.perfect) = <_>::default();
    let page = page(&empty);
    check(&page);
    assert!(page.contains("The policy has no budget."));
    assert!(page.contains("No alarm was sent."));
}

#[test]
fn a_page_of_a_single_minute_is_well_formed() {
    let text = FLOOD.replace("FUNCTION", "api").replace("minutes = 180", "minutes = 1");
    let text = text.replace("recovery_minutes = 240", "recovery_minutes = 0");
    check(&page(&replay(
        &text.replace("from_min = 60", "from_min = 0").replace("for_min = 60", "for_min = 1"),
    )));
}

#[test]
fn the_same_replay_gives_the_same_bytes() {
    assert_eq!(page(&flood()), page(&flood()));
}

#[test]
fn names_and_titles_cannot_become_markup() {
    let evil = "<script>alert('1')</script>&\u{7}";
    let mut marked = flood();
    for text in [&mut marked.name, &mut marked.title, &mut marked.story, &mut marked.source] {
        evil.clone_into(text);
    }
    for run in [&mut marked.without, &mut marked.with, &mut marked.perfect] {
        run.traffic.iter_mut().for_each(|one| {
            evil.clone_into(&mut one.traffic);
            evil.clone_into(&mut one.function);
        });
        run.functions.iter_mut().for_each(|one| evil.clone_into(&mut one.function));
        run.periods.iter_mut().for_each(|period| period.budget = evil.into());
        for tick in &mut run.ticks {
            tick.plan.actions.iter_mut().for_each(|action| action.function = evil.into());
            tick.plan.refusals.iter_mut().for_each(|refusal| refusal.function = evil.into());
            tick.plan.budgets.iter_mut().for_each(|record| record.budget = evil.into());
            for notice in tick.plan.notices.iter_mut().chain(tick.told.iter_mut().flatten()) {
                evil.clone_into(&mut notice.headline);
                notice.body = vec![evil.to_owned()];
            }
        }
    }
    marked.findings.overruns.iter_mut().for_each(|overrun| overrun.budget = evil.into());
    let page = page(&marked);
    check(&page);
    assert!(!page.contains("<script"), "markup got through");
    // The heading, a chart's title, the alert, a table: as text, they are all there.
    let shown = "<script>alert('1')</script>&\u{fffd}";
    parsed(&page, |document| {
        for name in ["header", "pre", "h3", "th", "td", "li", "title"] {
            let mut nodes = document.descendants().filter(|node| node.has_tag_name(name));
            // A mail drops what cannot be shown; a page replaces it.
            let shown = if name == "pre" { shown.trim_end_matches('\u{fffd}') } else { shown };
            assert!(nodes.any(|node| text_of(node).contains(shown)), "{name}");
        }
    });
}

#[test]
fn text_is_escaped_once_and_what_xml_cannot_hold_is_replaced() {
    assert_eq!(escape("a<b>&\"'c"), "a&lt;b&gt;&amp;&quot;&#39;c");
    assert_eq!(escape("&lt;"), "&amp;lt;");
    assert_eq!(escape("\u{0}\u{1b}\u{ffff}\u{202e}x\n"), "\u{fffd}\u{fffd}\u{fffd}\u{fffd}x\n");
}

#[test]
fn key_figures_are_the_findings() {
    let replay = flood();
    let found = &replay.findings;
    assert!(found.caps > 0 && found.cap_min.is_some() && found.release_min.is_some(), "{found:?}");
    let shown = figures_on(&page(&replay));
    let starts = |label: &str, value: &str| {
        let text = shown.get(label).unwrap_or_else(|| panic!("{label} is missing in {shown:?}"));
        assert!(text.starts_with(&format!("{value} ")), "{label}: {text} is not {value}");
    };
    let dollars = |usd: Usd| phrase::amount(usd, Unit::Usd);
    starts("Bill without a guard", &dollars(found.usd_without));
    starts("Bill with the guard", &dollars(found.usd_with));
    starts("Bill with a perfect guard", &dollars(found.usd_perfect));
    let cents = (found.usd_without - found.usd_with).picos() / 10_000_000_000;
    starts("Saved", &dollars(Usd::from_picos(cents * 10_000_000_000)));
    starts("The guard's own cost", &dollars(found.usd_guard));
    starts("Noticed", &figures::span(found.notice_min.unwrap()));
    starts("Capped", &figures::span(found.cap_min.unwrap()));
    starts("Released", &figures::span(found.release_min.unwrap()));
    starts("Caps set", &found.caps.to_string());
    starts("Spent over the budget", &dollars(found.overruns[0].with));
    let overrun = &shown["Spent over the budget"];
    assert!(overrun.contains(&dollars(found.overruns[0].bound.unwrap())), "{overrun}");
    assert!(overrun.contains(&dollars(found.overruns[0].without)), "{overrun}");
    let (with, without, perfect) =
        (&found.legitimate_with, &found.legitimate_without, &found.legitimate_perfect);
    let events = &shown["Legitimate events served"];
    assert!(events.contains(&format!("{} of {}", grouped(with.served), grouped(with.offered))), "{events}");
    starts("Legitimate refused", &grouped(with.refused));
    starts("Legitimate late", &grouped(with.delayed));
    starts("Legitimate lost", &grouped(with.lost));
    let others = format!(
        "{} without a guard, {} with a perfect one",
        grouped(without.refused),
        grouped(perfect.refused)
    );
    assert!(shown["Legitimate refused"].ends_with(&others), "{others}");
    starts("Other functions lost", &grouped(found.bystanders_lost));
    starts("Attempts per event", &figures::ratio(found.attempts_per_mille.1));
}

#[test]
fn the_headline_says_what_happened() {
    let mut replay = flood();
    replay.findings.usd_without = "148.43".parse().unwrap();
    replay.findings.usd_with = "19.89".parse().unwrap();
    replay.findings.usd_perfect = "6.08".parse().unwrap();
    assert_eq!(figures::headline(&replay), "$148 without a guard, $19.89 with it, $6.08 with a perfect one");
    replay.findings.usd_without = "1234.50".parse().unwrap();
    assert!(figures::headline(&replay).starts_with("$1,235 without"), "{}", figures::headline(&replay));
    replay.armed = false;
    assert!(figures::headline(&replay).contains("disarmed"));
    replay.attack = None;
    replay.findings.caps = 2;
    assert!(figures::headline(&replay).starts_with("Nobody attacks, yet the guard would cap twice"));
    replay.findings.caps = 0;
    assert!(figures::headline(&replay).starts_with("Nobody attacks and nothing is capped"));
}

#[test]
fn what_a_perfect_guard_does_not_save_is_not_called_nothing_to_save() {
    let mut replay = flood();
    replay.findings.usd_perfect = replay.findings.usd_without;
    let saved = &figures_on(&page(&replay))["Saved"];
    assert!(saved.ends_with("the perfect guard saves nothing here"), "{saved}");
    replay.findings.usd_with = replay.findings.usd_without - Usd::from_picos(9_999_999_999);
    assert!(figures_on(&page(&replay))["Saved"].starts_with("$0.00 "), "less than a cent is nothing");
    replay.findings.usd_with = replay.findings.usd_without;
    let saved = &figures_on(&page(&replay))["Saved"];
    assert_eq!(saved, "$0.00 there was nothing to save");
}

#[test]
fn a_broken_bound_is_shown_as_broken() {
    let mut replay = flood();
    let overrun = &mut replay.findings.overruns[0];
    overrun.with = overrun.bound.unwrap() + Usd::from_dollars(1);
    let page = page(&replay);
    assert!(figures_on(&page)["Spent over the budget"].contains("BROKEN"));
    assert!(page.contains("data-name=\"Bound used\">BROKEN<"));
}

#[test]
fn a_month_of_minutes_stays_below_a_megabyte() {
    let mut month = flood();
    for run in [&mut month.without, &mut month.with, &mut month.perfect] {
        let pattern = run.rows.clone();
        let ticks = run.ticks.clone();
        run.minutes = 44_640;
        run.rows = (0..44_640_u32)
            .zip(pattern.iter().cycle())
            .map(|(minute, row)| crate::run::Row { minute, ..row.clone() })
            .collect();
        // A tick with news every other minute is more than any guard tells.
        run.ticks = (0..22_320_u32)
            .zip(ticks.iter().cycle())
            .map(|(place, tick)| crate::run::Tick { minute: place * 2, ..tick.clone() })
            .collect();
    }
    let page = page(&month);
    check(&page);
    assert!(page.len() < 1_000_000, "{} bytes", page.len());
    assert!(page.contains("later ones are in the text of the replay"));
}

#[test]
fn many_traffics_and_functions_are_summed_up() {
    let mut wide = flood();
    for run in [&mut wide.without, &mut wide.with, &mut wide.perfect] {
        let (traffic, function) = (run.traffic[0].clone(), run.functions[0].clone());
        for place in 0..60 {
            run.traffic.push(crate::world::TrafficTally { traffic: format!("t{place}"), ..traffic.clone() });
            run.functions
                .push(crate::run::FunctionBill { function: format!("f{place}"), ..function.clone() });
        }
    }
    let page = page(&wide);
    check(&page);
    parsed(&page, |document| {
        let rows = |id: &str| {
            let section = document.descendants().find(|node| node.attribute("aria-labelledby") == Some(id));
            let rows = section.unwrap().descendants().filter(|node| node.has_tag_name("tbody"));
            rows.flat_map(|body| body.children()).filter(Node::is_element).map(text_of).collect::<Vec<_>>()
        };
        let (traffic, functions) = (rows("traffic"), rows("functions"));
        assert_eq!((traffic.len(), functions.len()), (21, 11));
        assert!(traffic[0].starts_with("botnet"), "attacks first: {}", traffic[0]);
        // 62 kinds of traffic, 20 shown; the rest are copies of one.
        let sent = wide.with.traffic[0].tally.offered * 42;
        assert!(
            traffic[20].starts_with(&format!("42 more – legitimate {}", grouped(sent))),
            "{}",
            traffic[20]
        );
        let cost = phrase::amount(wide.without.functions[0].cost * 51, Unit::Usd);
        assert!(functions[10].starts_with(&format!("51 more {cost}")), "{}", functions[10]);
    });
}

#[test]
fn the_cap_is_marked_from_its_setting_to_its_release() {
    let replay = flood();
    let (from, until) = replay.attack.unwrap();
    let capped = charts::capped(&replay);
    assert_eq!(capped.first().unwrap().0, from + replay.findings.cap_min.unwrap());
    assert_eq!(capped.last().unwrap().1, until + replay.findings.release_min.unwrap());
    assert_eq!(charts::capped(&calm()), []);
}

#[test]
fn stretches_are_merged_over_gaps_too_small_to_see() {
    let stretches = [(0, 5), (7, 9), (12, 20)];
    assert_eq!(charts::merged(&stretches, 2), [(0, 9), (12, 20)]);
    assert_eq!(charts::merged(&stretches, 0), stretches);
}

#[test]
fn the_command_can_be_pasted_into_a_shell() {
    assert!(page(&flood()).contains("<pre>dowsim replay small-flood --seed 7</pre>"));
    assert_eq!(shell_word("my file; rm"), "'my file; rm'");
    assert_eq!(shell_word("it's"), r"'it'\''s'");
    assert_eq!(shell_word("-x"), "'-x'");
}

#[test]
fn ticks_step_by_one_two_or_five_and_reach_the_top() {
    assert_eq!(ticks(148.0), (vec![0.0, 50.0, 100.0, 150.0], 0));
    assert_eq!(ticks(1.0), (vec![0.0, 0.2, 0.4, 0.600_000_000_000_000_1, 0.8, 1.0], 1));
    assert_eq!(ticks(0.0).0.last(), Some(&1.0), "nothing is drawn on a scale of one");
    assert_eq!(ticks(10.0).0, [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]);
    for exponent in -8..14 {
        for mantissa in [1.0, 1.7, 2.0, 3.3, 5.0, 9.9] {
            let top = mantissa * 10.0_f64.powi(exponent);
            let (ticks, _) = ticks(top);
            assert!(
                (3..=6).contains(&ticks.len()) && *ticks.last().unwrap() >= top * 0.999_999,
                "{top} {ticks:?}"
            );
        }
    }
}

#[test]
fn clock_times_become_dates_when_days_pass() {
    let axis = |minutes| Axis { start: "2026-11-04T06:00:00Z".parse().unwrap(), minutes };
    let labels = |minutes| times(axis(minutes)).into_iter().map(|(_, label)| label).collect::<Vec<_>>();
    assert_eq!(labels(1), ["06:00", "06:01"]);
    assert_eq!(labels(720), ["06:00", "08:00", "10:00", "12:00", "14:00", "16:00", "18:00"]);
    assert_eq!(
        labels(1440),
        ["06:00", "09:00", "12:00", "15:00", "18:00", "21:00", "5 Nov", "03:00", "06:00"]
    );
    assert_eq!(labels(44_640), ["5 Nov", "12 Nov", "19 Nov", "26 Nov", "3 Dec"]);
    assert_eq!(times(axis(44_640))[0].0, 1080, "a date stands at its midnight");
}

#[test]
fn thinning_keeps_extremes_gaps_and_the_end() {
    let mut values: Vec<Option<f64>> = (0..44_640_u32).map(|minute| Some(f64::from(minute % 7))).collect();
    (values[20_000], values[20_001], values[30_000]) = (Some(1000.0), Some(-5.0), None);
    let kept = thinned(&values);
    assert!(kept.len() < 1_700, "{}", kept.len());
    for wanted in [(20_001, Some(1000.0)), (20_002, Some(-5.0)), (30_001, None), (44_640, values[44_639])] {
        assert!(kept.contains(&wanted), "{wanted:?}");
    }
    assert!(kept.is_sorted_by_key(|(minute, _)| *minute));
    let few = [Some(1.0), None];
    assert_eq!(thinned(&few), [(1, Some(1.0)), (2, None)]);
}

#[test]
fn counts_are_short() {
    let short = |value| charts::short(value, 0);
    assert_eq!(
        [0.0, 950.0, 1000.0, 9_999.0, 10_000.0, 12_500.0, 2e6, 1.5e9].map(short),
        ["0", "950", "1,000", "9,999", "10k", "12.5k", "2M", "1.5G"]
    );
    assert_eq!(charts::short(0.25, 2), "0.25");
}

/// Colours by name, of one block of the style sheet.
fn colours(block: &str) -> BTreeMap<&str, [f64; 3]> {
    let inside = block.split_once('}').unwrap().0.trim_start_matches(":root{");
    let pairs = inside.split(';').filter_map(|one| one.trim().strip_prefix("--")?.split_once(":#"));
    let colour = |hex: &str| {
        let long: String =
            if hex.len() == 3 { hex.chars().flat_map(|c| [c, c]).collect() } else { hex.to_owned() };
        [0, 2, 4].map(|at| f64::from(u8::from_str_radix(&long[at..at + 2], 16).unwrap()) / 255.0)
    };
    pairs.map(|(name, hex)| (name, colour(hex))).collect()
}

/// Contrast of two colours by WCAG 2.1, "contrast ratio" and "relative luminance".
fn contrast(a: [f64; 3], b: [f64; 3]) -> f64 {
    let luminance = |colour: [f64; 3]| {
        let [r, g, b] =
            colour.map(|c| if c <= 0.040_45 { c / 12.92 } else { ((c + 0.055) / 1.055_f64).powf(2.4) });
        0.2126 * r + 0.7152 * g + 0.0722 * b
    };
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

#[test]
fn text_and_lines_have_the_contrast_that_wcag_asks_for_in_every_theme() {
    let themes: Vec<_> =
        style::SHEET.match_indices(":root{").map(|(at, _)| colours(&style::SHEET[at..])).collect();
    assert_eq!(themes.len(), 3, "light, dark and paper");
    for theme in &themes {
        for (text, grounds) in [
            ("ink", ["ground", "card"]),
            ("faint", ["ground", "card"]),
            ("good", ["ground", "card"]),
            ("warning", ["ground", "card"]),
            ("alarm", ["ground", "card"]),
        ] {
            for ground in grounds {
                let found = contrast(theme[text], theme[ground]);
                assert!(found >= 4.5, "{text} on {ground}: {found:.2}");
            }
        }
        for line in ["without", "with", "perfect", "refused", "capped"] {
            let label = contrast(theme[line], theme["ground"]);
            assert!(label >= 4.5, "label {line}: {label:.2}");
            for ground in ["attack", "band"] {
                let found = contrast(theme[line], theme[ground]);
                assert!(found >= 3.0, "line {line} on {ground}: {found:.2}");
            }
        }
    }
}

#[test]
fn every_colour_that_is_used_exists() {
    let light = colours(style::SHEET.trim_start());
    for (at, _) in style::SHEET.match_indices("var(--") {
        let name = style::SHEET[at + 6..].split(')').next().unwrap();
        assert!(light.contains_key(name), "{name}");
    }
}
