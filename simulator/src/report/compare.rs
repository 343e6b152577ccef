//! A comparison as a page of text: three matrices and the frontier between money saved and traffic lost.

use std::io::{self, Write};

use super::layout::{Palette, Tone, shortened, wrapped_to};
use super::replay::WIDTHS;
use crate::compare::{Cell, Comparison};

/// Where a page goes, and how wide it is.
pub struct Page<W> {
    out: W,
    palette: Palette,
    width: usize,
}

/// Columns of a number, and rows of the frontier.
const COLUMN: usize = 10;
const ROWS: u8 = 10;

impl<W: Write> Page<W> {
    /// An empty page of so many columns.
    pub fn new(out: W, palette: Palette, width: usize) -> Self {
        Page { out, palette, width: width.clamp(WIDTHS.0, WIDTHS.1) }
    }

    /// Writes the comparison.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn write(&mut self, comparison: &Comparison) -> io::Result<()> {
        self.matrix(comparison, "Saved, of what a perfect guard would save", |cell| {
            cell.saved_percent.filter(|_| cell.attack).map(|saved| format!("{saved:.0} %"))
        })?;
        self.matrix(comparison, "Legitimate events not served because of the guard", |cell| {
            cell.harm_percent.map(|harm| format!("{harm:.2} %"))
        })?;
        self.matrix(comparison, "Minutes from the beginning of the attack to the first cap", |cell| {
            cell.findings.cap_min.filter(|_| cell.attack).map(|minutes| format!("{minutes}"))
        })?;
        self.matrix(
            comparison,
            "The most of a published bound that was used; above 100 % it is broken",
            |cell| cell.findings.bound_used_percent().map(|used| format!("{used:.0} %")),
        )?;
        self.frontier(comparison)
    }

    fn matrix(
        &mut self,
        comparison: &Comparison,
        title: &str,
        show: impl Fn(&Cell) -> Option<String>,
    ) -> io::Result<()> {
        writeln!(self.out, "{}", self.palette.paint(Tone::Strong, title))?;
        let longest = comparison.scenarios.iter().map(|name| name.chars().count()).max().unwrap_or(0);
        let names = longest.min(self.width.saturating_sub(2 + comparison.variants.len() * COLUMN)).max(12);
        let head: String = comparison
            .variants
            .iter()
            .map(|name| format!("{:>COLUMN$}", shortened(name, COLUMN - 1)))
            .collect();
        writeln!(self.out, "{}", self.palette.paint(Tone::Faint, &format!("  {:names$}{head}", "")))?;
        for scenario in &comparison.scenarios {
            let mut line = format!("  {:names$}", shortened(scenario, names));
            for variant in &comparison.variants {
                let cell = comparison.of(variant).find(|cell| cell.scenario == *scenario);
                let text = cell.and_then(&show).unwrap_or_else(|| "–".to_owned());
                line += &format!("{text:>COLUMN$}");
            }
            writeln!(self.out, "{line}")?;
        }
        writeln!(self.out)
    }

    /// Money saved upwards, legitimate traffic kept to the right: the best place is the upper right corner.
    fn frontier(&mut self, comparison: &Comparison) -> io::Result<()> {
        writeln!(self.out, "{}", self.palette.paint(Tone::Strong, "The frontier"))?;
        let points: Vec<(char, &str, f64, f64)> = ('A'..='Z')
            .zip(&comparison.variants)
            .filter_map(|(mark, name)| {
                Some((mark, name.as_str(), comparison.saved(name)?, comparison.harm(name)?))
            })
            .collect();
        let worst = points.iter().map(|(.., harm)| *harm).fold(0.0, f64::max);
        let cells: u16 = 50;
        let mut grid = vec![vec![' '; usize::from(cells) + 1]; usize::from(ROWS) + 1];
        for (mark, _, saved, harm) in &points {
            let row = place((100.0 - saved.clamp(0.0, 100.0)) / 100.0, u16::from(ROWS));
            let column = if worst > 0.0 { place((worst - harm) / worst, cells) } else { usize::from(cells) };
            if let Some(cell) = grid.get_mut(row).and_then(|line| line.get_mut(column)) {
                // Where several coincide, the list below distinguishes them.
                *cell = if *cell == ' ' { *mark } else { '*' };
            }
        }
        for (row, line) in (0_u8..).zip(&grid) {
            let percent = 100 - row * (100 / ROWS);
            let axis = if row % 5 == 0 { format!("{percent:>5} % ┤") } else { format!("{:>7} │", "") };
            let line: String = line.iter().collect();
            writeln!(self.out, "{}{}", self.palette.paint(Tone::Faint, &axis), line.trim_end())?;
        }
        let floor = format!("{:>7} └{}", "saved", "─".repeat(usize::from(cells) + 1));
        self.faint(&floor)?;
        let left = if worst > 0.0 { format!("{worst:.2} % not served") } else { "not served".to_owned() };
        self.faint(&format!("{:>9}{left:<40}{:>11}", "", "0 %"))?;
        let best = comparison.frontier();
        for (mark, name, saved, harm) in &points {
            let note = if best.contains(name) {
                "no other saves more and harms less"
            } else {
                "another is better in both"
            };
            let text = format!("{name}: {saved:.1} % saved, {harm:.3} % not served; {note}");
            let tone = if best.contains(name) { Tone::Good } else { Tone::Normal };
            for line in wrapped_to(self.width, &format!("  {mark} "), &text) {
                writeln!(self.out, "{}", self.palette.paint(tone, &line))?;
            }
        }
        self.faint("  Each incident counts alike; money over those with an attack, traffic over all.")
    }

    fn faint(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "{}", self.palette.paint(Tone::Faint, text))
    }
}

/// A share of so many cells, as a place from 0.
fn place(share: f64, cells: u16) -> usize {
    let wanted = share.clamp(0.0, 1.0) * f64::from(cells);
    (0..=cells).take_while(|place| f64::from(*place) <= wanted + 0.5).last().map_or(0, usize::from)
}
