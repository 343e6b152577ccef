//! Many seeds and many values of some keys: the sweep, its rows, and their summary.

mod table;

use std::fmt::Write as _;
use std::ops::RangeInclusive;
use std::str::FromStr;

use crate::expect::{METRICS, Metric};
use crate::load::Source;
use crate::patch::{Patch, Path};
use crate::replay::Findings;

pub use table::{Problem, Table};

/// A key and the values it takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Axis {
    /// The key.
    pub path: Path,
    /// Its values, as they are written.
    pub values: Vec<String>,
}

/// Steps of an axis at most.
const MAX_STEPS: u32 = 10_000;

impl FromStr for Axis {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (path, values) = text.split_once('=').ok_or_else(|| {
            format!("{text:?}: expected PATH=A,B,C or PATH=FROM..TO/STEPS, such as traffic.botnet.rate.to_rps=100..2000/5")
        })?;
        Ok(Axis { path: path.parse()?, values: read_values(values)? })
    }
}

fn read_values(text: &str) -> Result<Vec<String>, String> {
    let Some((from, rest)) = text.split_once("..") else {
        let values: Vec<String> = text.split(',').map(|value| value.trim().to_owned()).collect();
        return if values.iter().any(String::is_empty) {
            Err(format!("{text:?}: a value is empty"))
        } else {
            Ok(values)
        };
    };
    let wrong =
        || format!("{text:?}: expected FROM..TO/STEPS with 2 to {MAX_STEPS} steps, such as 10..100/4");
    let (to, steps) = rest.split_once('/').ok_or_else(wrong)?;
    let number = |text: &str| text.trim().parse::<f64>().ok().filter(|number| number.is_finite());
    let (from, to) = (number(from).ok_or_else(wrong)?, number(to).ok_or_else(wrong)?);
    let steps =
        steps.trim().parse::<u32>().ok().filter(|steps| (2..=MAX_STEPS).contains(steps)).ok_or_else(wrong)?;
    let at = |step: u32| from + (to - from) * f64::from(step) / f64::from(steps - 1);
    Ok((0..steps).map(|step| shown(at(step))).collect())
}

/// A number as TOML reads it back: whole numbers without a point, so that they fit whole keys, and others to nine
/// digits.
fn shown(number: f64) -> String {
    let text = format!("{number:.9}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// A part of a sweep: this of so many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// Which, from 1.
    pub this: u64,
    /// Of how many.
    pub of: u64,
}

impl Shard {
    /// All of it.
    pub const WHOLE: Shard = Shard { this: 1, of: 1 };
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let read = text
            .split_once('/')
            .and_then(|(this, of)| Some((this.trim().parse().ok()?, of.trim().parse().ok()?)));
        read.filter(|(this, of)| (1..=*of).contains(this))
            .map(|(this, of)| Shard { this, of })
            .ok_or_else(|| format!("{text:?}: expected THIS/OF, from 1/4 to 4/4"))
    }
}

/// Everything that is to be run.
#[derive(Clone, Debug)]
pub struct Sweep {
    /// The scenario.
    pub source: Source,
    /// The changes made in every case.
    pub fixed: Vec<Patch>,
    /// The keys that vary.
    pub axes: Vec<Axis>,
    /// Seeds, each with all values.
    pub seeds: RangeInclusive<u64>,
}

/// One replay of a sweep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// Its place in the sweep, from 0.
    pub number: u64,
    /// Its seed.
    pub seed: u64,
    /// The value of each axis.
    pub values: Vec<String>,
}

impl Sweep {
    /// Cases in all.
    pub fn size(&self) -> u64 {
        let seeds = self.seeds.end().saturating_sub(*self.seeds.start()).saturating_add(1);
        self.axes.iter().fold(seeds, |product, axis| {
            product.saturating_mul(u64::try_from(axis.values.len()).unwrap_or(u64::MAX))
        })
    }

    /// The cases of a shard, in order: values vary before seeds, so that a sweep cut short has all values.
    pub fn cases(&self, shard: Shard) -> impl Iterator<Item = Case> {
        let first = shard.this - 1;
        let step = usize::try_from(shard.of).unwrap_or(usize::MAX);
        (first..self.size()).step_by(step).map(|number| self.case(number))
    }

    fn case(&self, number: u64) -> Case {
        let mut rest = number;
        let mut values = Vec::with_capacity(self.axes.len());
        for axis in self.axes.iter().rev() {
            let count = u64::try_from(axis.values.len()).unwrap_or(u64::MAX).max(1);
            let place = usize::try_from(rest % count).unwrap_or(usize::MAX);
            values.push(axis.values.get(place).cloned().unwrap_or_default());
            rest /= count;
        }
        values.reverse();
        Case { number, seed: self.seeds.start() + rest, values }
    }

    /// The changes of a case.
    pub fn patches(&self, values: &[String]) -> Vec<Patch> {
        let varied = self.axes.iter().zip(values).map(|(axis, value)| axis.path.set(value));
        self.fixed.iter().cloned().chain(varied).collect()
    }

    /// Every combination of values once.
    pub fn combinations(&self) -> Vec<Vec<String>> {
        let seeds = self.seeds.end().saturating_sub(*self.seeds.start()).saturating_add(1);
        (0..self.size() / seeds.max(1)).map(|number| self.case(number).values).collect()
    }

    /// Eight digits that distinguish one sweep from another, computed from everything that its rows depend on.
    pub fn fingerprint(&self) -> String {
        let mut all = format!("{}\n{}\n{}\n", env!("CARGO_PKG_VERSION"), self.source.name, self.source.text);
        for patch in &self.fixed {
            let _ = writeln!(all, "{patch}");
        }
        for axis in &self.axes {
            let _ = writeln!(all, "{}={}", axis.path, axis.values.join(","));
        }
        let _ = writeln!(all, "{:?}", self.seeds);
        format!("{:08x}", crc32fast::hash(all.as_bytes()))
    }

    /// The head of its table.
    pub fn columns(&self) -> Vec<String> {
        let fixed = ["sweep", "case", "of", "seed"].map(str::to_owned);
        let axes = self.axes.iter().map(|axis| axis.path.to_string());
        fixed.into_iter().chain(axes).chain(METRICS.iter().map(|(name, _, _)| (*name).to_owned())).collect()
    }

    /// A case as a row of its table.
    pub fn row(&self, case: &Case, findings: &Findings) -> Vec<String> {
        let metrics = METRICS.iter().map(|(_, _, read)| read(findings).map_or(String::new(), shown));
        let fixed =
            [self.fingerprint(), case.number.to_string(), self.size().to_string(), case.seed.to_string()];
        fixed.into_iter().chain(case.values.iter().cloned()).chain(metrics).collect()
    }
}

/// The summary of the cases with the same values.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Group {
    /// The values, in the order of the axes.
    pub values: Vec<String>,
    /// Cases.
    pub cases: usize,
    /// For each metric asked for: its quantiles.
    pub metrics: Vec<Quantiles>,
}

/// How a number spreads over seeds.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Quantiles {
    /// The metric.
    pub metric: &'static str,
    /// Cases that have the number at all.
    pub cases: usize,
    /// The smallest.
    pub min: Option<f64>,
    /// A tenth is at or below it.
    pub p10: Option<f64>,
    /// Half is at or below it.
    pub p50: Option<f64>,
    /// Nine tenths are at or below it.
    pub p90: Option<f64>,
    /// The largest.
    pub max: Option<f64>,
}

/// Groups a table's rows by their values and says how the metrics spread.
pub fn groups(table: &Table, metrics: &[Metric]) -> Vec<Group> {
    let mut groups: Vec<(Vec<String>, Vec<&[String]>)> = Vec::new();
    for row in table.rows() {
        let values = table.values(row);
        match groups.iter_mut().find(|(known, _)| known.as_slice() == values) {
            Some((_, rows)) => rows.push(row),
            None => groups.push((values.to_vec(), vec![row])),
        }
    }
    let spread = |rows: &[&[String]], metric: Metric| {
        let mut numbers: Vec<f64> = rows.iter().filter_map(|row| table.metric(row, metric.0)).collect();
        numbers.sort_by(f64::total_cmp);
        Quantiles {
            metric: metric.0,
            cases: numbers.len(),
            min: numbers.first().copied(),
            p10: quantile(&numbers, 10),
            p50: quantile(&numbers, 50),
            p90: quantile(&numbers, 90),
            max: numbers.last().copied(),
        }
    };
    groups
        .into_iter()
        .map(|(values, rows)| Group {
            values,
            cases: rows.len(),
            metrics: metrics.iter().map(|metric| spread(&rows, metric)).collect(),
        })
        .collect()
}

/// The smallest number that so many percent are at or below (nearest rank).
fn quantile(sorted: &[f64], percent: usize) -> Option<f64> {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}

#[cfg(test)]
mod tests;
