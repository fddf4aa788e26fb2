//! `serve` that cannot start: at once, with the reason, and with the code for whose fault it is.

use std::net::TcpListener;

use insta::assert_snapshot;

use super::{CommandLine, fly_autoscaler};

fn serve(env: &[(&str, &str)]) -> CommandLine {
    let enough = [
        ("FAS_APP_NAME", "my-app"),
        ("FAS_STARTED_MACHINE_COUNT", "2"),
        ("FLY_FLAPS_BASE_URL", "http://127.0.0.1:1"),
        ("FLY_API_BASE_URL", "http://127.0.0.1:1"),
    ];
    fly_autoscaler(&["serve"]).env(&enough).env(env)
}

#[test]
fn without_a_token() {
    assert_snapshot!(serve(&[]).run(), @"
    exit 2
    --- stderr
    error: api token required
      hint: set FAS_API_TOKEN to the output of `fly tokens create deploy -a APP`, best by `fly secrets set`
    ");
}

#[test]
fn with_a_token_that_cannot_be_one() {
    let ran = serve(&[("FAS_API_TOKEN", "fm2_hunter2 and more")]).run();
    assert_snapshot!(ran, @"
    exit 2
    --- stderr
    error: `api-token`: the token holds a space, a line break or another character that no token has; was it pasted whole?
      --> FAS_API_TOKEN
    ");
}

#[test]
fn with_an_address_that_is_none() {
    assert_snapshot!(serve(&[("FAS_API_TOKEN", "fm2_x"), ("FAS_LISTEN", "9090")]).run(), @"
    exit 2
    --- stderr
    error: `listen`: `9090` is not host:port
      --> environment variable FAS_LISTEN
      hint: write it like [::]:9090 or 127.0.0.1:[PORT]
    ");
}

#[test]
fn where_the_port_is_taken() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let ran = serve(&[("FAS_API_TOKEN", "fm2_x"), ("FAS_LISTEN", &address)]).run();
    assert_snapshot!(ran, @"
    exit 1
    --- stderr
    error: cannot listen on 127.0.0.1:[PORT]; choose another address with `listen` (FAS_LISTEN): Address already in use (os error 98)
    ");
}

#[test]
fn where_the_address_is_of_another_machine() {
    // 192.0.2.0/24 is reserved for documentation: no machine has it.
    let ran = serve(&[("FAS_API_TOKEN", "fm2_x"), ("FAS_LISTEN", "192.0.2.1:9090")]).run();
    assert_snapshot!(ran, @"
    exit 1
    --- stderr
    error: cannot listen on 192.0.2.1:9090; choose another address with `listen` (FAS_LISTEN): Cannot assign requested address (os error 99)
    ");
}
