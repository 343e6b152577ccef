//! A replay as a page of text: the first screen for whoever pays, then the timeline, then the alert as it arrives.

pub(super) mod screen;
pub(super) mod timeline;

use std::io::{self, Write};

use guard_core::alert::{self, Audience, LABEL_WIDTH, Message, SINGLE_MAX};
use guard_core::plan::{Notice, NoticeKind};

use super::layout::{Palette, Tone, wrapped_to};
use crate::replay::Replay;

/// Where a page goes, and how wide it is.
pub struct Page<W> {
    out: W,
    palette: Palette,
    width: usize,
}

/// Narrower than this, columns do not fit; wider, lines cannot be read.
pub const WIDTHS: (usize, usize) = (80, 140);

impl<W: Write> Page<W> {
    /// An empty page of so many columns, within [`WIDTHS`].
    pub fn new(out: W, palette: Palette, width: usize) -> Self {
        Page { out, palette, width: width.clamp(WIDTHS.0, WIDTHS.1) }
    }

    /// Writes the replay.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn write(&mut self, replay: &Replay) -> io::Result<()> {
        self.first_screen(replay)?;
        self.timeline(replay)?;
        self.message(replay)?;
        self.out.flush()
    }

    /// The alert that matters most: the e-mail that the guard sends.
    fn message(&mut self, replay: &Replay) -> io::Result<()> {
        let Some(mail) = loudest(replay) else { return Ok(()) };
        self.heading("The alert as it arrives")?;
        self.paragraph("  Subject: ", Tone::Strong, &mail.subject)?;
        writeln!(self.out)?;
        for line in mail.body.lines() {
            match line.split_at_checked(LABEL_WIDTH) {
                // A command is to be pasted, so it stays in one line.
                Some((_, rest)) if rest.starts_with("aws lambda ") => writeln!(self.out, "  {line}")?,
                Some((label, rest)) if label.ends_with("  ") => {
                    self.paragraph(&format!("  {label}"), Tone::Normal, rest)?;
                }
                _ if line.is_empty() => writeln!(self.out)?,
                _ => self.paragraph("  ", Tone::Normal, line)?,
            }
        }
        Ok(())
    }

    fn heading(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out)?;
        self.line(Tone::Strong, text)
    }

    fn line(&mut self, tone: Tone, text: &str) -> io::Result<()> {
        writeln!(self.out, "{}", self.palette.paint(tone, text))
    }

    fn paragraph(&mut self, first: &str, tone: Tone, text: &str) -> io::Result<()> {
        for line in wrapped_to(self.width, first, text) {
            self.line(tone, &line)?;
        }
        Ok(())
    }
}

/// The e-mail of the first notice of the gravest kind that was sent.
pub fn loudest(replay: &Replay) -> Option<Message> {
    const BY_GRAVITY: [NoticeKind; 8] = [
        NoticeKind::Capped,
        NoticeKind::WouldHaveCapped,
        NoticeKind::Refused,
        NoticeKind::Failed,
        NoticeKind::Untripped,
        NoticeKind::Noticed,
        NoticeKind::Warned,
        NoticeKind::Blind,
    ];
    let of = |kind| {
        let mut sent =
            replay.with.ticks.iter().flat_map(|tick| tick.told.iter().map(move |told| (tick, told)));
        sent.find_map(|(tick, told)| {
            let is_it = |notice: &&Notice| notice.alarming && notice.kind == kind;
            let notice = told.iter().find(is_it)?;
            // Many at once are one message.
            let sent = if told.len() > SINGLE_MAX { told.as_slice() } else { std::slice::from_ref(notice) };
            let messages = alert::messages(sent, &tick.plan, &replay.context);
            messages.into_iter().find(|message| message.audience == Audience::People)
        })
    };
    BY_GRAVITY.into_iter().find_map(of)
}

#[cfg(test)]
mod tests;
