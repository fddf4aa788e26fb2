//! What can be wrong with a value.

use crate::model::{By, CalendarError, Catalog};

use super::super::setting::nearest;
use super::{add_label, app_name, is_identifier, is_region, is_slug};

/// What is wrong with a value. Contains the value, except where it is a secret.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant says what its fields are")]
pub enum Fault {
    #[error("`{value}` is not a duration")]
    NotADuration { value: String },
    #[error("{value} is less than {min}")]
    TooShort { value: String, min: String },
    #[error("{value} is more than {max}")]
    TooLong { value: String, max: String },
    #[error("`{value}` is not a whole number from {min} to {max}")]
    NotACount { value: String, min: u32, max: u32 },
    #[error("`{value}` is not a finite number")]
    NotANumber { value: String },
    #[error("`{value}` is not a fraction from 0 to 1")]
    NotAFraction { value: String },
    #[error("`{value}` is not a number of machines, nor a percentage of them")]
    NotAStep { value: String },
    #[error("a step of {value} would never get anywhere")]
    NoStep { value: String },
    #[error("{0}")]
    Calendar(CalendarError),
    #[error("`{value}` is not a number from -1 to below 1")]
    NotASkill { value: String },
    #[error("`{value}` is neither {yes} nor {no}")]
    NotABool { value: String, yes: &'static str, no: &'static str },
    #[error("`{value}` is not one of {}", .choices.join(", "))]
    NotAChoice { value: String, choices: &'static [&'static str] },
    #[error("`{value}` is not hold, hold-scale-down, last, nil or a finite number")]
    NotOnFailure { value: String },
    #[error("`{value}` is not a label that can be used here: region or app")]
    NotALabel { value: String },
    #[error("`{value}` is not an http:// or https:// address")]
    NotAUrl { value: String },
    #[error("the address contains a user name or password")]
    CredentialsInUrl,
    #[error("`{value}` names a directory, not a file in it")]
    NotAFile { value: String },
    #[error("`{value}` is not host:port")]
    NotListen { value: String },
    #[error("`{value}` is not host:port, with http:// or https:// in front or without")]
    NotGrpcAddress { value: String },
    #[error("holds a space, a line break or another character that cannot be sent")]
    NotAWord,
    #[error("has {found} characters, and needs at least {min}: it must not be guessed")]
    TooFewCharacters { found: usize, min: usize },
    #[error("holds no certificate in PEM form")]
    NoCertificate,
    #[error("the certificate in it cannot be read")]
    BadCertificate,
    #[error("holds no private key in PEM form")]
    NoPrivateKey,
    #[error("the private key is encrypted")]
    EncryptedKey,
    #[error("the private key cannot be used: it is damaged or of a kind that is not supported")]
    UnusableKey,
    #[error("the private key does not belong to the certificate in `cert-data`")]
    KeyMismatch,
    #[error("`{value}` is not a region code: three lower-case letters")]
    NotARegion { value: String },
    #[error("`{value}` is neither `auto` nor region codes")]
    NotAuto { value: String },
    #[error("`auto` stands alone: it means every region that has traffic or machines")]
    AutoAmongCodes,
    #[error("`{value}` is listed twice")]
    Twice { value: String },
    #[error(
        "`{value}` is not a name that expressions can read: letters, digits and _, not a digit first"
    )]
    NotAnIdentifier { value: String },
    #[error("`{value}` is a word of the expression language")]
    Keyword { value: String },
    #[error("`{value}` is not a name on Fly: lower-case letters, digits and -")]
    NotASlug { value: String },
    #[error(
        "`{value}` is not the name of an app (lower-case letters, digits and -), nor a pattern of such names with *"
    )]
    NotAnApp { value: String },
    #[error("contains a line break or another control character")]
    ControlCharacter,
    #[error("a process group needs a name")]
    NoGroupName,
    #[error("`{value}` is a process group of Fly's own, whose machines are never touched")]
    ReservedGroup { value: String },
}

/// How many hours `2d` or `1w` are.
fn hours_of_days(value: &str) -> Option<u64> {
    let (count, hours) = match value.strip_suffix('d') {
        Some(days) => (days, 24),
        None => (value.strip_suffix('w')?, 7 * 24),
    };
    count.parse::<u64>().ok()?.checked_mul(hours)
}

impl Fault {
    /// What to write instead, where that can be told.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NotADuration { value } if value.parse::<f64>().is_ok_and(|n| n >= 0.0) => {
                format!("durations have a unit: `{value}s`, `{value}m`")
            }
            Self::NotADuration { value } if hours_of_days(value).is_some() => {
                format!("write days and weeks in hours: `{}h`", hours_of_days(value)?)
            }
            Self::NotAChoice { value, choices } => {
                format!("did you mean `{}`?", nearest(value, choices.iter().copied())?)
            }
            Self::NotOnFailure { value } => {
                let choices = ["hold", "hold-scale-down", "last", "nil"];
                format!("did you mean `{}`?", nearest(value, choices)?)
            }
            Self::NotADuration { .. } => "write it like 15s, 1m30s or 500ms".to_owned(),
            Self::NotAFraction { value } => match percent_in(value) {
                Some(percent) => format!("write `{}`, which is {percent} %", percent / 100.0),
                None => "write 0.1 for 10 %".to_owned(),
            },
            Self::NotAStep { value } => match value.parse::<f64>() {
                Ok(share) if share > 0.0 && share < 1.0 => {
                    format!("write `{}%`", (share * 100.0).round())
                }
                _ => "write machines as a whole number, `2`, or a share of them in whole percent, `50%`"
                    .to_owned(),
            },
            Self::NoStep { .. } => {
                "write at least `1` or `1%`, or leave the key out for any number at once".to_owned()
            }
            Self::Calendar(error) => error.hint(),
            Self::NotAUrl { value } if !value.contains("://") => {
                format!("write `https://{value}`")
            }
            Self::CredentialsInUrl => {
                "put the password into `token` (FAS_PROMETHEUS_TOKEN)".to_owned()
            }
            Self::NotGrpcAddress { value } if !value.contains(':') => {
                format!("write `{value}:7233`")
            }
            Self::NoCertificate => {
                "the text begins with -----BEGIN CERTIFICATE----- and keeps its line breaks"
                    .to_owned()
            }
            Self::NoPrivateKey => {
                "the text begins with -----BEGIN PRIVATE KEY----- and keeps its line breaks"
                    .to_owned()
            }
            Self::EncryptedKey => "decrypt it first: openssl pkcs8 -in FILE".to_owned(),
            Self::UnusableKey => "use an RSA, ECDSA (P-256, P-384) or Ed25519 key".to_owned(),
            Self::KeyMismatch => "take both from the same place".to_owned(),
            Self::TooFewCharacters { .. } => "make one: openssl rand -base64 24".to_owned(),
            Self::NotAFile { value } => {
                format!("write `{}/fas.db`", value.trim_end_matches('/'))
            }
            Self::NotListen { .. } => "write it like [::]:9090 or 127.0.0.1:9090".to_owned(),
            Self::NotARegion { value } if codes_in(value).len() > 1 => {
                format!("separate codes by commas: `{}`", codes_in(value).join(","))
            }
            Self::NotARegion { value } if codes_in(value).len() == 1 => {
                format!("write `{}`", codes_in(value)[0])
            }
            Self::NotAuto { value } => format!("write `{}`", value.to_ascii_lowercase()),
            Self::NotALabel { value }
                if add_label(By::None, &value.to_ascii_lowercase()).is_ok() =>
            {
                format!("write `{}`", value.to_ascii_lowercase())
            }
            Self::NotARegion { value } => {
                format!("did you mean `{}`?", Catalog::builtin().meant_by(value)?)
            }
            Self::AutoAmongCodes => {
                "write `auto` alone, or leave it out and list the regions".to_owned()
            }
            Self::NotAnIdentifier { value } if is_identifier(&value.replace('-', "_")) => {
                format!("write `{}`", value.replace('-', "_"))
            }
            Self::NotASlug { value } if is_slug(&value.to_ascii_lowercase()) => {
                format!("write `{}`", value.to_ascii_lowercase())
            }
            Self::NotAnApp { value } if app_name(&value.to_ascii_lowercase()).is_ok() => {
                format!("write `{}`", value.to_ascii_lowercase())
            }
            Self::NotANumber { .. } => "leave the key out to treat it as a failure".to_owned(),
            Self::NotASkill { value } => {
                let percent = value.strip_suffix('%')?.trim().parse::<f64>().ok()?;
                format!("write `{}`", percent / 100.0)
            }
            _ => return None,
        })
    }
}

/// The percentage that was meant by what is no fraction: `15%`, `15`.
fn percent_in(text: &str) -> Option<f64> {
    let number = text.strip_suffix('%').unwrap_or(text).trim().parse::<f64>().ok()?;
    (2.0..=100.0).contains(&number).then_some(number)
}

/// The region codes that `text` consists of, but for what stands between and around them; none where there
/// is anything else.
fn codes_in(text: &str) -> Vec<String> {
    let words = text.split(|c: char| c.is_whitespace() || r#",;|/+&[]()"'"#.contains(c));
    let words = words.filter(|word| !word.is_empty()).map(str::to_ascii_lowercase);
    let codes: Vec<String> = words.take(MAX_CODES + 1).collect();
    let is_all = codes.len() <= MAX_CODES && codes.iter().all(|code| is_region(code));
    if is_all { codes } else { Vec::new() }
}

/// More codes than this are no slip in a list of regions.
const MAX_CODES: usize = 100;
