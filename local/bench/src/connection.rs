//! HTTP/1.1 over one persistent connection, and only the part of it that the servers here need: the less the load
//! generator computes, the more processor time is left for what is measured.

use std::{
    io::{self, BufRead as _, BufReader, Error, ErrorKind, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use serde::Serialize;

/// Longer than any request may take; a server that hangs fails the bench.
const TIMEOUT: Duration = Duration::from_mins(1);

/// A request to be sent as it is.
pub fn post(path: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    use std::fmt::Write as _;
    let mut head = format!("POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers {
        let _ = write!(head, "{name}: {value}\r\n"); // writing to a string cannot fail
    }
    head.push_str("\r\n");
    [head.as_bytes(), body].concat()
}

/// The same with JSON.
pub fn post_json(path: &str, headers: &[(&str, &str)], body: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    let headers = [&[("content-type", "application/json"), ("accept", "application/json")], headers].concat();
    Ok(post(path, &headers, &serde_json::to_vec(body)?))
}

/// What a server answered.
#[derive(Debug, Default)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// The value of `Server-Timing`.
    pub server_timing: String,
    /// The body.
    pub body: Vec<u8>,
}

/// A kept connection.
#[derive(Debug)]
pub struct Connection {
    stream: BufReader<TcpStream>,
}

impl Connection {
    /// Connects.
    pub fn open(address: SocketAddr) -> io::Result<Self> {
        Self::open_within(address, TIMEOUT)
    }

    /// Connects, and waits for an answer no longer than that. After an exchange that failed it is of no use.
    pub fn open_within(address: SocketAddr, timeout: Duration) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(timeout))?;
        Ok(Self { stream: BufReader::new(stream) })
    }

    /// Ends with a reset instead of an orderly end, which the runtime takes for a caller who has sent everything and still
    /// waits.
    pub fn reset(self) -> io::Result<()> {
        rustix::net::sockopt::set_socket_linger(self.stream.get_ref(), Some(Duration::ZERO)).map_err(Error::from)
    }

    /// Sends a request and waits for the whole answer.
    pub fn exchange(&mut self, request: &[u8]) -> io::Result<Answer> {
        self.stream.get_mut().write_all(request)?;
        let mut line = Vec::with_capacity(256);
        self.read_line(&mut line)?;
        let mut answer = Answer { status: status(&line)?, ..Answer::default() };
        let mut length = None;
        let mut chunked = false;
        loop {
            self.read_line(&mut line)?;
            if line.is_empty() {
                break;
            }
            if let Some(value) = header(&line, "content-length") {
                length = value.trim().parse().ok();
            } else if let Some(value) = header(&line, "transfer-encoding") {
                chunked = value.trim().eq_ignore_ascii_case("chunked");
            } else if let Some(value) = header(&line, "server-timing") {
                answer.server_timing = value.trim().to_owned();
            }
        }
        if chunked {
            self.read_chunks(&mut line, &mut answer.body)?;
        } else {
            let length: usize = length.ok_or_else(|| broken("an answer of unknown length"))?;
            answer.body.resize(length, 0);
            self.stream.read_exact(&mut answer.body)?;
        }
        Ok(answer)
    }

    fn read_chunks(&mut self, line: &mut Vec<u8>, body: &mut Vec<u8>) -> io::Result<()> {
        loop {
            self.read_line(line)?;
            let digits = std::str::from_utf8(line).unwrap_or_default().split(';').next().unwrap_or_default();
            let length = usize::from_str_radix(digits.trim(), 16).map_err(|_| broken("a chunk without a length"))?;
            let start = body.len();
            body.resize(start + length, 0);
            self.stream.read_exact(&mut body[start..])?;
            self.read_line(line)?;
            if length == 0 {
                return Ok(());
            }
        }
    }

    /// One line, without its end.
    fn read_line(&mut self, line: &mut Vec<u8>) -> io::Result<()> {
        line.clear();
        self.stream.read_until(b'\n', line)?;
        if line.pop() != Some(b'\n') {
            return Err(Error::from(ErrorKind::UnexpectedEof));
        }
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        Ok(())
    }
}

fn status(line: &[u8]) -> io::Result<u16> {
    let digits = line.strip_prefix(b"HTTP/1.1 ").and_then(|rest| rest.get(..3));
    let status = digits.and_then(|digits| std::str::from_utf8(digits).ok()).and_then(|digits| digits.parse().ok());
    status.ok_or_else(|| broken("an answer that is not HTTP/1.1"))
}

/// The value of the header of that name, if the line is one.
fn header<'a>(line: &'a [u8], name: &str) -> Option<&'a str> {
    let (start, rest) = line.split_at_checked(name.len())?;
    let value = rest.strip_prefix(b":").filter(|_| start.eq_ignore_ascii_case(name.as_bytes()))?;
    std::str::from_utf8(value).ok()
}

fn broken(what: &str) -> Error {
    Error::new(ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read as _, Write as _},
        net::TcpListener,
        thread,
    };

    use super::{Connection, post};

    /// A server that gives these answers over one connection, whatever it is asked.
    fn answers(answers: &'static [&'static str]) -> Connection {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            for answer in answers {
                assert!(stream.read(&mut [0; 1000]).unwrap() > 0);
                stream.write_all(answer.as_bytes()).unwrap();
            }
        });
        Connection::open(address).unwrap()
    }

    #[test]
    fn answers_with_a_length_and_in_chunks_are_read_one_after_the_other() {
        let mut connection = answers(&[
            "HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\nServer-Timing: database;dur=4\r\n\r\n{}",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n",
            "HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n",
        ]);
        let request = post("/", &[("a", "b")], b"");

        let first = connection.exchange(&request).unwrap();
        assert_eq!((first.status, first.body.as_slice()), (202, b"{}".as_slice()));
        assert_eq!(first.server_timing, "database;dur=4");
        let second = connection.exchange(&request).unwrap();
        assert_eq!((second.status, second.body.as_slice()), (200, b"abc0123456789".as_slice()));
        assert_eq!(connection.exchange(&request).unwrap().status, 204);
    }

    #[test]
    fn what_is_no_answer_is_an_error() {
        for nonsense in
            ["", "hello\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nx"]
        {
            let mut connection = answers(Box::leak(Box::new([nonsense])));
            assert!(connection.exchange(&post("/", &[], b"")).is_err(), "{nonsense}");
        }
    }

    #[test]
    fn a_request_says_how_long_it_is() {
        let request = String::from_utf8(post("/a?b", &[("x-y", "z")], b"body")).unwrap();
        assert_eq!(request, "POST /a?b HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 4\r\nx-y: z\r\n\r\nbody");
    }
}
