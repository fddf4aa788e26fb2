//! Reading answers: never more than a limit, and in words that fit into a log line.

use reqwest::Response;
use reqwest::header::CONTENT_TYPE;
use serde_json::Value;

/// The most characters of a server's words that are repeated in an error.
const EXCERPT_CHARS: usize = 240;
/// How much of a body is looked at for an excerpt: enough even where each character takes four bytes
/// and many are dropped.
const LOOKED_AT: usize = 4096;

/// Why a body could not be read.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// It has more bytes than the limit.
    #[error("the answer is larger than {} KiB", limit / 1024)]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// The connection broke, or the time was up.
    #[error("the answer broke off: {}", super::describe(.0))]
    Broken(reqwest::Error),
}

/// Reads the whole body as long as it stays within `limit` bytes. Memory stays within the limit plus
/// one network buffer whatever the server sends or promises.
pub async fn read_body(mut response: Response, limit: usize) -> Result<Vec<u8>, BodyError> {
    let promised = response.content_length().unwrap_or(0);
    let promised = usize::try_from(promised).unwrap_or(usize::MAX);
    if promised > limit {
        return Err(BodyError::TooLarge { limit });
    }
    let mut body = Vec::with_capacity(promised);
    while let Some(chunk) = response.chunk().await.map_err(BodyError::Broken)? {
        if body.len() + chunk.len() > limit {
            return Err(BodyError::TooLarge { limit });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The media type of an answer without its parameters; empty where it has none.
#[must_use]
pub fn media_type(response: &Response) -> String {
    let header = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    header.and_then(|value| value.split(';').next()).unwrap_or_default().trim().to_owned()
}

/// A server's own words of why it failed: the text under the first of `keys` that the JSON body has,
/// otherwise the beginning of the body. Not yet fit for a log: see [`excerpt`].
#[must_use]
pub fn words(body: &[u8], keys: &[&str]) -> String {
    let json = serde_json::from_slice::<Value>(body).ok();
    let told = json.as_ref().and_then(|json| {
        keys.iter().find_map(|key| json.get(key)?.as_str().filter(|text| !text.is_empty()))
    });
    match told {
        Some(text) => text.to_owned(),
        None => String::from_utf8_lossy(&body[..std::cmp::min(body.len(), LOOKED_AT)]).into_owned(),
    }
}

/// `text` on one line, at most 240 characters of it, without control characters.
#[must_use]
pub fn excerpt(text: &str) -> String {
    let mut characters = text
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .flat_map(|word| std::iter::once(' ').chain(word.chars()))
        .skip(1);
    let mut short: String = characters.by_ref().take(EXCERPT_CHARS).collect();
    if characters.next().is_some() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_fits_on_a_line() {
        assert_eq!(excerpt("  a\r\n\tb\u{1b}[31m c\0 "), "a b [31m c");
        assert_eq!(excerpt(""), "");
        assert_eq!(excerpt(&"é".repeat(240)).chars().count(), 240);
        assert_eq!(excerpt(&"é".repeat(241)), format!("{}…", "é".repeat(240)));
    }

    #[test]
    fn the_servers_words_are_found() {
        let keys = ["message", "error"];
        let table: [(&[u8], &str); 6] = [
            (br#"{"error":"e","message":"m"}"#, "m"),
            (br#"{"error":"e","message":""}"#, "e"),
            (br#"{"error":{"code":1}}"#, r#"{"error":{"code":1}}"#),
            (b"<html>\n<b>Bad</b>", "<html>\n<b>Bad</b>"),
            (b"", ""),
            (b"\xff\xfe", "\u{fffd}\u{fffd}"),
        ];
        for (body, want) in table {
            assert_eq!(words(body, &keys), want);
        }
    }
}
