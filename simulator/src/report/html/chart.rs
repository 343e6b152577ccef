//! Lines over time as inline SVG. The drawing stretches with the page; words stand beside it as text of the page, so
//! that they keep their size on a phone.

use std::fmt::Write;

use chrono::{DateTime, TimeDelta, Timelike, Utc};

use super::escape;
use crate::number::as_f64;

/// Width of the drawing, in its own units.
const WIDTH: f64 = 1000.0;
/// Height of the drawing, in its own units.
const HEIGHT: f64 = 200.0;
/// Stretches of time that keep their extremes when there are more minutes than this.
const BUCKETS: usize = 400;
/// Per mille of the height that a label at the end of a line needs.
const LABEL_PER_MILLE: f64 = 95.0;
/// Per mille of the height within which two lines end at one place.
const SAME_PER_MILLE: f64 = 12.0;
/// Stretches of a chart that can be pointed at.
const HOVERS: u32 = 60;

/// The time that all charts of a page share.
#[derive(Clone, Copy, Debug)]
pub(super) struct Axis {
    /// First moment.
    pub start: DateTime<Utc>,
    /// Minutes.
    pub minutes: u32,
}

/// A line.
#[derive(Clone, Debug)]
pub(super) struct Series {
    /// Its name.
    pub label: &'static str,
    /// Its class in the style sheet: colour and dashes.
    pub class: &'static str,
    /// One value per minute, at the minute's end.
    pub values: Vec<Option<f64>>,
    /// Where it begins, at the first moment; `None` where that is unknown.
    pub origin: Option<f64>,
}

/// A chart.
pub(super) struct Chart<'a> {
    /// Its name on the page.
    pub id: String,
    /// Its title.
    pub title: &'a str,
    /// What to see in it.
    pub caption: String,
    /// The shared time.
    pub axis: Axis,
    /// Lines, the most important last: it is drawn on top.
    pub series: Vec<Series>,
    /// Low and high, minute by minute.
    pub band: Vec<Option<(f64, f64)>>,
    /// A level with its name.
    pub level: Option<(f64, String)>,
    /// Highest value that must show; values beyond it leave the drawing at its edge.
    pub top: f64,
    /// When attack traffic flows.
    pub attack: Option<(u32, u32)>,
    /// When something is capped.
    pub capped: &'a [(u32, u32)],
    /// What leaves the drawing at its upper edge: the minute, and the words for it.
    pub beyond: Option<(u32, String)>,
    /// Whether heights grow with the logarithm: a cap of 20 below a thousand environments must show.
    pub logarithmic: bool,
    /// A value in words, with so many decimals.
    pub words: fn(f64, usize) -> String,
}

impl Chart<'_> {
    /// Appends the chart.
    pub(super) fn draw(&self, out: &mut String) {
        let (ticks, decimals) = if self.logarithmic { (tens(self.top), 0) } else { ticks(self.top) };
        let top = ticks.last().copied().unwrap_or(1.0).max(self.top);
        let minutes = f64::from(self.axis.minutes.max(1));
        let scale = Scale { top, minutes, logarithmic: self.logarithmic };
        *out += "<figure>";
        let _ = write!(
            out,
            "<figcaption><h3 id=\"{}-title\">{}</h3><p>{}</p></figcaption>",
            self.id,
            escape(self.title),
            escape(&self.caption)
        );
        let labels = self.labels(&scale);
        self.key(out);
        *out += "<div class=\"plot\"><div class=\"ys\" aria-hidden=\"true\">";
        for tick in &ticks {
            let _ = write!(
                out,
                "<span style=\"top:{}%\">{}</span>",
                percent(scale.y(*tick), HEIGHT),
                escape(&(self.words)(*tick, decimals))
            );
        }
        *out += "</div><div class=\"area\">";
        self.drawing(out, &scale, &ticks, decimals);
        let mut mark = |class: &str, minute: u32, text: &str| {
            // Words that begin in the last third end where they would begin.
            let at = scale.x(f64::from(minute));
            let side = if at > WIDTH * 0.67 { " before" } else { "" };
            let _ = write!(
                out,
                "<span class=\"{class}{side}\" aria-hidden=\"true\" style=\"left:{}%\">{}</span>",
                percent(at, WIDTH),
                escape(text)
            );
        };
        if let Some((from, until)) = self.attack {
            mark("mark attack", from, &format!("attack {}–{}", self.clock(from), self.clock(until)));
        }
        if let (Some((from, _)), Some((_, until))) = (self.capped.first(), self.capped.last()) {
            mark("mark capped", *from, &format!("capped {}–{}", self.clock(*from), self.clock(*until)));
        }
        if let Some((minute, text)) = &self.beyond {
            mark("mark beyond", *minute, text);
        }
        *out += "</div>";
        ends(out, labels);
        *out += "<div class=\"xs\" aria-hidden=\"true\">";
        for (place, (minute, label)) in times(self.axis).into_iter().enumerate() {
            let other = if place % 2 == 1 { " class=\"other\"" } else { "" };
            let at = percent(scale.x(f64::from(minute)), WIDTH);
            let _ = write!(out, "<span{other} style=\"left:{at}%\">{label}</span>");
        }
        *out += "</div></div></figure>";
    }

    /// A minute as a time of day.
    fn clock(&self, minute: u32) -> String {
        (self.axis.start + TimeDelta::minutes(i64::from(minute))).format("%H:%M").to_string()
    }

    /// The names of lines and areas.
    fn key(&self, out: &mut String) {
        *out += "<ul class=\"key\">";
        for series in &self.series {
            let _ = write!(
                out,
                "<li class=\"of-line\"><svg class=\"swatch\" viewBox=\"0 0 24 8\" aria-hidden=\"true\"><path class=\"line {}\" \
                 d=\"M0 4H24\"/></svg>{}</li>",
                series.class,
                escape(series.label)
            );
        }
        if let Some((_, name)) = &self.level {
            let _ = write!(
                out,
                "<li class=\"of-line\"><svg class=\"swatch\" viewBox=\"0 0 24 8\" aria-hidden=\"true\"><path class=\"line level\" \
                 d=\"M0 4H24\"/></svg>{}</li>",
                escape(name)
            );
        }
        if self.attack.is_some() {
            *out += "<li><span class=\"swatch attack\"></span>attack</li>";
        }
        if !self.capped.is_empty() {
            *out += "<li><span class=\"swatch capped\"></span>cap in force</li>";
        }
        *out += "</ul>";
    }

    fn drawing(&self, out: &mut String, scale: &Scale, ticks: &[f64], decimals: usize) {
        let _ = write!(
            out,
            "<svg class=\"chart\" viewBox=\"0 0 1000 200\" preserveAspectRatio=\"none\" role=\"img\" \
             aria-labelledby=\"{id}-title {id}-text\"><desc id=\"{id}-text\">{}</desc>",
            escape(&self.caption),
            id = self.id
        );
        if let Some((from, until)) = self.attack {
            scale.stretch(out, "attack", (from, until), (0.0, HEIGHT));
        }
        for tick in ticks {
            let _ = write!(out, "<path class=\"grid\" d=\"M0 {:.1}H1000\"/>", scale.y(*tick));
        }
        let band = self.band_path(scale);
        if !band.is_empty() {
            let _ = write!(out, "<path class=\"band\" d=\"{band}\"/>");
        }
        for stretch in self.capped {
            scale.stretch(out, "capped", *stretch, (-7.0, 5.0));
        }
        if let Some((level, _)) = &self.level {
            let _ = write!(out, "<path class=\"line level\" d=\"M0 {:.1}H1000\"/>", scale.y(*level));
        }
        for series in &self.series {
            let _ = write!(out, "<path class=\"line {}\" d=\"{}\"/>", series.class, path(series, scale));
        }
        self.hover(out, scale, decimals);
        *out += "</svg>";
    }

    /// Upright stretches that tell the values at their end when they are pointed at: a browser shows a title by itself.
    fn hover(&self, out: &mut String, scale: &Scale, decimals: usize) {
        let every = self.axis.minutes.div_ceil(HOVERS).max(1);
        let mut from = 0;
        while from < self.axis.minutes {
            let until = (from + every).min(self.axis.minutes);
            let x = scale.x(f64::from(from));
            let _ = write!(
                out,
                "<rect class=\"hover\" x=\"{x:.1}\" y=\"0\" width=\"{:.1}\" height=\"{HEIGHT}\"><title>{}",
                scale.x(f64::from(until)) - x,
                self.clock(until)
            );
            for series in &self.series {
                let place = usize::try_from(until.saturating_sub(1)).unwrap_or(usize::MAX);
                if let Some(value) = series.values.get(place).copied().flatten() {
                    let exact = if value < 100.0 { decimals.max(1) } else { decimals };
                    let _ =
                        write!(out, " · {} {}", escape(series.label), escape(&(self.words)(value, exact)));
                }
            }
            *out += "</title></rect>";
            from = until;
        }
    }

    /// The area between low and high: stretches of known values, each there and back.
    fn band_path(&self, scale: &Scale) -> String {
        let mut text = String::new();
        let (low, high): (Vec<_>, Vec<_>) =
            self.band.iter().map(|pair| (pair.map(|(low, _)| low), pair.map(|(_, high)| high))).unzip();
        let size = self.band.len().div_ceil(BUCKETS).max(1);
        let mut open: Vec<(f64, f64, f64)> = Vec::new();
        for (place, (low, high)) in low.chunks(size).zip(high.chunks(size)).enumerate() {
            let least = low.iter().flatten().copied().reduce(f64::min);
            let most = high.iter().flatten().copied().reduce(f64::max);
            match (least, most) {
                (Some(least), Some(most)) => {
                    open.push((as_f64((place * size + low.len()) as u64), least, most));
                }
                _ => close(&mut text, &mut open, scale),
            }
        }
        close(&mut text, &mut open, scale);
        text
    }

    /// The names of the lines that reach the end, with their classes and the height there, in per mille, from above.
    /// Lines that end at one place share a label.
    fn labels(&self, scale: &Scale) -> Vec<(f64, &str, String)> {
        let mut labels: Vec<(f64, &str, String)> = self
            .series
            .iter()
            .filter_map(|series| {
                let last = series.values.last().copied().flatten()?;
                Some((scale.y(last) / HEIGHT * 1000.0, series.class, series.label.to_owned()))
            })
            .collect();
        if let Some((level, name)) = &self.level {
            labels.push((scale.y(*level) / HEIGHT * 1000.0, "level", name.clone()));
        }
        labels.sort_by(|a, b| a.0.total_cmp(&b.0).then_with(|| a.2.cmp(&b.2)));
        let mut apart: Vec<(f64, &str, String)> = Vec::new();
        for (at, class, name) in labels {
            match apart.last_mut() {
                Some((above, _, names)) if at - *above < SAME_PER_MILLE => *names += &format!(" = {name}"),
                _ => apart.push((at, class, name)),
            }
        }
        apart
    }
}

/// The names of the lines where they end, moved apart.
fn ends(out: &mut String, mut labels: Vec<(f64, &str, String)>) {
    let mut next = 0.0_f64;
    for label in &mut labels {
        label.0 = label.0.max(next);
        next = label.0 + LABEL_PER_MILLE;
    }
    let mut most = 1000.0_f64;
    for label in labels.iter_mut().rev() {
        // Names that share a place take a line each, around its middle.
        let below = as_f64(label.2.matches(" = ").count() as u64) * LABEL_PER_MILLE / 2.5;
        label.0 = label.0.min(most - below);
        most = label.0 - LABEL_PER_MILLE;
    }
    *out += "<div class=\"ends\" aria-hidden=\"true\">";
    for (at, class, name) in labels {
        let _ =
            write!(out, "<span class=\"{class}\" style=\"top:{:.1}%\">{}</span>", at / 10.0, escape(&name));
    }
    *out += "</div>";
}

/// From values to places.
struct Scale {
    top: f64,
    minutes: f64,
    logarithmic: bool,
}

impl Scale {
    fn x(&self, minute: f64) -> f64 {
        (minute / self.minutes * WIDTH).clamp(0.0, WIDTH)
    }

    fn y(&self, value: f64) -> f64 {
        let part =
            if self.logarithmic { value.max(0.0).ln_1p() / self.top.ln_1p() } else { value / self.top };
        HEIGHT - part.clamp(0.0, 1.0) * HEIGHT
    }

    fn stretch(&self, out: &mut String, class: &str, (from, until): (u32, u32), (y, height): (f64, f64)) {
        let x = self.x(f64::from(from));
        let width = (self.x(f64::from(until)) - x).max(1.0);
        let _ = write!(
            out,
            "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.0}\" width=\"{width:.1}\" height=\"{height:.0}\"/>"
        );
    }
}

/// Closes an area and forgets its points.
fn close(text: &mut String, open: &mut Vec<(f64, f64, f64)>, scale: &Scale) {
    if open.len() > 1 {
        for (place, (minute, _, high)) in open.iter().enumerate() {
            let letter = if place == 0 { 'M' } else { 'L' };
            let _ = write!(text, "{letter}{:.1} {:.1}", scale.x(*minute), scale.y(*high));
        }
        for (minute, low, _) in open.iter().rev() {
            let _ = write!(text, "L{:.1} {:.1}", scale.x(*minute), scale.y(*low));
        }
        text.push('Z');
    }
    open.clear();
}

/// A line; where values are unknown, it is interrupted.
fn path(series: &Series, scale: &Scale) -> String {
    let mut text = String::new();
    let mut stretch = 0_u32;
    let origin = [(0, series.origin)];
    for (minute, value) in origin.into_iter().chain(thinned(&series.values)) {
        let Some(value) = value else {
            if stretch == 1 {
                text += "h0";
            }
            stretch = 0;
            continue;
        };
        let letter = if stretch == 0 { 'M' } else { 'L' };
        let _ = write!(text, "{letter}{:.1} {:.1}", scale.x(as_f64(minute as u64)), scale.y(value));
        stretch += 1;
    }
    if stretch == 1 {
        text += "h0";
    }
    text
}

/// The values with the minute at whose end they stand: all of them, or of each of [`BUCKETS`] stretches the lowest, the
/// highest and one unknown, in the order of time.
pub(super) fn thinned(values: &[Option<f64>]) -> Vec<(usize, Option<f64>)> {
    if values.len() <= BUCKETS * 2 {
        return values.iter().enumerate().map(|(place, value)| (place + 1, *value)).collect();
    }
    let size = values.len().div_ceil(BUCKETS);
    let mut kept = Vec::with_capacity(BUCKETS * 3);
    for (bucket, chunk) in values.chunks(size).enumerate() {
        let known = || chunk.iter().enumerate().filter_map(|(place, value)| Some((place, (*value)?)));
        let mut places: Vec<usize> = Vec::new();
        places.extend(known().min_by(|a, b| a.1.total_cmp(&b.1)).map(|(place, _)| place));
        places.extend(known().max_by(|a, b| a.1.total_cmp(&b.1)).map(|(place, _)| place));
        places.extend(chunk.iter().position(Option::is_none));
        if bucket == values.len().div_ceil(size) - 1 {
            places.push(chunk.len() - 1);
        }
        places.sort_unstable();
        places.dedup();
        kept.extend(
            places.into_iter().filter_map(|place| Some((bucket * size + place + 1, *chunk.get(place)?))),
        );
    }
    kept
}

/// Round values from 0 up to at least the top, in steps of 1, 2 or 5 times a power of ten, and the decimals that they
/// need. A top of 0 counts as 1: nothing to see is drawn as nothing.
pub(super) fn ticks(top: f64) -> (Vec<f64>, usize) {
    let top = if top > 0.0 { top } else { 1.0 };
    for exponent in -9_i32..=15 {
        for mantissa in ["1", "2", "5"] {
            let step: f64 = format!("{mantissa}e{exponent}").parse().unwrap_or(1.0);
            if step >= top / 5.0 {
                let past = (0..=5).map(|place| f64::from(place) * step).take_while(|tick| *tick < top + step);
                return (past.collect(), usize::try_from(-exponent).unwrap_or(0));
            }
        }
    }
    (vec![0.0, top], 0)
}

/// 0, 1, 10, 100 and so on, to at least the top.
fn tens(top: f64) -> Vec<f64> {
    let mut ticks = vec![0.0, 1.0];
    let mut tick = 1.0;
    while tick < top && ticks.len() < 15 {
        tick *= 10.0;
        ticks.push(tick);
    }
    ticks
}

/// Where the time axis is labelled, and how: clock times, with the date at midnight; dates only beyond two days.
pub(super) fn times(axis: Axis) -> Vec<(u32, String)> {
    const STEPS: [u32; 14] = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 10_080];
    let is_long = axis.minutes > 2880;
    let steps = STEPS.into_iter().filter(|step| !is_long || *step >= 1440);
    let step = steps.into_iter().find(|step| axis.minutes / step <= 8).unwrap_or(axis.minutes / 8);
    let into_day = axis.start.hour() * 60 + axis.start.minute();
    let mut minute = (step - into_day % step) % step;
    if step > 1440 {
        minute = (1440 - into_day) % 1440;
    }
    let mut labels = Vec::new();
    while minute <= axis.minutes {
        let at = axis.start + TimeDelta::minutes(i64::from(minute));
        let is_midnight = at.hour() == 0 && at.minute() == 0;
        let format = if is_long || (is_midnight && step >= 10) { "%-d %b" } else { "%H:%M" };
        labels.push((minute, at.format(format).to_string()));
        minute += step;
    }
    labels
}

fn percent(part: f64, whole: f64) -> String {
    format!("{:.2}", part / whole * 100.0)
}
