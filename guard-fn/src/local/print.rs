//! Messages on a terminal: those that people would get by e-mail, and none of those for machines.

use std::io::{self, Write};

use async_trait::async_trait;
use guard_core::alert::{Audience, Message};

use crate::ports::{AlertSink, Proof, Unavailable};

/// Where messages are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stream {
    /// Standard error: the answer of a command stays alone on standard output.
    #[default]
    Error,
    /// Standard output.
    Output,
}

/// Prints the messages for people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PrintSink(pub Stream);

#[async_trait]
impl AlertSink for PrintSink {
    async fn send(&self, message: &Message) -> Result<(), Unavailable> {
        let written = match self.0 {
            Stream::Error => print(&mut io::stderr().lock(), message),
            Stream::Output => print(&mut io::stdout().lock(), message),
        };
        written.map_err(|error| Unavailable::new("printing a message", error.to_string()))
    }

    /// It needs no permission.
    async fn prove(&self) -> Vec<Proof> {
        Vec::new()
    }
}

/// Messages about the guard itself: a command says what failed where it answers.
const OWN: [&str; 2] = ["troubled", "mended"];

/// Subject, a blank line, body, and a blank line behind it.
fn print(stream: &mut impl Write, message: &Message) -> io::Result<()> {
    let is_own = message.attributes.get("event").is_some_and(|event| OWN.contains(&event.as_str()));
    if message.audience == Audience::People && !is_own {
        let (subject, body) = (&message.subject, message.body.trim_end());
        writeln!(stream, "Message, printed here and sent to nobody: {subject}\n\n{body}\n")?;
    }
    stream.flush()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn people_are_shown_subject_and_body_and_machines_nothing() {
        let printed = |audience| {
            let message = Message {
                audience,
                subject: "CAPPED img".to_owned(),
                body: "Calls fail.\n".to_owned(),
                attributes: BTreeMap::new(),
            };
            let mut out = Vec::new();
            print(&mut out, &message).unwrap();
            String::from_utf8(out).unwrap()
        };
        let shown = "Message, printed here and sent to nobody: CAPPED img\n\nCalls fail.\n\n";
        assert_eq!(printed(Audience::People), shown);
        assert_eq!((printed(Audience::Chat), printed(Audience::Pager)), (String::new(), String::new()));
    }

    #[test]
    fn what_failed_is_said_where_the_command_answers_and_not_as_a_letter() {
        for event in ["troubled", "mended"] {
            let message = Message {
                audience: Audience::People,
                subject: "GUARD IN TROUBLE DoW Guard".to_owned(),
                body: "no answer\n".to_owned(),
                attributes: BTreeMap::from([("event".to_owned(), event.to_owned())]),
            };
            let mut out = Vec::new();
            print(&mut out, &message).unwrap();
            assert_eq!(out, b"", "{event}");
        }
    }

    #[tokio::test]
    async fn a_stream_that_is_closed_is_an_error_and_not_silence() {
        struct Closed;
        impl Write for Closed {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let message = Message {
            audience: Audience::People,
            subject: "a".to_owned(),
            body: "b".to_owned(),
            attributes: BTreeMap::new(),
        };
        assert_eq!(print(&mut Closed, &message).unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }
}
