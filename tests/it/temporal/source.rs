//! The source by itself, over plain HTTP/2.

use std::collections::BTreeSet;
use std::time::Duration;

use fly_autoscaler::collect::temporal::{Credentials, TemporalQuery, TemporalSource};
use fly_autoscaler::collect::{Collector, Memory, Regions, collect};
use fly_autoscaler::model::{AppName, By, MetricName, OnFailure, Sample, Timestamp, Value};
use fly_autoscaler::ports::{MetricSource, SourceError};
use secrecy::SecretString;
use tonic::Code;

use super::server::{Double, Script};
use crate::machines_api::raw::{Manner, Raw, nobody};

const AT: Timestamp = Timestamp::from_millis(1_787_306_400_500);
const CONNECT: Duration = Duration::from_secs(5);

fn source_with(address: &str, query: Option<&str>, key: Option<&str>) -> TemporalSource {
    let query = TemporalQuery {
        metric: MetricName::new("workflow_count"),
        namespace: "my-namespace.acct".into(),
        query: query.map(str::to_owned),
    };
    let key = key.map(SecretString::from);
    let credentials = Credentials { api_key: key.as_ref(), identity: None };
    TemporalSource::new(address, credentials, query, CONNECT).unwrap()
}

async fn sample(source: &TemporalSource) -> Result<f64, SourceError> {
    match source.sample(&AppName::new("my-app"), AT).await? {
        Sample::Plain { value, at: None } => Ok(value),
        other => panic!("{other:?}"),
    }
}

/// Why `script` gives no count, with the port left out.
async fn refusal(script: Script) -> String {
    let server = Double::start(script).await;
    let error = sample(&source_with(&server.url(), None, Some("key-hunter2"))).await.unwrap_err();
    error.to_string().replace(&server.url(), "http://HOST")
}

#[tokio::test]
async fn running_workflows_are_counted_in_the_namespace() {
    let server = Double::start(Script::Count(42)).await;
    assert_eq!(sample(&source_with(&server.url(), None, None)).await, Ok(42.0));
    let query = Some(r#"TaskQueue="$APP_NAME" OR TaskQueue="${APP_NAME}-2""#);
    assert_eq!(sample(&source_with(&server.url(), query, Some("k3y"))).await, Ok(42.0));
    let [plain, narrowed] = server.calls().try_into().unwrap();
    assert_eq!(plain.asked.query, r#"ExecutionStatus="Running""#);
    assert_eq!(plain.asked.namespace, "my-namespace.acct");
    assert_eq!(plain.headers.get("temporal-namespace").unwrap(), "my-namespace.acct");
    assert!(plain.headers.get("authorization").is_none());
    assert!(
        plain.headers.get("user-agent").unwrap().to_str().unwrap().starts_with("fly-autoscaler/")
    );
    assert_eq!(
        narrowed.asked.query,
        r#"ExecutionStatus="Running" AND (TaskQueue="my-app" OR TaskQueue="my-app-2")"#
    );
    assert_eq!(narrowed.headers.get("authorization").unwrap(), "Bearer k3y");
}

#[tokio::test]
async fn a_refusal_says_what_temporal_says_and_what_to_do() {
    let refuse = |code, message: &str| Script::Refuse(code, message.to_owned());
    let table = [
        (
            refuse(Code::Unauthenticated, "Request unauthorized."),
            "http://HOST answered unauthenticated: Request unauthorized.; are the API key or the certificate valid, and do they belong to this namespace?",
        ),
        (
            refuse(Code::PermissionDenied, "no: key-hunter2"),
            "http://HOST answered permission denied: no: [key]; are the API key or the certificate valid, and do they belong to this namespace?",
        ),
        (
            refuse(Code::InvalidArgument, "invalid query: unable to parse"),
            "http://HOST answered invalid argument: invalid query: unable to parse; the query is a list filter, such as TaskQueue='jobs'",
        ),
        (
            refuse(Code::NotFound, "Namespace x is not found."),
            "http://HOST answered not found: Namespace x is not found.; is the namespace right? On Temporal Cloud it is the name and the account, with a dot between",
        ),
        (
            refuse(Code::Unimplemented, ""),
            "http://HOST answered unimplemented: nothing more; is a Temporal frontend at this address? Its port is 7233 by default",
        ),
        (
            refuse(Code::ResourceExhausted, "slow\ndown"),
            "http://HOST answered resource exhausted: slow down",
        ),
        (
            refuse(Code::Unavailable, "shutting down"),
            "http://HOST could not be reached: shutting down",
        ),
        (
            Script::Count(-1),
            "http://HOST gave an answer that cannot be read: it counts -1 workflows",
        ),
    ];
    for (script, wanted) in table {
        assert_eq!(refusal(script).await, wanted);
    }
}

#[tokio::test]
async fn an_answer_is_bounded() {
    let said = refusal(Script::Flood).await;
    assert!(said.starts_with("http://HOST answered out of range: "), "{said}");
    let said = refusal(Script::Refuse(Code::Internal, "x".repeat(1 << 20))).await;
    assert!(said.len() < 400, "{said}");
}

#[tokio::test]
async fn where_nobody_answers_that_is_said() {
    let address = nobody().await;
    let error = sample(&source_with(&address, None, None)).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("{address} could not be reached: Connection refused (os error 111)")
    );
    // Something that does not speak gRPC.
    let raw = Raw::start(Manner::Close).await;
    let error = sample(&source_with(&raw.url, None, None)).await.unwrap_err();
    assert!(matches!(error, SourceError::Unreachable { .. }), "{error}");
}

#[tokio::test]
async fn a_server_that_hangs_is_cut_off_by_the_collectors_timeout() {
    let server = Double::start(Script::Hang).await;
    let collector = Collector {
        source: Box::new(source_with(&server.url(), None, None)),
        by: By::None,
        timeout: Duration::from_millis(200),
        empty: None,
        max_age: None,
        on_failure: OnFailure::Number(3.0),
        last_for: Duration::from_secs(900),
        absent_after: Duration::ZERO,
    };
    let app = AppName::new("my-app");
    let collected = collect(&[collector], &app, &mut Memory::default(), AT).await;
    let error = collected.samples[0].outcome.as_ref().unwrap_err();
    assert_eq!(error.to_string(), "no answer within 200ms");
    let table = collected.variables(&Regions::default()).into_app_wide();
    assert_eq!(table.get("workflow_count"), Some(Ok(&Value::Number(3.0))));
}

#[tokio::test]
async fn one_connection_serves_and_a_new_one_is_made_after_a_restart() {
    let server = Double::start(Script::Count(1)).await;
    let (address, url) = (server.address.to_string(), server.url());
    let source = source_with(&url, None, None);
    for _ in 0..3 {
        assert_eq!(sample(&source).await, Ok(1.0));
    }
    let ports: BTreeSet<_> = server.calls().iter().map(|call| call.from.port()).collect();
    assert_eq!((server.calls().len(), ports.len()), (3, 1));
    server.stop().await;
    let error = sample(&source).await.unwrap_err();
    assert!(matches!(error, SourceError::Unreachable { .. }), "{error}");
    let server = Double::serve(&address, Script::Count(2), None).await;
    assert_eq!(sample(&source).await, Ok(2.0));
    drop(source);
    server.stop().await;
}

#[test]
fn what_cannot_be_sent_is_refused_without_being_repeated() {
    let query = |namespace: &str| TemporalQuery {
        metric: MetricName::new("x"),
        namespace: namespace.to_owned(),
        query: None,
    };
    let key = SecretString::from("hunter2\n");
    let credentials = Credentials { api_key: Some(&key), identity: None };
    let error = TemporalSource::new("http://t:1", credentials, query("n"), CONNECT).unwrap_err();
    assert_eq!(error.to_string(), "the Temporal API key holds a character that cannot be sent");
    let error = TemporalSource::new("http://t:1", Credentials::default(), query("a\nb"), CONNECT);
    assert_eq!(
        error.unwrap_err().to_string(),
        "the Temporal namespace holds a character that cannot be sent"
    );
    let source = source_with("http://t:1", None, Some("hunter2"));
    assert!(!format!("{source:?}").contains("hunter2"));
}
