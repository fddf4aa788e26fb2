//! The real binary: what it makes of a Temporal collector's configuration, and TLS.

use std::process::Command;

use fly_autoscaler::config::{FlagValues, Loaded, MapEnv, SourceConfig, TemporalConfig, load};

use super::certificates::{Authority, Pair};
use super::server::{Double, Script};
use super::started;

const LEAST: [(&str, &str); 4] = [
    ("FAS_APP_NAME", "my-app"),
    ("FAS_STARTED_MACHINE_COUNT", "ceil(workflow_count / 10)"),
    ("FAS_TEMPORAL_METRIC_NAME", "workflow_count"),
    ("FAS_TEMPORAL_QUERY", "TaskQueue='$APP_NAME'"),
];

fn loaded(pairs: &[(&str, &str)]) -> Result<Loaded, String> {
    let env: MapEnv = LEAST.iter().chain(pairs).copied().collect();
    load(&FlagValues::default(), &env).map_err(|errors| errors.to_string())
}

fn temporal(loaded: &Loaded) -> &TemporalConfig {
    match &loaded.config.collectors[0].source {
        SourceConfig::Temporal(config) => config,
        SourceConfig::Prometheus(config) => panic!("{config:?}"),
    }
}

/// Runs the binary with these variables: its exit code, and what it wrote.
async fn run(subcommand: &'static str, pairs: &[(&str, &str)]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fly-autoscaler"));
    command.arg(subcommand).env_clear().envs(LEAST).envs(pairs.iter().copied());
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn variables_describe_a_temporal_collector() {
    let found = loaded(&[("FAS_TEMPORAL_ADDRESS", "t.internal:7233")]).unwrap();
    assert_eq!(found.warnings.len(), 0);
    let own = temporal(&found);
    assert_eq!(
        (own.address.as_str(), own.namespace.as_str()),
        ("http://t.internal:7233", "default")
    );
    assert_eq!(own.query.as_deref(), Some("TaskQueue='$APP_NAME'"));
    assert!(own.api_key.is_none() && own.identity.is_none());
    let key = [("FAS_TEMPORAL_ADDRESS", "t.internal:7233"), ("FAS_TEMPORAL_API_KEY", "k")];
    assert_eq!(temporal(&loaded(&key).unwrap()).address, "https://t.internal:7233");
    let plain = [("FAS_TEMPORAL_ADDRESS", "http://t.internal:7233"), ("FAS_TEMPORAL_API_KEY", "k")];
    assert_eq!(
        loaded(&plain).unwrap_err(),
        "error: metric-collectors[0]: `api-key` needs TLS, but the address begins with http://\n  \
         --> environment variable FAS_TEMPORAL_ADDRESS\n  hint: write the address as host:port or with https://"
    );
    assert_eq!(
        loaded(&[]).unwrap_err(),
        "error: metric-collectors[0]: temporal address required\n  --> environment variable FAS_TEMPORAL_QUERY\n  \
         hint: set `address` or FAS_TEMPORAL_ADDRESS, on Temporal Cloud to NAMESPACE.ACCOUNT.tmprl.cloud:7233"
    );
}

#[test]
fn both_kinds_of_collector_can_be_described_at_once() {
    let both = loaded(&[
        ("FAS_TEMPORAL_ADDRESS", "t:7233"),
        ("FAS_PROMETHEUS_ADDRESS", "http://p"),
        ("FAS_PROMETHEUS_QUERY", "up"),
        ("FAS_PROMETHEUS_METRIC_NAME", "q"),
    ]);
    let names: Vec<_> =
        both.unwrap().config.collectors.iter().map(|own| own.metric.to_string()).collect();
    assert_eq!(names, ["q", "workflow_count"]);
}

#[test]
fn temporals_own_variables_go_first() {
    let authority = Authority::new();
    let [ours, theirs] = [authority.sign(), authority.sign()];
    let env = [
        ("FAS_TEMPORAL_ADDRESS", "t.internal:7233"),
        ("FAS_TEMPORAL_CERT_DATA", ours.certificate.as_str()),
        ("FAS_TEMPORAL_KEY_DATA", ours.key.as_str()),
        ("TEMPORAL_TLS_CERT_DATA", theirs.certificate.as_str()),
        ("TEMPORAL_TLS_KEY_DATA", theirs.key.as_str()),
    ];
    let key_of = |pairs| {
        let loaded = loaded(pairs).unwrap();
        assert!(!format!("{loaded:?}").contains("PRIVATE"));
        temporal(&loaded).identity.as_ref().unwrap().key.expose().to_owned()
    };
    assert_eq!(key_of(&env), theirs.key.trim());
    assert_eq!(key_of(&env[..3]), ours.key.trim());
    // By themselves they are somebody else's.
    let found = load(
        &FlagValues::default(),
        &[("FAS_APP_NAME", "a"), ("FAS_STARTED_MACHINE_COUNT", "1"), env[3], env[4]]
            .into_iter()
            .collect::<MapEnv>(),
    )
    .unwrap();
    assert!(found.config.collectors.is_empty() && found.warnings.is_empty());
}

#[tokio::test]
async fn a_certificate_and_its_key_are_checked_before_anything_is_dialled() {
    let authority = Authority::new();
    let [pair, other] = [authority.sign(), authority.sign()];
    let damaged = pair.certificate.replace("\nMII", "\nAAA");
    let table = [
        (Some(pair.certificate.as_str()), None, "`cert-data` is set without `key-data`"),
        (None, Some(pair.key.as_str()), "`key-data` is set without `cert-data`"),
        (Some("hunter2"), Some(pair.key.as_str()), "`cert-data`: holds no certificate in PEM form"),
        (Some(&pair.certificate), Some("hunter2"), "`key-data`: holds no private key in PEM form"),
        (
            Some(&pair.certificate),
            Some(
                "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----",
            ),
            "`key-data`: the private key is encrypted",
        ),
        (
            Some(&pair.certificate),
            Some("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"),
            "`key-data`: the private key cannot be used: it is damaged or of a kind that is not supported",
        ),
        (
            Some(&pair.certificate),
            Some(&other.key),
            "`key-data`: the private key does not belong to the certificate in `cert-data`",
        ),
        (Some(&damaged), Some(&pair.key), "the certificate in it cannot be read"),
    ];
    for (certificate, key, wanted) in table {
        let mut env = vec![("FAS_TEMPORAL_ADDRESS", "t.internal:7233")];
        env.extend(certificate.map(|text| ("FAS_TEMPORAL_CERT_DATA", text)));
        env.extend(key.map(|text| ("FAS_TEMPORAL_KEY_DATA", text)));
        for subcommand in ["check", "eval"] {
            let (code, stdout, stderr) = run(subcommand, &env).await;
            assert_eq!(code, Some(2), "{wanted}: {stderr}");
            let all = stdout + &stderr;
            assert!(all.contains(wanted), "{wanted}: {all}");
            let body = pair.key.lines().nth(1).unwrap();
            assert!(!all.contains("hunter2") && !all.contains(body), "{wanted}: {all}");
        }
    }
    let env = [
        ("FAS_TEMPORAL_ADDRESS", "t.internal:7233"),
        ("FAS_TEMPORAL_CERT_DATA", pair.certificate.as_str()),
        ("FAS_TEMPORAL_KEY_DATA", pair.key.as_str()),
        ("FAS_TEMPORAL_API_KEY", "hunter2"),
    ];
    let (code, stdout, stderr) = run("check", &env).await;
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stdout.contains("metric-collectors[0].key-data") && stdout.contains("***"), "{stdout}");
    assert!(!stdout.contains("PRIVATE KEY") && !stdout.contains("hunter2"), "{stdout}");
}

#[tokio::test]
async fn eval_counts_without_tls() {
    let server = Double::start(Script::Count(42)).await;
    let address = server.address.to_string();
    let (code, stdout, stderr) = run("eval", &[("FAS_TEMPORAL_ADDRESS", &address)]).await;
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    assert_eq!(started(&stdout), Some(5), "{stdout}");
    assert_eq!(
        server.calls()[0].asked.query,
        "ExecutionStatus=\"Running\" AND (TaskQueue='my-app')"
    );
}

/// A server that knows its clients by certificate, and the file of the authority that signed its own.
struct Secured {
    server: Double,
    authority: Authority,
    file: tempfile::NamedTempFile,
}

impl Secured {
    async fn start(script: Script, is_mutual: bool) -> Self {
        let authority = Authority::new();
        let pem = authority.pem();
        let server =
            Double::start_tls(script, &authority.sign(), is_mutual.then_some(pem.as_str())).await;
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), pem).unwrap();
        Self { server, authority, file }
    }

    async fn eval(&self, pairs: &[(&str, &str)]) -> (Option<i32>, String, String) {
        let address = format!("localhost:{}", self.server.address.port());
        let file = self.file.path().to_str().unwrap();
        let own = [("FAS_TEMPORAL_ADDRESS", address.as_str()), ("SSL_CERT_FILE", file)];
        let all: Vec<_> = own.into_iter().chain(pairs.iter().copied()).collect();
        run("eval", &all).await
    }
}

#[tokio::test]
async fn a_client_certificate_is_shown_to_a_server_that_asks_for_it() {
    let secured = Secured::start(Script::Count(17), true).await;
    let eval = async |pair: &Pair| {
        let env = [
            ("FAS_TEMPORAL_CERT_DATA", pair.certificate.as_str()),
            ("FAS_TEMPORAL_KEY_DATA", pair.key.as_str()),
        ];
        secured.eval(&env).await
    };
    let (code, stdout, stderr) = eval(&secured.authority.sign()).await;
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    assert_eq!(started(&stdout), Some(2), "{stdout}");
    // Somebody else's certificate.
    let (code, _, stderr) = eval(&Authority::new().sign()).await;
    assert_eq!(code, Some(1), "{stderr}");
    assert!(stderr.contains("could not be reached: "), "{stderr}");
    assert_eq!(secured.server.calls().len(), 1);
}

#[tokio::test]
async fn an_api_key_goes_out_over_tls_only_to_a_server_that_is_trusted() {
    let secured = Secured::start(Script::CountFor("s3cr3t-key", 9), false).await;
    let (code, stdout, stderr) = secured.eval(&[("FAS_TEMPORAL_API_KEY", "s3cr3t-key")]).await;
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    assert_eq!(started(&stdout), Some(1), "{stdout}");
    let (code, _, stderr) = secured.eval(&[("FAS_TEMPORAL_API_KEY", "wrong-key")]).await;
    assert_eq!(code, Some(1));
    assert!(
        stderr.contains(
            "answered unauthenticated: Request unauthorized: Bearer [key]; are the API key"
        ),
        "{stderr}"
    );
    let stranger = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(stranger.path(), Authority::new().pem()).unwrap();
    let file = stranger.path().to_str().unwrap();
    let env = [("FAS_TEMPORAL_API_KEY", "s3cr3t-key"), ("SSL_CERT_FILE", file)];
    let (code, _, stderr) = secured.eval(&env).await;
    assert_eq!(code, Some(1), "{stderr}");
    assert!(stderr.contains("could not be reached: invalid peer certificate"), "{stderr}");
    assert_eq!(secured.server.calls().len(), 2);
}
