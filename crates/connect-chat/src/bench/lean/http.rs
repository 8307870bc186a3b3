//! HTTP requests over one connection, one after the other: for latencies in which no client library takes a part.

use anyhow::{Context, Result, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A connection of one person.
pub(in crate::bench) struct Asker {
    stream: TcpStream,
    host: String,
    token: String,
    coming: Vec<u8>,
}

impl Asker {
    /// Connects to the server at `url` with an access token.
    pub(in crate::bench) async fn connect(url: &str, token: &str) -> Result<Self> {
        let host = super::host(url)?;
        let stream = TcpStream::connect(host).await.with_context(|| format!("no server at {host}"))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, host: host.to_owned(), token: token.to_owned(), coming: Vec::new() })
    }

    /// Gets what is at `path`: its body.
    pub(in crate::bench) async fn get(&mut self, path: &str) -> Result<&[u8]> {
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\n\r\n",
            self.host, self.token
        );
        self.stream.write_all(request.as_bytes()).await?;
        self.coming.clear();
        let (head, length) = loop {
            self.read().await?;
            if let Some(head) = super::end_of_head(&self.coming) {
                break (head, answered(&self.coming[..head])?);
            }
        };
        while self.coming.len() < head + length {
            self.read().await?;
        }
        Ok(&self.coming[head..head + length])
    }

    async fn read(&mut self) -> Result<()> {
        ensure!(self.stream.read_buf(&mut self.coming).await? > 0, "the connection ended");
        Ok(())
    }
}

/// The length of the body behind this head, if the answer is a good one.
fn answered(head: &[u8]) -> Result<usize> {
    let head = String::from_utf8_lossy(head);
    let status = head.lines().next().unwrap_or_default();
    ensure!(status.contains(" 200 "), "the server answered {status}");
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    });
    length.context("an answer without a length")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_no_body() {
        assert_eq!(answered(b"HTTP/1.1 200 OK\r\nContent-Length: 17\r\n\r\n").unwrap(), 17);
        assert!(answered(b"HTTP/1.1 404 Not Found\r\ncontent-length: 17\r\n\r\n").is_err());
        assert!(answered(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
    }
}
