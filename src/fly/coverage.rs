//! Whether a token is good for what it is to be used for, by what Fly says of it.
//!
//! A hint, never a verdict: Fly lets a call pass if any one token of the list allows it, and does not say
//! here what a token may do, only to what. So whatever is unknown counts as fine.

use std::fmt;

use crate::model::{AppName, AppSelection, MachineId};
use crate::ports::ApiError;
use crate::transport::body::excerpt;

/// The most apps that a warning lists.
const LISTED_APPS: usize = 5;
/// How each user may call their own organization; its real slug is another.
const PERSONAL: &str = "personal";

/// What Fly says of one token: to what it is confined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenInfo {
    /// The slug of its organization, where it is known.
    pub org: Option<String>,
    /// Its apps.
    pub apps: TokenApps,
    /// It works on this machine alone.
    pub only_on: Option<MachineId>,
    /// The machine that asked, which Fly knows where it is one of its own.
    pub asked_from: Option<MachineId>,
}

/// The apps of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenApps {
    /// Those of its organization, as far as it has one.
    All,
    /// These, and no others.
    Only(Vec<AppName>),
    /// Some, but not by name: by numbers, say.
    Unnamed,
}

/// Something about a token that will not do. Displayed, it says what is wrong and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenWarning {
    /// Fly does not know the token, or it has expired.
    Refused(ApiError),
    /// It is for other apps.
    OtherApps {
        /// What it should be for.
        wanted: AppSelection,
        /// Those that it is for.
        apps: Vec<AppName>,
    },
    /// It is of another organization than the configuration says.
    OtherOrg {
        /// What it should be for.
        wanted: AppSelection,
        /// What the configuration says.
        org: String,
        /// That of the token.
        token_org: String,
    },
    /// It works on one machine alone, and this is not that one.
    OtherMachine {
        /// What it should be for.
        wanted: AppSelection,
        /// That machine.
        machine: MachineId,
    },
}

/// What speaks against scaling `wanted` of the organization `org` with these tokens together.
///
/// Nothing, as soon as one of them may do it: a list of tokens can do what any one in it can.
#[must_use]
pub fn coverage(
    tokens: &[TokenInfo],
    wanted: &AppSelection,
    org: Option<&str>,
) -> Vec<TokenWarning> {
    let mut warnings = Vec::new();
    let mut other_apps: Vec<AppName> = Vec::new();
    for token in tokens {
        match token.objection(wanted, org) {
            None => return Vec::new(),
            Some(TokenWarning::OtherApps { apps, .. }) => other_apps.extend(apps),
            Some(warning) if !warnings.contains(&warning) => warnings.push(warning),
            Some(_) => {}
        }
    }
    if !other_apps.is_empty() {
        other_apps.sort();
        other_apps.dedup();
        warnings.insert(0, TokenWarning::OtherApps { wanted: wanted.clone(), apps: other_apps });
    }
    warnings
}

impl TokenInfo {
    /// The first thing that keeps this token from doing it.
    fn objection(&self, wanted: &AppSelection, org: Option<&str>) -> Option<TokenWarning> {
        let wanted = || wanted.clone();
        // A pattern takes a token that may list the organization's apps, however many apps it names.
        if let TokenApps::Only(apps) = &self.apps
            && !wanted().one().is_some_and(|app| apps.contains(app))
        {
            return Some(TokenWarning::OtherApps { wanted: wanted(), apps: apps.clone() });
        }
        if let (Some(org), Some(token_org)) = (org, &self.org)
            && org != token_org
            && org != PERSONAL
        {
            let (org, token_org) = (org.to_owned(), token_org.clone());
            return Some(TokenWarning::OtherOrg { wanted: wanted(), org, token_org });
        }
        let machine =
            self.only_on.as_ref().filter(|only| self.asked_from.as_ref() != Some(only))?;
        Some(TokenWarning::OtherMachine { wanted: wanted(), machine: machine.clone() })
    }
}

impl fmt::Display for TokenWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let make = |f: &mut fmt::Formatter<'_>, wanted: &AppSelection| {
            f.write_str("set FAS_API_TOKEN to the output of `fly tokens create ")?;
            match wanted {
                AppSelection::One(app) => write!(f, "deploy -a {app}`"),
                AppSelection::Matching { org, .. } => write!(f, "org -o {org}`"),
            }
        };
        match self {
            // The error says what to do.
            Self::Refused(error) => write!(f, "`api-token` was refused: {error}"),
            Self::OtherApps { wanted, apps } => {
                let names: Vec<&str> = apps.iter().take(LISTED_APPS).map(AppName::as_str).collect();
                let more = apps.len() - names.len();
                let more = if more > 0 { format!(" and {more} more") } else { String::new() };
                let names = excerpt(&names.join(", "));
                write!(f, "`api-token` is for {names}{more}, not for ")?;
                match wanted {
                    AppSelection::One(app) => write!(f, "{app}; ")?,
                    AppSelection::Matching { org, .. } => {
                        write!(f, "all apps of the organization {org}; ")?;
                    }
                }
                make(f, wanted)
            }
            Self::OtherOrg { wanted, org, token_org } => {
                let token_org = excerpt(token_org);
                write!(
                    f,
                    "`api-token` is of the organization {token_org}, and `org` is {org}; correct `org` (FAS_ORG), or "
                )?;
                make(f, wanted)
            }
            Self::OtherMachine { wanted, machine } => {
                let machine = excerpt(machine.as_str());
                write!(f, "`api-token` works on machine {machine} alone, which this is not; ")?;
                make(f, wanted)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all_of(org: &str) -> TokenInfo {
        let org = Some(org.to_owned());
        TokenInfo { org, apps: TokenApps::All, only_on: None, asked_from: None }
    }

    fn only(org: Option<&str>, apps: &[&str]) -> TokenInfo {
        let apps = TokenApps::Only(apps.iter().map(AppName::new).collect());
        TokenInfo { org: org.map(str::to_owned), apps, only_on: None, asked_from: None }
    }

    fn nothing_known() -> TokenInfo {
        TokenInfo { org: None, apps: TokenApps::All, only_on: None, asked_from: None }
    }

    fn on(machine: &str, asked_from: Option<&str>) -> TokenInfo {
        let (only_on, asked_from) = (Some(MachineId::new(machine)), asked_from.map(MachineId::new));
        TokenInfo { only_on, asked_from, ..all_of("acme") }
    }

    #[test]
    fn what_a_token_does_not_cover_is_said_with_what_to_do() {
        const MAKE: &str = "set FAS_API_TOKEN to the output of `fly tokens create deploy -a web`";
        let other_app = format!("`api-token` is for api, not for web; {MAKE}");
        let other_org = format!(
            "`api-token` is of the organization other, and `org` is acme; correct `org` (FAS_ORG), or {MAKE}"
        );
        let other_machine =
            format!("`api-token` works on machine m1 alone, which this is not; {MAKE}");
        let many = ["a", "b", "c", "d", "e", "f", "g"];
        // the tokens | `org` | the warnings
        let table = [
            // All fine.
            (vec![only(None, &["web"])], None, vec![]),
            (vec![only(Some("acme"), &["api", "web"])], Some("acme"), vec![]),
            (vec![all_of("acme")], Some("acme"), vec![]),
            (vec![all_of("acme")], None, vec![]),
            (vec![on("m1", Some("m1"))], None, vec![]),
            // The slug of `personal` is another.
            (vec![all_of("some-body-17")], Some("personal"), vec![]),
            // Nothing is known: a user's token, apps by number.
            (vec![], Some("acme"), vec![]),
            (vec![nothing_known()], Some("acme"), vec![]),
            (vec![TokenInfo { apps: TokenApps::Unnamed, ..nothing_known() }], None, vec![]),
            // One of several is enough.
            (vec![only(None, &["api"]), only(None, &["web"])], None, vec![]),
            (vec![all_of("other"), all_of("acme")], Some("acme"), vec![]),
            (vec![only(None, &["api"]), nothing_known()], None, vec![]),
            // None will do.
            (vec![only(None, &["api"])], None, vec![other_app.clone()]),
            (vec![only(None, &["api"]), only(None, &["api"])], None, vec![other_app.clone()]),
            (
                vec![only(None, &["cron"]), only(None, &["api"])],
                None,
                vec![format!("`api-token` is for api, cron, not for web; {MAKE}")],
            ),
            (
                vec![only(None, &many)],
                None,
                vec![format!("`api-token` is for a, b, c, d, e and 2 more, not for web; {MAKE}")],
            ),
            (vec![all_of("other")], Some("acme"), vec![other_org.clone()]),
            (vec![only(Some("other"), &["web"])], Some("acme"), vec![other_org.clone()]),
            (vec![on("m1", None)], None, vec![other_machine.clone()]),
            (vec![on("m1", Some("m2"))], None, vec![other_machine.clone()]),
            (
                vec![on("m1", None), all_of("other"), only(None, &["api"])],
                Some("acme"),
                vec![other_app, other_machine, other_org],
            ),
        ];
        for (tokens, org, want) in table {
            let warnings = coverage(&tokens, &AppSelection::One(AppName::new("web")), org);
            let said: Vec<_> = warnings.iter().map(ToString::to_string).collect();
            assert_eq!(said, want, "{tokens:?} {org:?}");
        }
    }

    #[test]
    fn a_pattern_takes_a_token_of_the_organization() {
        let wanted = AppSelection::Matching {
            pattern: crate::model::AppPattern::new("tenant-*"),
            org: "acme".into(),
        };
        let said = |tokens: &[TokenInfo]| -> Vec<String> {
            coverage(tokens, &wanted, Some("acme")).iter().map(ToString::to_string).collect()
        };
        assert_eq!(said(&[all_of("acme")]), Vec::<String>::new());
        assert_eq!(
            said(&[only(Some("acme"), &["tenant-1"])]),
            [
                "`api-token` is for tenant-1, not for all apps of the organization acme; set FAS_API_TOKEN to \
              the output of `fly tokens create org -o acme`"
            ]
        );
        assert_eq!(
            said(&[all_of("other")]),
            [
                "`api-token` is of the organization other, and `org` is acme; correct `org` (FAS_ORG), or set \
              FAS_API_TOKEN to the output of `fly tokens create org -o acme`"
            ]
        );
    }
}
