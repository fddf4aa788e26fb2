//! Whoever watches is told.

use fly_autoscaler::transport::{Timeouts, client};

use super::{CONFIG, Running};
use crate::running::PATIENCE;

#[tokio::test]
async fn a_change_and_a_refusal_are_events() {
    let own = Running::with(CONFIG).await;
    let url = format!("{}/api/v1/events", own.scaler.url);
    let mut stream = client(Timeouts::default()).unwrap().get(&url).send().await.unwrap();
    own.reload(&format!("{CONFIG}max-machines: 9\n"));
    own.until_reloads([1, 0, 0]).await;
    own.reload(&format!("{CONFIG}max-machines: none\ninterval: 2s\n"));
    let mut heard = String::new();
    let both = async {
        while heard.matches("event: noted").count() < 2 || !heard.ends_with("\n\n") {
            let chunk = stream.chunk().await.unwrap().expect("the stream goes on");
            heard += std::str::from_utf8(&chunk).unwrap();
        }
    };
    let came = tokio::time::timeout(PATIENCE, both).await;
    assert!(came.is_ok(), "{heard}{}", own.scaler.program.told());
    assert!(heard.contains("the configuration has changed: `max-machines` 1000 -> 9"), "{heard}");
    assert!(
        heard.contains("the configuration was not taken over: 2 mistakes, the first: "),
        "{heard}"
    );
}
