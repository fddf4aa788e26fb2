//! A running autoscaler, asked over HTTP.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use fly_autoscaler::journal::{Entry, Explanation};
use fly_autoscaler::model::duration;
use fly_autoscaler::transport::{self, Client, Timeouts, body};
use reqwest::Url;
use serde::Deserialize;

use super::{Happened, Refused, Span, Ticks, Wanted};

/// Longer than the server takes for its own journal.
const TIMEOUTS: Timeouts =
    Timeouts { connect: Duration::from_secs(5), request: Duration::from_secs(30) };
/// A thousand explanations of thirty regions each are below it.
const LARGEST: usize = 64 << 20;

/// Where it is.
pub(crate) struct Server {
    client: Client,
    base: Url,
}

#[derive(Deserialize)]
struct Explanations {
    explanations: Vec<Explanation>,
}

#[derive(Deserialize)]
struct Entries {
    entries: Vec<Entry>,
}

impl Server {
    /// The one at `url`.
    pub(super) fn at(url: &str) -> Result<Self, Refused> {
        let wrong = |why| Refused::Asked(format!("--url {why}"));
        let url = transport::parse_address(url).map_err(wrong)?;
        let client = match url.scheme() {
            "http" => transport::client_without_https(TIMEOUTS),
            _ => transport::client(TIMEOUTS),
        };
        let client = client.map_err(|error| Refused::Failed(error.to_string()))?;
        Ok(Self { client, base: url })
    }

    /// The one that listens at `listen` on this machine.
    pub(super) fn on_this_machine(listen: &str) -> Result<Self, Refused> {
        let address = listen.parse::<SocketAddr>().ok().map(|mut address| {
            if address.ip().is_unspecified() {
                // [::] listens on IPv4 too, and on nothing else where there is no IPv6.
                address.set_ip(IpAddr::V4(Ipv4Addr::LOCALHOST));
            }
            address.to_string()
        });
        Self::at(&format!("http://{}", address.unwrap_or_else(|| listen.to_owned())))
    }

    pub(super) async fn explain(
        &self,
        wanted: &Wanted,
        ticks: &Ticks,
    ) -> Result<Vec<Explanation>, Refused> {
        let mut asked = asked(wanted);
        match ticks {
            Ticks::At(at) => asked.push(("at", at.to_string())),
            Ticks::Latest => {}
            Ticks::Last(length) => asked.push(("last", duration::format(*length))),
        }
        let answer: Explanations = self.ask("explain", &asked).await?;
        Ok(answer.explanations)
    }

    pub(super) async fn history(
        &self,
        wanted: &Wanted,
        happened: &Happened,
    ) -> Result<Vec<Entry>, Refused> {
        let mut asked = asked(wanted);
        match happened.span {
            Span::Last(length) => asked.push(("last", duration::format(length))),
            Span::Between(from, until) => {
                asked.push(("from", from.to_string()));
                asked.push(("until", until.to_string()));
            }
        }
        asked.extend(happened.kind.map(|kind| ("kind", kind.as_str().to_owned())));
        let answer: Entries = self.ask("history", &asked).await?;
        Ok(answer.entries)
    }

    async fn ask<T: for<'de> Deserialize<'de>>(
        &self,
        what: &str,
        asked: &[(&'static str, String)],
    ) -> Result<T, Refused> {
        let base = transport::without_credentials(&self.base);
        let failed = |why: String| Refused::Failed(format!("{base} {why}"));
        let url = transport::join(&self.base, &["api", "v1", what]);
        let mut url = url.ok_or_else(|| failed("is no address to ask at".to_owned()))?;
        url.query_pairs_mut().clear().extend_pairs(asked);
        let response = self.client.get(url).send().await.map_err(|error| {
            failed(format!(
                "does not answer: {}; does `serve` run there? --url names another place, --file a journal",
                transport::describe(&error)
            ))
        })?;
        let status = response.status();
        let read = body::read_body(response, LARGEST).await;
        let bytes = read.map_err(|error| failed(error.to_string()))?;
        if status.is_success() {
            let unread = |error| failed(format!("answered what is no {what}: {error}"));
            return serde_json::from_slice(&bytes).map_err(unread);
        }
        let is_told = serde_json::from_slice::<serde_json::Value>(&bytes)
            .is_ok_and(|json| json.get("error").is_some());
        let words = body::excerpt(&body::words(&bytes, &["error"]));
        match status.as_u16() {
            400 | 404 if is_told => Err(Refused::Asked(format!("{base}: {words}"))),
            404 => Err(failed(format!(
                "knows nothing of /api/v1/{what}: is it fly-autoscaler, and of this version?"
            ))),
            code => Err(failed(format!("answered {code}: {words}"))),
        }
    }
}

/// The parameters that both questions have.
fn asked(wanted: &Wanted) -> Vec<(&'static str, String)> {
    let Wanted { app, region, verb, most, .. } = wanted;
    let optional = [
        ("app", app.as_ref().map(ToString::to_string)),
        ("region", region.as_ref().map(ToString::to_string)),
        ("action", verb.map(|verb| verb.as_str().to_owned())),
        ("limit", Some(most.to_string())),
    ];
    optional.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}
