//! A sweep as a page of text: for each combination of values, how the numbers spread over the seeds.

use std::io::{self, Write};

use super::layout::{Palette, Tone, wrapped_to};
use super::replay::WIDTHS;
use crate::sweep::{Group, Quantiles, Table};

/// Where a page goes, and how wide it is.
pub struct Page<W> {
    out: W,
    palette: Palette,
    width: usize,
}

impl<W: Write> Page<W> {
    /// An empty page of so many columns.
    pub fn new(out: W, palette: Palette, width: usize) -> Self {
        Page { out, palette, width: width.clamp(WIDTHS.0, WIDTHS.1) }
    }

    /// Writes the groups.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn write(&mut self, table: &Table, groups: &[Group]) -> io::Result<()> {
        let (cases, of) = table.extent();
        let title = match of - cases.min(of) {
            0 => format!("{cases} replays"),
            missing => format!("{cases} of {of} replays; {missing} are missing"),
        };
        writeln!(self.out, "{}", self.palette.paint(Tone::Strong, &title))?;
        for group in groups {
            let named: Vec<String> = table
                .axes()
                .iter()
                .zip(&group.values)
                .map(|(axis, value)| format!("{axis} = {value}"))
                .collect();
            if !named.is_empty() {
                writeln!(self.out)?;
                for line in wrapped_to(self.width, "", &named.join(", ")) {
                    writeln!(self.out, "{}", self.palette.paint(Tone::Strong, &line))?;
                }
            }
            let head =
                format!("  {:<26}{:>7}{:>11}{:>11}{:>11}{:>11}", "", "cases", "10 %", "half", "90 %", "most");
            writeln!(self.out, "{}", self.palette.paint(Tone::Faint, &head))?;
            for metric in &group.metrics {
                self.metric(metric)?;
            }
        }
        Ok(())
    }

    fn metric(&mut self, metric: &Quantiles) -> io::Result<()> {
        let shown = |number: Option<f64>| number.map_or("–".to_owned(), |number| format!("{number:.2}"));
        writeln!(
            self.out,
            "  {:<26}{:>7}{:>11}{:>11}{:>11}{:>11}",
            metric.metric,
            metric.cases,
            shown(metric.p10),
            shown(metric.p50),
            shown(metric.p90),
            shown(metric.max)
        )
    }
}
