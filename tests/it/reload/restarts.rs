//! What only a restart changes: it is named, and all else is taken over.

use super::{CONFIG, Running};

#[tokio::test]
async fn it_is_named_and_the_rest_counts() {
    let own = Running::with(CONFIG).await;
    let state = own.folder.path().join("fas.db");
    let more = format!(
        "metrics-per-app: false\nlog-format: text\nstate: {}\nmax-machines: 3\n",
        state.display()
    );
    own.want(6);
    own.until_running(6).await;
    own.reload(&format!("{CONFIG}{more}").replace("app-name: web", "app-name: another"));
    own.until_running(3).await;
    let said = own.said("the configuration has changes that need a restart");
    assert_eq!(said.len(), 1, "{}", own.scaler.program.told());
    assert_eq!(said[0]["keys"], "app-name, metrics-per-app, state, log-format");
    let changes = own.said("the configuration has changed")[0]["changes"].clone();
    assert_eq!(changes, "`max-machines` 1000 -> 3");
    assert_eq!(own.value("app-name").await, "web");
    assert!(!state.exists());
    // Asked again, it is said again; by itself it is not.
    own.scaler.program.signal("HUP");
    own.until_reloads([1, 1, 0]).await;
    assert_eq!(own.said("the configuration has changes that need a restart").len(), 2);
}
