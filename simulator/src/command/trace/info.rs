//! `dowsim trace info`: what a recording holds.

use std::collections::BTreeMap;
use std::io::Write;

use chrono::Timelike;
use guard_core::inventory::Architecture;
use guard_core::money::{Unit, Usd};
use guard_core::name::Region;
use guard_core::pricing::{Currency, PriceTable, Quote};
use serde::Serialize;

use super::InfoArgs;
use crate::bill::Bill;
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::region::unpriced;
use crate::report::layout::{Palette, Tone, bar, count, grouped, wrapped};
use crate::report::phrase;
use crate::trace::detect::Format;
use crate::trace::{Fill, Reading, Trace};
use crate::workload::Workload;

/// Functions that are named.
const BUSIEST: usize = 5;

/// Days that are drawn.
const DAYS_DRAWN: usize = 31;

/// Minutes of a month of 730 hours, as AWS reckons months in its prices' examples.
const MONTH_MIN: i128 = 730 * 60;

/// What stands in for sizes that nobody gave: needed to read the file, never shown.
const STAND_IN: Fill = Fill { duration_us: Some(1000), memory_mb: Some(128) };

/// Which sizes are said by the files or the user.
#[derive(Clone, Copy, Debug)]
struct Known {
    durations: bool,
    memory: bool,
}

/// What is shown.
#[derive(Debug, Serialize)]
struct Info {
    title: String,
    formats: Vec<String>,
    first: String,
    end: String,
    minutes: usize,
    functions: usize,
    invocations: u64,
    /// Minutes × functions of which nothing is known.
    unknown_minutes: usize,
    peak: Option<Peak>,
    busiest: Vec<Busy>,
    /// Invocations by hour from the first on; null where no minute of the hour is known.
    hours: Vec<Option<u64>>,
    /// `None`: durations or memory are not known.
    cost: Option<Cost>,
    remarks: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Peak {
    minute: String,
    invocations: u64,
}

#[derive(Debug, Serialize)]
struct Busy {
    function: String,
    trigger: &'static str,
    invocations: u64,
    mean_ms: Option<String>,
}

#[derive(Debug, Serialize)]
struct Cost {
    region: String,
    recorded: Usd,
    month: Usd,
    currency: Currency,
}

pub(super) fn run(args: &InfoArgs, mut out: impl Write, palette: Palette) -> Result<(), Failure> {
    let mut options = args.source.options();
    let given = options.fill;
    options.fill = Fill {
        duration_us: given.duration_us.or(STAND_IN.duration_us),
        memory_mb: given.memory_mb.or(STAND_IN.memory_mb),
    };
    let (formats, reading) = super::read(&args.files, &options)?;
    let known = Known {
        durations: reading.filled.durations == 0 || given.duration_us.is_some(),
        memory: reading.filled.memory == 0 || given.memory_mb.is_some(),
    };
    let mut info = Info::new(&formats, reading, known, &args.region);
    info.remarks.extend(unpriced(&args.region));
    if args.json {
        let text = serde_json::to_string(&info).map_err(|error| Failure::new(ExitCode::Internal, error))?;
        writeln!(out, "{text}")?;
    } else {
        info.print(&mut out, palette)?;
    }
    out.flush()?;
    Ok(())
}

/// Each format once.
pub(super) fn distinct(formats: &[Format]) -> Vec<Format> {
    let mut seen: Vec<Format> = Vec::new();
    for format in formats {
        if !seen.contains(format) {
            seen.push(*format);
        }
    }
    seen
}

/// Span, functions and invocations in one line.
pub(super) fn extent(trace: &Trace) -> String {
    let (first, end) = (trace.first.start(), trace.end().start());
    format!(
        "{} to {} UTC, {}, {}",
        first.format("%Y-%m-%d %H:%M"),
        end.format("%Y-%m-%d %H:%M"),
        count(u64::try_from(trace.functions.len()).unwrap_or(u64::MAX), "function"),
        count(trace.invocations(), "invocation"),
    )
}

impl Info {
    fn new(formats: &[Format], reading: Reading, known: Known, region: &str) -> Self {
        let trace = reading.trace;
        let by_minute: Vec<Option<u64>> = (0..trace.minutes).map(|minute| total(&trace, minute)).collect();
        // Of equal minutes the first is the peak.
        let peak = by_minute.iter().enumerate().filter_map(|(at, count)| count.map(|count| (at, count)));
        let peak =
            peak.max_by_key(|(at, count)| (*count, std::cmp::Reverse(*at))).map(|(at, invocations)| Peak {
                minute: trace
                    .first
                    .plus(i64::try_from(at).unwrap_or(0))
                    .start()
                    .format("%Y-%m-%dT%H:%MZ")
                    .to_string(),
                invocations,
            });
        let unknown = |function: &crate::trace::TraceFunction| {
            function.invocations.iter().filter(|count| count.is_none()).count()
        };
        let mut busiest: Vec<&crate::trace::TraceFunction> = trace.functions.iter().collect();
        busiest.sort_by(|a, b| b.total().cmp(&a.total()).then_with(|| a.id.cmp(&b.id)));
        let busiest = busiest.into_iter().take(BUSIEST).map(|function| Busy {
            function: function.id.clone(),
            trigger: function.trigger.label(),
            invocations: function.total(),
            mean_ms: known
                .durations
                .then(|| format!("{}.{:03}", function.mean_us / 1000, function.mean_us % 1000)),
        });
        let instant = |minute: guard_core::time::Minute| minute.start().format("%Y-%m-%dT%H:%MZ").to_string();
        Info {
            formats: distinct(formats).iter().map(ToString::to_string).collect(),
            first: instant(trace.first),
            end: instant(trace.end()),
            minutes: trace.minutes,
            functions: trace.functions.len(),
            invocations: trace.invocations(),
            unknown_minutes: trace.functions.iter().map(unknown).sum(),
            peak,
            busiest: busiest.collect(),
            hours: hours(&trace, &by_minute),
            cost: if known.durations && known.memory { Cost::new(&trace, region) } else { None },
            title: trace.title,
            remarks: trace.remarks,
        }
    }

    fn print(&self, out: &mut impl Write, palette: Palette) -> Result<(), Failure> {
        writeln!(out, "{}", palette.paint(Tone::Strong, &self.title))?;
        for (label, text) in self.entries() {
            for line in wrapped(&format!("  {label:<12} "), &text) {
                writeln!(out, "{line}")?;
            }
        }
        let most = self.busiest.first().map_or(0, |busy| busy.invocations);
        for busy in &self.busiest {
            let share = per_mille(busy.invocations, most);
            let duration = busy.mean_ms.as_ref().map_or(String::new(), |ms| format!("  {ms} ms"));
            let name: String = busy.function.chars().take(30).collect();
            let count = grouped(busy.invocations);
            writeln!(out, "    {name:<30} {} {count:>13}{duration}", bar(share, 10))?;
        }
        writeln!(out)?;
        self.draw(out, palette)
    }

    fn entries(&self) -> Vec<(&'static str, String)> {
        let cells = self.minutes.saturating_mul(self.functions);
        let mut entries = vec![
            ("format", self.formats.join(", ")),
            ("span", format!("{} to {}, {} minutes", self.first, self.end, grouped_usize(self.minutes))),
            ("functions", grouped_usize(self.functions)),
            ("invocations", grouped(self.invocations)),
            (
                "unknown",
                format!(
                    "{} of {} minutes of functions",
                    grouped_usize(self.unknown_minutes),
                    grouped_usize(cells)
                ),
            ),
            (
                "peak",
                self.peak.as_ref().map_or("no minute is known".to_owned(), |peak| {
                    format!("{} invocations in the minute {}", grouped(peak.invocations), peak.minute)
                }),
            ),
            (
                "cost",
                self.cost.as_ref().map_or(
                    "unknown without durations and memory: --duration-ms, --memory-mb".to_owned(),
                    Cost::told,
                ),
            ),
        ];
        entries.extend(self.remarks.iter().map(|remark| ("note", remark.clone())));
        entries.push(("busiest", String::new()));
        entries
    }

    /// A line per day, a sign per hour.
    fn draw(&self, out: &mut impl Write, palette: Palette) -> Result<(), Failure> {
        const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
        let most = self.hours.iter().flatten().copied().max().unwrap_or(0);
        let title = format!("  by hour (UTC); full is {}, · none, ? unknown", grouped(most));
        writeln!(out, "{}", palette.paint(Tone::Faint, &title))?;
        let Ok(first) = chrono::NaiveDateTime::parse_from_str(&self.first, "%Y-%m-%dT%H:%MZ") else {
            return Ok(());
        };
        let skipped = usize::try_from(first.hour()).unwrap_or(0);
        let signs = std::iter::repeat_n(' ', skipped).chain(self.hours.iter().map(|count| match count {
            None => '?',
            Some(0) => '·',
            Some(count) => {
                let level = usize::try_from(per_mille(*count, most)).unwrap_or(0) * LEVELS.len() / 1001;
                LEVELS.get(level).copied().unwrap_or('█')
            }
        }));
        let signs: Vec<char> = signs.collect();
        let counts: Vec<Option<u64>> =
            std::iter::repeat_n(None, skipped).chain(self.hours.iter().copied()).collect();
        let days = signs.chunks(24).zip(counts.chunks(24)).zip(first.date().iter_days());
        let mut drawn = 0;
        let mut silent = 0;
        for ((day, counts), date) in days {
            let sum = counts.iter().flatten().copied().reduce(u64::saturating_add);
            let Some(sum) = sum else {
                silent += 1;
                continue;
            };
            if silent > 0 {
                writeln!(out, "    {:<10}  {silent} days of which nothing is known", "…")?;
                silent = 0;
            }
            drawn += 1;
            if drawn > DAYS_DRAWN {
                writeln!(out, "    and more days, from {date} on")?;
                break;
            }
            let line: String = day.iter().collect();
            writeln!(out, "    {date}  {line:<24}  {:>15}", grouped(sum))?;
        }
        Ok(())
    }
}

impl Cost {
    /// At list prices of the first volume tier, without the free tier; `None` for a trace of which no minute is known.
    fn new(trace: &Trace, region: &str) -> Option<Cost> {
        let workload = Workload::new(trace, region);
        let region_name = Region::new(region);
        let quotes: BTreeMap<Architecture, Quote> = [Architecture::X86_64, Architecture::Arm64]
            .into_iter()
            .map(|architecture| (architecture, PriceTable::embedded().quote(&region_name, architecture)))
            .collect();
        let bill = Bill::new(&workload, &quotes);
        // Each function at the rate of the minutes that are known of it.
        let known: BTreeMap<_, i128> = (workload.traffic.iter())
            .map(|traffic| (&traffic.name, i128::try_from(traffic.counts.known().count()).unwrap_or(1)))
            .filter(|(_, minutes)| *minutes > 0)
            .collect();
        if known.is_empty() {
            return None;
        }
        let month: Usd = (bill.functions.iter())
            .filter_map(|line| Some(line.cost.mul_div_up(MONTH_MIN, *known.get(&line.function)?)))
            .sum();
        let recorded = bill.total;
        let currency = quotes.get(&Architecture::X86_64).map(|quote| quote.currency).unwrap_or_default();
        Some(Cost { region: region.to_owned(), recorded, month, currency })
    }

    fn told(&self) -> String {
        let unit = if self.currency == Currency::Cny { Unit::Cny } else { Unit::Usd };
        format!(
            "{} as recorded, {} a month (730 hours) at that rate: {} x86-64, list prices, first volume tier, no free \
             tier",
            phrase::amount(self.recorded, unit),
            phrase::amount(self.month, unit),
            self.region,
        )
    }
}

/// Invocations in a minute of the functions of which they are known; unknown where no function's are.
fn total(trace: &Trace, minute: usize) -> Option<u64> {
    let known =
        trace.functions.iter().filter_map(|function| function.invocations.get(minute).copied().flatten());
    known.reduce(u64::saturating_add)
}

/// Sums by clock hour of the minutes that are known; unknown where none is.
fn hours(trace: &Trace, by_minute: &[Option<u64>]) -> Vec<Option<u64>> {
    let mut hours: Vec<Option<u64>> = Vec::new();
    for (minute, count) in (trace.first.0..).zip(by_minute) {
        if hours.is_empty() || minute.rem_euclid(60) == 0 {
            hours.push(None);
        }
        if let (Some(hour), Some(count)) = (hours.last_mut(), count) {
            *hour = Some(hour.unwrap_or(0).saturating_add(*count));
        }
    }
    hours
}

fn per_mille(part: u64, whole: u64) -> i64 {
    let scaled = u128::from(part) * 1000 / u128::from(whole.max(1));
    i64::try_from(scaled).unwrap_or(i64::MAX)
}

fn grouped_usize(number: usize) -> String {
    grouped(u64::try_from(number).unwrap_or(u64::MAX))
}
