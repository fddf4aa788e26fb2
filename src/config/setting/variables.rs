//! What only variables can say.

use super::super::env_vars as var;

/// A variable that sets something outside the YAML keys.
#[derive(Debug)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// What holds where it is not set.
    pub default: Option<&'static str>,
    /// What it does.
    pub doc: &'static str,
    /// Whether its value must never be shown.
    pub is_secret: bool,
}

/// The variables that set something outside the YAML keys.
pub static VARIABLES: &[Variable] = &[
    Variable {
        name: var::FAS_CONFIG,
        default: None,
        doc: "Path of the YAML file, where --config is not given",
        is_secret: false,
    },
    Variable {
        name: var::FAS_CONFIG_YAML,
        default: None,
        doc: "The YAML itself, instead of a file",
        is_secret: true,
    },
    Variable {
        name: var::TEMPORAL_TLS_CERT_DATA,
        default: None,
        doc: "The client certificate of the collector of FAS_TEMPORAL_*, before FAS_TEMPORAL_CERT_DATA",
        is_secret: true,
    },
    Variable {
        name: var::TEMPORAL_TLS_KEY_DATA,
        default: None,
        doc: "The private key of the collector of FAS_TEMPORAL_*, before FAS_TEMPORAL_KEY_DATA",
        is_secret: true,
    },
    Variable {
        name: var::FLY_ACCESS_TOKEN,
        default: None,
        doc: "The API token, where api-token is set in no other way",
        is_secret: true,
    },
    Variable {
        name: var::FLY_FLAPS_BASE_URL,
        default: Some("https://api.machines.dev"),
        doc: "Where the Machines API is",
        is_secret: false,
    },
    Variable {
        name: var::FLY_API_BASE_URL,
        default: Some("https://api.fly.io"),
        doc: "Where the GraphQL API is",
        is_secret: false,
    },
    Variable {
        name: var::FLY_APP_NAME,
        default: None,
        doc: "Set by Fly: the app that the autoscaler is, which no pattern in app-name matches",
        is_secret: false,
    },
    Variable {
        name: var::FLY_MACHINE_ID,
        default: None,
        doc: "Set by Fly: the machine that the autoscaler runs on, which it never touches",
        is_secret: false,
    },
];
