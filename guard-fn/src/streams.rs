//! The streams through which a command reads and answers.

use std::io::{self, Read, Write};

/// The three standard streams, or their substitutes.
pub struct Streams<'a> {
    /// Standard input.
    pub input: Box<dyn Read + 'a>,
    /// Standard output.
    pub output: Box<dyn Write + 'a>,
    /// Standard error.
    pub error: Box<dyn Write + 'a>,
}

impl Streams<'static> {
    /// Those of the process.
    pub fn standard() -> Self {
        Streams {
            input: Box::new(io::stdin()),
            output: Box::new(io::stdout()),
            error: Box::new(io::stderr()),
        }
    }
}
