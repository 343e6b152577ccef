//! Text on a page of 80 columns: wrapping, bars, digits in groups, and colours where a terminal shows them.

pub use guard_core::text::{shortened, wrapped_to};

/// Columns of a page.
pub const WIDTH: usize = 80;

/// Which colours the output may carry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Palette {
    /// None: a file, a pipe, or `NO_COLOR`.
    #[default]
    Plain,
    /// ANSI colours.
    Ansi,
}

/// Whether the terminal says that it shows text and nothing else.
#[expect(clippy::disallowed_methods, reason = "TERM is for every program of a terminal")]
pub fn is_dumb() -> bool {
    std::env::var_os("TERM").is_some_and(|value| value == "dumb")
}

/// When to show colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Colours {
    /// On a terminal that can, unless `NO_COLOR` is set to anything (no-color.org).
    #[default]
    Auto,
    /// In files and pipes, too.
    Always,
    /// Nowhere.
    Never,
}

impl Colours {
    /// The colours of an output that is a terminal or is not.
    #[expect(clippy::disallowed_methods, reason = "NO_COLOR is for every program of a terminal")]
    pub fn palette(self, is_terminal: bool) -> Palette {
        let is_unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        match self {
            Colours::Always => Palette::Ansi,
            Colours::Auto if is_terminal && !is_unwanted && !is_dumb() => Palette::Ansi,
            Colours::Auto | Colours::Never => Palette::Plain,
        }
    }
}

/// How much a piece of text wants to be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Background.
    Faint,
    /// As any text.
    Normal,
    /// A title.
    Strong,
    /// Fine.
    Good,
    /// Watch this.
    Warning,
    /// This costs money now.
    Alarm,
}

impl Palette {
    /// The text in its tone.
    pub fn paint(self, tone: Tone, text: &str) -> String {
        let code = match (self, tone) {
            (Palette::Plain, _) | (_, Tone::Normal) => return text.to_owned(),
            (_, Tone::Faint) => "2",
            (_, Tone::Strong) => "1",
            (_, Tone::Good) => "32",
            (_, Tone::Warning) => "33",
            (_, Tone::Alarm) => "1;31",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}

/// The text in lines of at most [`WIDTH`] columns: see [`wrapped_to`].
pub fn wrapped(first: &str, text: &str) -> Vec<String> {
    wrapped_to(WIDTH, first, text)
}

/// A bar of `cells` characters, filled to so many thousandths; full is full, however far beyond.
pub fn bar(per_mille: i64, cells: usize) -> String {
    const EIGHTHS: [char; 8] = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];
    let clamped = usize::try_from(per_mille.clamp(0, 1000)).unwrap_or(0);
    let filled = (clamped * cells * 8).div_ceil(1000);
    let mut text = "█".repeat(filled / 8);
    if let Some(part) = EIGHTHS.get(filled % 8).filter(|_| !filled.is_multiple_of(8)) {
        text.push(*part);
    }
    let empty = cells - filled.div_ceil(8);
    text + &"·".repeat(empty)
}

/// Digits in groups of three: `1234567` → `1,234,567`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A number of things, in words: `1 minute`, `1,234 minutes`.
pub fn count(number: u64, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {what}{plural}", grouped(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_breaks_before_the_column_after_the_last() {
        let word = "x".repeat(39);
        assert_eq!(wrapped("", &format!("{word} {word}x")), [format!("{word} {word}x")]);
        assert_eq!(wrapped("", &format!("{word} {word}xx")), [word.clone(), format!("{word}xx")]);
        assert_eq!(wrapped("> ", &format!("{word} {word}")), [format!("> {word}"), format!("  {word}")]);
    }

    #[test]
    fn a_word_longer_than_a_line_stands_alone_and_no_text_is_one_line() {
        let long = "y".repeat(200);
        assert_eq!(
            wrapped("- ", &format!("a {long} b")),
            ["- a".to_owned(), format!("  {long}"), "  b".to_owned()]
        );
        assert_eq!(wrapped("- ", ""), ["-"]);
    }

    #[test]
    fn a_bar_fills_by_eighths_and_never_beyond_its_end() {
        let bars = [-5, 0, 1, 125, 500, 999, 1000, 5000].map(|per_mille| bar(per_mille, 2));
        assert_eq!(bars, ["··", "··", "▏·", "▎·", "█·", "██", "██", "██"]);
    }

    #[test]
    fn digits_stand_in_groups_of_three() {
        assert_eq!([0, 999, 1000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn one_is_not_many_and_none_is() {
        assert_eq!([0, 1, 1000].map(|number| count(number, "cap")), ["0 caps", "1 cap", "1,000 caps"]);
    }

    #[test]
    fn colours_appear_only_where_they_are_wanted() {
        assert_eq!(Palette::Plain.paint(Tone::Alarm, "x"), "x");
        assert_eq!(Palette::Ansi.paint(Tone::Normal, "x"), "x");
        assert_eq!(Palette::Ansi.paint(Tone::Alarm, "x"), "\u{1b}[1;31mx\u{1b}[0m");
    }
}
