//! Text to values: one function for each kind, and one fault for each way to get it wrong.

mod fault;

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use crate::decide::view::is_reserved;
use crate::decide::{Millionths, Step};
use crate::model::{By, Calendar, OnFailure, ProcessGroup, Region};

use super::setting::MAX_DURATION;
use crate::model::duration;

pub use fault::Fault;

/// A duration of at least `min`.
pub fn duration(text: &str, min: Duration) -> Result<Duration, Fault> {
    let value = || text.to_owned();
    let parsed = duration::parse(text).ok_or_else(|| Fault::NotADuration { value: value() })?;
    if parsed < min {
        return Err(Fault::TooShort { value: value(), min: duration::format(min) });
    }
    if parsed > MAX_DURATION {
        return Err(Fault::TooLong { value: value(), max: duration::format(MAX_DURATION) });
    }
    Ok(parsed)
}

/// A whole number from `min` to `max`.
pub fn count(text: &str, min: u32, max: u32) -> Result<u32, Fault> {
    let number = text.parse().ok().filter(|number| (min..=max).contains(number));
    number.ok_or_else(|| Fault::NotACount { value: text.to_owned(), min, max })
}

/// A finite number.
pub fn number(text: &str) -> Result<f64, Fault> {
    let number = text.parse().ok().filter(|number: &f64| number.is_finite());
    number.ok_or_else(|| Fault::NotANumber { value: text.to_owned() })
}

/// A number from 0 to 1, in millionths: exact, so that it can be compared.
pub fn fraction(text: &str) -> Result<Millionths, Fault> {
    let number = number(text).ok().filter(|number| (0.0..=1.0).contains(number));
    let wrong = || Fault::NotAFraction { value: text.to_owned() };
    number.map(Millionths::from_fraction).ok_or_else(wrong)
}

/// A number of machines, or a percentage.
pub fn step(text: &str) -> Result<Step, Fault> {
    let value = || text.to_owned();
    let (digits, is_percent) = match text.strip_suffix('%') {
        Some(digits) => (digits.trim_end(), true),
        None => (text, false),
    };
    let most = if is_percent { 1000 } else { 100_000 };
    let number: Option<u32> = digits.parse().ok().filter(|number| *number <= most);
    let number = number.ok_or_else(|| Fault::NotAStep { value: value() })?;
    match NonZeroU32::new(number) {
        None => Err(Fault::NoStep { value: value() }),
        Some(percent) if is_percent => Ok(Step::Percent(percent)),
        Some(machines) => Ok(Step::Machines(machines)),
    }
}

/// Hours of the week.
pub fn calendar(text: &str) -> Result<Calendar, Fault> {
    Calendar::parse(text).map_err(Fault::Calendar)
}

/// A number from -1 to below 1. At 1 only a perfect forecast would do.
pub fn skill(text: &str) -> Result<f64, Fault> {
    let number = text.parse().ok().filter(|number| (-1.0..1.0).contains(number));
    number.ok_or_else(|| Fault::NotASkill { value: text.to_owned() })
}

/// A boolean as YAML 1.1, YAML 1.2 and Go's `strconv.ParseBool` write it; `words` are the two that the
/// message offers.
pub fn boolean(text: &str, words: [&'static str; 2]) -> Result<bool, Fault> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "on" | "yes" | "1" | "t" | "y" => Ok(true),
        "false" | "off" | "no" | "0" | "f" | "n" => Ok(false),
        _ => Err(Fault::NotABool { value: text.to_owned(), yes: words[0], no: words[1] }),
    }
}

/// The position of `text` among `choices`.
pub fn choice(text: &str, choices: &'static [&'static str]) -> Result<usize, Fault> {
    let at = choices.iter().position(|choice| *choice == text);
    at.ok_or_else(|| Fault::NotAChoice { value: text.to_owned(), choices })
}

/// `hold`, `hold-scale-down`, `last`, `nil` or a number.
pub fn on_failure(text: &str) -> Result<OnFailure, Fault> {
    match text {
        "hold" => Ok(OnFailure::Hold),
        "hold-scale-down" => Ok(OnFailure::HoldScaleDown),
        "last" => Ok(OnFailure::Last),
        "nil" => Ok(OnFailure::Nil),
        _ => number(text)
            .map(OnFailure::Number)
            .map_err(|_| Fault::NotOnFailure { value: text.to_owned() }),
    }
}

/// One more label of `by`.
pub fn add_label(by: By, text: &str) -> Result<By, Fault> {
    match (by, text) {
        (By::None, "app") => Ok(By::App),
        (By::None, "region") => Ok(By::Region),
        (By::App, "region") | (By::Region, "app") => Ok(By::AppAndRegion),
        (_, "app" | "region") => Err(Fault::Twice { value: text.to_owned() }),
        _ => Err(Fault::NotALabel { value: text.to_owned() }),
    }
}

/// An HTTP address without credentials; a trailing slash is dropped.
pub fn url(text: &str) -> Result<String, Fault> {
    let parsed = text.parse::<reqwest::Url>();
    let parsed = parsed
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        .ok_or_else(|| Fault::NotAUrl { value: text.to_owned() })?;
    if !parsed.username().is_empty() || parsed.password().is_some() {
        return Err(Fault::CredentialsInUrl);
    }
    Ok(text.trim_end_matches('/').to_owned())
}

/// Where a gRPC server is: `host:port`, or the same behind `http://` or `https://`, where the port may be
/// left out.
pub fn grpc_address(text: &str) -> Result<GrpcAddress, Fault> {
    let wrong = || Fault::NotGrpcAddress { value: text.to_owned() };
    let (scheme, authority) = match text.split_once("://") {
        Some(("http", rest)) => (Some(Scheme::Http), rest),
        Some(("https", rest)) => (Some(Scheme::Https), rest),
        Some(_) => return Err(wrong()),
        None => (None, text),
    };
    let authority = authority.strip_suffix('/').unwrap_or(authority);
    let url: reqwest::Url = format!("grpc://{authority}").parse().map_err(|_| wrong())?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Fault::CredentialsInUrl);
    }
    let is_plain = url.path().is_empty() && url.query().is_none() && url.fragment().is_none();
    let is_port_known = url.port().is_some() || scheme.is_some();
    if !url.has_host() || !is_plain || !is_port_known {
        return Err(wrong());
    }
    Ok(GrpcAddress { scheme, authority: authority.to_owned() })
}

/// The scheme of an address that has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// `http://`
    Http,
    /// `https://`
    Https,
}

/// The parts of a gRPC server's address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrpcAddress {
    /// What stands in front, where something does.
    pub scheme: Option<Scheme>,
    /// Host and port.
    pub authority: String,
}

/// `host:port`; without a host, all addresses.
pub fn listen(text: &str) -> Result<String, Fault> {
    let wrong = || Fault::NotListen { value: text.to_owned() };
    let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
    let port: u16 = port.parse().map_err(|_| wrong())?;
    let is_host = |host: &str| {
        host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'))
    };
    match host {
        "" => Ok(format!("[::]:{port}")),
        _ if is_host(host) => Ok(format!("{host}:{port}")),
        _ => {
            let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
            let address = address.and_then(|host| host.parse::<std::net::Ipv6Addr>().ok());
            address.map(|address| format!("[{address}]:{port}")).ok_or_else(wrong)
        }
    }
}

/// The path of a file that may not be there yet.
pub fn path(text: &str) -> Result<PathBuf, Fault> {
    let plain = self::text(text)?;
    if plain.ends_with('/') {
        return Err(Fault::NotAFile { value: plain.to_owned() });
    }
    Ok(PathBuf::from(plain))
}

/// Instead of region codes: every region that has traffic or machines.
pub const AUTO: &str = "auto";

/// A region code.
pub fn region(text: &str) -> Result<Region, Fault> {
    if is_region(text) {
        Ok(Region::new(text))
    } else {
        Err(Fault::NotARegion { value: text.to_owned() })
    }
}

/// A name that both expression languages can read.
pub fn identifier(text: &str) -> Result<&str, Fault> {
    /// The operators and constants that Expr spells as words (expr-lang.org, language definition).
    const KEYWORDS: [&str; 14] = [
        "and",
        "or",
        "not",
        "in",
        "matches",
        "contains",
        "startsWith",
        "endsWith",
        "true",
        "false",
        "nil",
        "let",
        "if",
        "else",
    ];
    if !is_identifier(text) {
        return Err(Fault::NotAnIdentifier { value: text.to_owned() });
    }
    if KEYWORDS.contains(&text) {
        return Err(Fault::Keyword { value: text.to_owned() });
    }
    Ok(text)
}

/// The name of one app, which becomes part of request paths, or a pattern with `*` for many.
pub fn app_name(text: &str) -> Result<&str, Fault> {
    let fault = || Fault::NotAnApp { value: text.to_owned() };
    let letters = text.replace('*', "");
    let is_fine = if letters.len() == text.len() {
        is_slug(text)
    } else {
        letters.is_empty() || is_slug(letters.trim_start_matches('-'))
    };
    is_fine.then_some(text).ok_or_else(fault)
}

/// A name of something on Fly.
pub fn slug(text: &str) -> Result<&str, Fault> {
    is_slug(text).then_some(text).ok_or_else(|| Fault::NotASlug { value: text.to_owned() })
}

/// Text of one line, fit for a header or a label.
pub fn text(text: &str) -> Result<&str, Fault> {
    if text.chars().any(char::is_control) { Err(Fault::ControlCharacter) } else { Ok(text) }
}

/// A shorter secret can be guessed by somebody with patience.
const SHORTEST_BEARER: usize = 16;

/// A secret that others send in a header: long enough, and of characters that can be sent.
pub fn bearer(text: &str) -> Result<&str, Fault> {
    let found = text.len();
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Fault::NotAWord);
    }
    if found < SHORTEST_BEARER {
        return Err(Fault::TooFewCharacters { found, min: SHORTEST_BEARER });
    }
    Ok(text)
}

/// The name of a process group that may be scaled.
pub fn process_group(name: &str) -> Result<ProcessGroup, Fault> {
    let group = ProcessGroup::new(text(name)?);
    match group.as_str().trim() {
        "" => Err(Fault::NoGroupName),
        _ if is_reserved(&group) => Err(Fault::ReservedGroup { value: name.to_owned() }),
        _ => Ok(group),
    }
}

/// Text without spaces, fit for a header. Not repeated in the fault: it may be a key.
pub fn word(text: &str) -> Result<&str, Fault> {
    if text.bytes().all(|byte| byte.is_ascii_graphic()) { Ok(text) } else { Err(Fault::NotAWord) }
}

fn is_region(text: &str) -> bool {
    text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_lowercase())
}

fn is_identifier(text: &str) -> bool {
    let is_letter = |c: char| c.is_ascii_alphabetic() || c == '_';
    text.starts_with(is_letter) && text.chars().all(|c| is_letter(c) || c.is_ascii_digit())
}

fn is_slug(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    text.len() <= 63
        && text.bytes().next().is_some_and(is_plain)
        && text.bytes().all(|byte| is_plain(byte) || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_to_listen_on() {
        for (text, listens) in [
            (":9090", Some("[::]:9090")),
            ("[::]:9090", Some("[::]:9090")),
            ("0.0.0.0:0", Some("0.0.0.0:0")),
            ("localhost:80", Some("localhost:80")),
            ("9090", None),
            ("::1:9090", None),
            ("[::1:9090", None),
            ("host:99999", None),
            ("http://host:80", None),
        ] {
            assert_eq!(listen(text).ok().as_deref(), listens, "{text}");
        }
    }

    #[test]
    fn urls() {
        assert_eq!(
            url("https://api.fly.io/prometheus/o/").as_deref(),
            Ok("https://api.fly.io/prometheus/o")
        );
        assert_eq!(url("http://[::1]:9090").as_deref(), Ok("http://[::1]:9090"));
        assert_eq!(url("https://a:b@host"), Err(Fault::CredentialsInUrl));
        for text in ["host", "ftp://host", "https://", "prom:9090", "http:///x y"] {
            assert!(matches!(url(text), Err(Fault::NotAUrl { .. })), "{text}");
        }
    }

    #[test]
    fn grpc_addresses() {
        use Scheme::{Http, Https};
        for (text, parts) in [
            ("localhost:7233", Some((None, "localhost:7233"))),
            ("[::1]:7233", Some((None, "[::1]:7233"))),
            ("http://t.internal:7233/", Some((Some(Http), "t.internal:7233"))),
            ("https://t.example", Some((Some(Https), "t.example"))),
            ("localhost", None),
            ("grpc://localhost:7233", None),
            ("https://t.example/path", None),
            ("t.example:7233/path", None),
            ("t.example:99999", None),
            ("a b:7233", None),
            (":7233", None),
            ("", None),
        ] {
            let parsed = grpc_address(text).ok().map(|at| (at.scheme, at.authority));
            let wanted = parts.map(|(scheme, authority)| (scheme, authority.to_owned()));
            assert_eq!(parsed, wanted, "{text}");
        }
        assert_eq!(grpc_address("https://me:pw@host:1"), Err(Fault::CredentialsInUrl));
    }

    #[test]
    fn labels_add_up() {
        let all =
            |labels: &[&str]| labels.iter().try_fold(By::None, |by, label| add_label(by, label));
        assert_eq!(all(&["app", "region"]), Ok(By::AppAndRegion));
        assert_eq!(all(&["region"]), Ok(By::Region));
        assert_eq!(all(&["app", "app"]), Err(Fault::Twice { value: "app".into() }));
        assert_eq!(all(&["host"]), Err(Fault::NotALabel { value: "host".into() }));
    }

    #[test]
    fn names() {
        assert!(identifier("queue_depth").is_ok() && identifier("_1").is_ok());
        assert!(identifier("1x").is_err() && identifier("a-b").is_err() && identifier("").is_err());
        assert_eq!(identifier("not"), Err(Fault::Keyword { value: "not".into() }));
        assert!(identifier("not_found").is_ok());
        assert!(slug("my-app-2").is_ok() && slug("-x").is_err() && slug("a/b").is_err());
    }
}
