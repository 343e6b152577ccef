//! As much HTTP/1.1 as programs on one machine speak to each other.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// A request or an answer.
#[derive(Clone, Debug, Default)]
pub struct Message {
    /// The first line.
    pub start: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// Without the framing of chunks.
    pub body: Vec<u8>,
}

impl Message {
    /// A message with a body.
    pub fn new(start: impl Into<String>, body: impl Into<Vec<u8>>) -> Self {
        Message { start: start.into(), headers: Vec::new(), body: body.into() }
    }

    /// The same with a header.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A word of the first line, from 0.
    pub fn word(&self, place: usize) -> &str {
        self.start.split(' ').nth(place).unwrap_or_default()
    }

    /// The status of an answer; 0 of a request.
    pub fn status(&self) -> u16 {
        self.word(1).parse().unwrap_or_default()
    }

    /// Everything but the body.
    pub fn head(&self) -> Vec<u8> {
        let framing = ["content-length", "transfer-encoding", "connection"];
        let mut head = format!("{}\r\n", self.start);
        for (name, value) in self.headers.iter().filter(|(name, _)| !framing.contains(&name.as_str())) {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str(&format!("content-length: {}\r\n\r\n", self.body.len()));
        head.into_bytes()
    }

    /// Writes all of it.
    pub fn write(&self, stream: &mut impl Write) -> io::Result<()> {
        let mut bytes = self.head();
        bytes.extend(&self.body);
        stream.write_all(&bytes)?;
        stream.flush()
    }
}

/// Reads a message; `None` where the other side has no more. `is_answer`: without a length, the body ends with the
/// connection.
pub fn read(stream: &mut impl BufRead, is_answer: bool) -> io::Result<Option<Message>> {
    let start = line(stream)?;
    if start.is_empty() {
        return Ok(None);
    }
    let mut message = Message::new(start, []);
    loop {
        let line = line(stream)?;
        let Some((name, value)) = line.split_once(':') else { break };
        message.headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    if message.header("transfer-encoding") == Some("chunked") {
        loop {
            let size = line(stream)?;
            let size = usize::from_str_radix(size.split(';').next().unwrap_or_default(), 16);
            let size = size.map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
            let mut chunk = vec![0; size];
            stream.read_exact(&mut chunk)?;
            line(stream)?;
            if size == 0 {
                break;
            }
            message.body.extend(chunk);
        }
    } else if let Some(length) = message.header("content-length").and_then(|text| text.parse().ok()) {
        message.body = vec![0; length];
        stream.read_exact(&mut message.body)?;
    } else if is_answer && ![204, 304].contains(&message.status()) {
        stream.read_to_end(&mut message.body)?;
    }
    Ok(Some(message))
}

fn line(stream: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    stream.read_line(&mut line)?;
    line.truncate(line.trim_end().len());
    Ok(line)
}

/// Sends a request on a connection of its own and waits for the answer.
pub fn exchange(address: SocketAddr, request: &Message) -> io::Result<Message> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(120)))?;
    stream.set_nodelay(true)?;
    request.write(&mut stream)?;
    let answer = read(&mut BufReader::new(stream), true)?;
    answer.ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))
}

/// Posts and returns status and body.
pub fn post(address: SocketAddr, path: &str, body: &[u8]) -> io::Result<Message> {
    let request = Message::new(format!("POST {path} HTTP/1.1"), body).with("host", address.to_string());
    exchange(address, &request)
}

/// A port that nobody listens on.
pub fn free_port() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}
