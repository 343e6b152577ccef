//! Cases, shards, tables that go on and tables that are put together.

use guard_core::money::Usd;
use proptest::prelude::*;

use super::*;

fn sweep(axes: &[&str], seeds: RangeInclusive<u64>) -> Sweep {
    let axes = axes.iter().map(|axis| axis.parse().unwrap()).collect();
    Sweep { source: Source::of_text("s", "schema = 1"), fixed: Vec::new(), axes, seeds }
}

fn findings(case: &Case) -> Findings {
    Findings {
        usd_with: Usd::from_dollars(i64::try_from(case.seed).unwrap()),
        cap_min: case.number.is_multiple_of(2).then_some(u32::try_from(case.number).unwrap()),
        ..Findings::default()
    }
}

fn table(sweep: &Sweep, shard: Shard) -> Table {
    let mut table = Table::new(sweep.columns());
    for case in sweep.cases(shard) {
        table.insert(sweep.row(&case, &findings(&case))).unwrap();
    }
    table
}

fn text(table: &Table) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(table.columns()).unwrap();
    table.rows().for_each(|row| writer.write_record(row).unwrap());
    String::from_utf8(writer.into_inner().unwrap()).unwrap()
}

#[test]
fn values_are_a_list_or_a_range_with_steps() {
    let values = |text: &str| text.parse::<Axis>().map(|axis| axis.values);
    assert_eq!(values("a.b=1,x, 3").unwrap(), ["1", "x", "3"]);
    assert_eq!(values("a=10..100/4").unwrap(), ["10", "40", "70", "100"]);
    assert_eq!(values("a=1..0/3").unwrap(), ["1", "0.5", "0"]);
    assert_eq!(values("a=-1..1/3").unwrap(), ["-1", "0", "1"]);
    for wrong in ["a", "a=", "a=1,,2", "a=1..2", "a=1..2/1", "a=1..2/x", "a=x..2/3", "a=1..inf/3", "=1"] {
        assert!(values(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn a_shard_is_this_of_so_many() {
    assert_eq!("2/3".parse(), Ok(Shard { this: 2, of: 3 }));
    for wrong in ["0/3", "4/3", "1", "1/0", "a/b", ""] {
        assert!(wrong.parse::<Shard>().is_err(), "{wrong}");
    }
}

#[test]
fn every_value_meets_every_seed_once() {
    let sweep = sweep(&["a=1,2", "b=x,y,z"], 5..=6);
    let cases: Vec<Case> = sweep.cases(Shard::WHOLE).collect();
    assert_eq!(sweep.size(), 12);
    let shown: Vec<String> =
        cases.iter().map(|case| format!("{}:{}", case.seed, case.values.join(""))).collect();
    assert_eq!(
        shown,
        ["5:1x", "5:1y", "5:1z", "5:2x", "5:2y", "5:2z", "6:1x", "6:1y", "6:1z", "6:2x", "6:2y", "6:2z"]
    );
    assert_eq!(sweep.combinations().len(), 6);
}

#[test]
fn a_table_reads_back_and_what_was_cut_off_is_left_out() {
    let whole = table(&sweep(&["a=1,2"], 1..=3), Shard::WHOLE);
    let written = text(&whole);
    assert_eq!(Table::read(&written).unwrap(), whole);
    let cut = written.trim_end().rfind('\n').unwrap() + 7;
    let part = Table::read(&written[..cut]).unwrap();
    assert_eq!(part.extent(), (5, 6));
    assert!(part.has(4) && !part.has(5));
}

#[test]
fn a_table_of_another_sweep_is_refused() {
    let mut ours = table(&sweep(&["a=1,2"], 1..=3), Shard::WHOLE);
    assert_eq!(
        ours.clone().merge(table(&sweep(&["b=1,2"], 1..=3), Shard::WHOLE)).unwrap_err(),
        "its columns differ from those of the first"
    );
    assert_eq!(
        ours.merge(table(&sweep(&["a=1,3"], 1..=3), Shard::WHOLE)).unwrap_err(),
        "a row of another sweep"
    );
    for (text, part) in [
        ("", "line 1"),
        ("a,b\n1,2\n", "line 1"),
        (&text(&ours).replacen(",0,6,1,", ",6,6,1,", 1), "line 2: case 6 of 6"),
        (&text(&ours).replacen(",0,6,1,", ",x,6,1,", 1), "line 2: case and of are whole numbers"),
    ] {
        let error = Table::read(text).unwrap_err();
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn numbers_spread_over_the_seeds_of_the_same_values() {
    let sweep = sweep(&["a=1,2"], 1..=10);
    let metrics = [crate::expect::metric("usd_with").unwrap(), crate::expect::metric("cap_min").unwrap()];
    let groups = groups(&table(&sweep, Shard::WHOLE), &metrics);
    assert_eq!(groups.len(), 2);
    let usd = &groups[0].metrics[0];
    assert_eq!(
        (usd.min, usd.p10, usd.p50, usd.p90, usd.max),
        (Some(1.0), Some(1.0), Some(5.0), Some(9.0), Some(10.0))
    );
    // Odd cases have no cap, and all of the second value's cases are odd.
    assert_eq!(
        (groups[0].metrics[1].cases, groups[1].metrics[1].cases, groups[1].metrics[1].p50),
        (10, 0, None)
    );
}

proptest! {
    #[test]
    fn shards_make_up_the_whole_without_overlap(seeds in 1_u64..20, values in 1_usize..5, of in 1_u64..7) {
        let axis = format!("a={}", (0..values).map(|value| value.to_string()).collect::<Vec<_>>().join(","));
        let sweep = sweep(&[&axis], 1..=seeds);
        let mut merged = Table::new(sweep.columns());
        let mut rows = 0;
        for this in 1..=of {
            let part = table(&sweep, Shard { this, of });
            rows += part.extent().0;
            merged.merge(part).unwrap();
        }
        prop_assert_eq!(rows, sweep.size());
        prop_assert_eq!(merged, table(&sweep, Shard::WHOLE));
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "\\PC*") {
        let _ = Table::read(&text);
        let _ = text.parse::<Axis>();
        let _ = text.parse::<Shard>();
    }
}
