//! The calls of [`MachinesApi`], as requests.

use std::collections::HashSet;
use std::time::Duration;

use reqwest::{Method, Url};
use serde_json::{Value, json};

use super::client::{About, Answer, Call, FlyClient, PAGE_ANSWER, SMALL_ANSWER};
use super::wire;
use crate::decide::{CREATE_ID_KEY, Release};
use crate::model::{AppName, Machine, MachineId, Volume};
use crate::ports::{
    ApiError, BoxFuture, CreateRequest, ErrorClass, Lease, MachinesApi, Operation, VolumeRequest,
};
use crate::transport::join;

/// Machines per page: the most that the API allows.
const PAGE_SIZE: &str = "1000";
/// Pages may be short or even empty, but not for ever.
const MAX_PAGES: usize = 500;
/// All pages of one list together: 100,000 machines (the most that an expression may ask for) with
/// configs of 2.5 KB.
const MAX_LIST_BYTES: usize = 256 << 20;

/// What moved between two pages while they were read stands on both: the later one is newer.
fn each_once(mut machines: Vec<Machine>) -> Vec<Machine> {
    let mut ids = HashSet::with_capacity(machines.len());
    machines.reverse();
    machines.retain(|machine| ids.insert(machine.id.clone()));
    machines.reverse();
    machines
}

impl FlyClient {
    /// A call without nonce and body on `app` as a whole.
    fn on_app<'a>(
        &self,
        operation: Operation,
        method: Method,
        app: &'a AppName,
    ) -> Result<Call<'a>, ApiError> {
        let segments = ["v1", "apps", app.as_str(), "machines"];
        self.call(operation, method, app, app.as_str(), &segments)
    }

    /// A call without nonce and body on one machine, at `tail` behind its path.
    pub(super) fn on_machine<'a>(
        &self,
        operation: Operation,
        method: Method,
        app: &'a AppName,
        id: &'a MachineId,
        tail: &[&str],
    ) -> Result<Call<'a>, ApiError> {
        let path = ["v1", "apps", app.as_str(), "machines", id.as_str()];
        self.call(operation, method, app, id.as_str(), &[&path, tail].concat())
    }

    /// A call without nonce and body on `subject`, at `segments` of the Machines API.
    pub(super) fn call<'a>(
        &self,
        operation: Operation,
        method: Method,
        about: impl Into<About<'a>>,
        subject: &'a str,
        segments: &[&str],
    ) -> Result<Call<'a>, ApiError> {
        let url = join(&self.flaps, segments);
        let call = Call {
            operation,
            about: about.into(),
            subject: subject.to_owned(),
            limited_by: subject,
            method,
            url: url.clone().unwrap_or_else(|| self.flaps.clone()),
            nonce: None,
            body: None,
            body_limit: SMALL_ANSWER,
        };
        match url {
            Some(_) => Ok(call),
            None => {
                let message = format!("not sent: `{subject}` cannot be part of a request's path");
                Err(call.error(ErrorClass::Rejected, None, message))
            }
        }
    }

    /// All machines that the list shows with these query parameters.
    async fn pages(
        &self,
        mut call: Call<'_>,
        query: &[(&str, &str)],
    ) -> Result<Vec<Machine>, ApiError> {
        call.body_limit = PAGE_ANSWER;
        let first = with_query(&call.url, query);
        let mut machines = Vec::new();
        let mut bytes = 0;
        let mut seen = HashSet::new();
        call.url = with_query(&first, &[("limit", PAGE_SIZE)]);
        for _ in 0..MAX_PAGES {
            let answer = self.make(&call).await?;
            bytes += answer.body.len();
            if bytes > MAX_LIST_BYTES {
                return Err(endless(&call, &format!("{} MiB", MAX_LIST_BYTES >> 20)));
            }
            let page = wire::machines(&answer.body)
                .map_err(|error| self.unreadable(&call, &answer, &error.to_string()))?;
            machines.extend(page);
            let Some(cursor) = answer.head.next_cursor else { return Ok(each_once(machines)) };
            call.url = with_query(&first, &[("limit", PAGE_SIZE), ("cursor", &cursor)]);
            if !seen.insert(cursor) {
                let message = "the list goes round in circles: a page's cursor came twice";
                return Err(call.error(ErrorClass::Rejected, Some(answer.status), message.into()));
            }
        }
        Err(endless(&call, &format!("{MAX_PAGES} pages")))
    }

    /// Makes a call whose answer says no more than that it was done.
    pub(super) async fn make_plain(&self, call: &Call<'_>) -> Result<Answer, ApiError> {
        let answer = self.make(call).await?;
        match wire::refusal(&answer.body) {
            Ok(None) => Ok(answer),
            Ok(Some(said)) => Err(self.denied(call, &answer, &said)),
            Err(error) => Err(self.unreadable(call, &answer, &error.to_string())),
        }
    }

    async fn make_for_machine(&self, call: &Call<'_>) -> Result<Machine, ApiError> {
        let answer = self.make(call).await?;
        wire::machine(&answer.body)
            .map_err(|error| self.unreadable(call, &answer, &error.to_string()))
    }

    /// Takes a lease, or with the nonce of one that is ours sets how long it lasts from now on.
    async fn lease(
        &self,
        app: &AppName,
        id: &MachineId,
        nonce: Option<&str>,
        ttl: Duration,
    ) -> Result<Lease, ApiError> {
        let mut call =
            self.on_machine(Operation::AcquireLease, Method::POST, app, id, &["lease"])?;
        call.nonce = nonce;
        // fly-go puts the time into the query, the API description into the body: both, so that
        // whichever is read says the same.
        let seconds = std::cmp::max(ttl.as_secs(), 1);
        call.url = with_query(&call.url, &[("ttl", &seconds.to_string())]);
        call.body = Some(to_body(&json!({ "ttl": seconds, "description": "fly-autoscaler" })));
        let answer = self.make(&call).await?;
        let nonce = wire::lease_nonce(&answer.body)
            .map_err(|error| self.unreadable(&call, &answer, &error.to_string()))?;
        Ok(Lease { machine: id.clone(), nonce })
    }
}

impl MachinesApi for FlyClient {
    fn list<'a>(&'a self, app: &'a AppName) -> BoxFuture<'a, Result<Vec<Machine>, ApiError>> {
        Box::pin(async move {
            let call = self.on_app(Operation::List, Method::GET, app)?;
            self.pages(call, &[]).await
        })
    }

    fn get<'a>(
        &'a self,
        app: &'a AppName,
        id: &'a MachineId,
    ) -> BoxFuture<'a, Result<Machine, ApiError>> {
        Box::pin(async move {
            let mut call = self.on_machine(Operation::Get, Method::GET, app, id, &[])?;
            call.body_limit = PAGE_ANSWER;
            self.make_for_machine(&call).await
        })
    }

    fn create<'a>(
        &'a self,
        app: &'a AppName,
        request: &'a CreateRequest,
    ) -> BoxFuture<'a, Result<Machine, ApiError>> {
        Box::pin(async move {
            let mut call = self.on_app(Operation::Create, Method::POST, app)?;
            call.subject = format!("{app} in {}", request.region);
            let mut body = json!({ "region": request.region, "config": request.config });
            if request.skip_launch {
                body["skip_launch"] = Value::Bool(true);
            }
            call.body = Some(to_body(&body));
            call.body_limit = PAGE_ANSWER;
            self.make_for_machine(&call).await
        })
    }

    fn find_created<'a>(
        &'a self,
        app: &'a AppName,
        create_id: &'a str,
    ) -> BoxFuture<'a, Result<Option<MachineId>, ApiError>> {
        Box::pin(async move {
            let call = self.on_app(Operation::FindCreated, Method::GET, app)?;
            let filter = format!("metadata.{CREATE_ID_KEY}");
            let machines = self.pages(call, &[(&filter, create_id)]).await?;
            // An API that does not know the filter answers with all machines.
            let found = machines
                .into_iter()
                .find(|machine| machine.facts.create_id.as_deref() == Some(create_id));
            Ok(found.map(|machine| machine.id))
        })
    }

    fn start<'a>(
        &'a self,
        app: &'a AppName,
        id: &'a MachineId,
        lease: Option<&'a Lease>,
    ) -> BoxFuture<'a, Result<(), ApiError>> {
        Box::pin(async move {
            let mut call = self.on_machine(Operation::Start, Method::POST, app, id, &["start"])?;
            call.nonce = nonce_for(id, lease);
            self.make_plain(&call).await.map(drop)
        })
    }

    fn stop<'a>(
        &'a self,
        app: &'a AppName,
        id: &'a MachineId,
        lease: Option<&'a Lease>,
    ) -> BoxFuture<'a, Result<(), ApiError>> {
        Box::pin(async move {
            let mut call = self.on_machine(Operation::Stop, Method::POST, app, id, &["stop"])?;
            call.nonce = nonce_for(id, lease);
            // An empty object: the machine's own signal and timeout apply.
            call.body = Some(b"{}".to_vec());
            self.make_plain(&call).await.map(drop)
        })
    }

    fn suspend<'a>(
        &'a self,
        app: &'a AppName,
        id: &'a MachineId,
        lease: Option<&'a Lease>,
    ) -> BoxFuture<'a, Result<(), ApiError>> {
        Box::pin(async move {
            let tail = &["suspend"];
            let mut call = self.on_machine(Operation::Suspend, Method::POST, app, id, tail)?;
            call.nonce = nonce_for(id, lease);
            self.make_plain(&call).await.map(drop)
        })
    }

    fn cordon<'a>(
        &'a self,
        app: &'a AppName,
        id: &'a MachineId,
        lease: Option<&'a Lease>,
    ) -> BoxFuture<'a, Result<(), ApiError>> {
        Box::pin(self.rotate(Operation::Cordon, "cordon", app, id, lease))
    }

    fn uncordon<'a>(
        &'a self,
        app: &'a AppName,
        id: &'a MachineId,
        lease: Option<&'a Lease>,
    ) -> BoxFuture<'a, Result<(), ApiError>> {
        Box::pin(self.rotate(Operation::Uncordon, "uncordon", app, id, lease))
    }

    fn set_metadata<'a>(
        &'a self,
        app: &'a AppName,
        id: &'a MachineId,
        key: &'static str,
        value: Option<String>,
        lease: Option<&'a Lease>,
    ) -> BoxFuture<'a, Result<(), ApiError>> {
        Box::pin(self.metadata(app, id, key, value, lease))
    }

    fn destroy<'a>(
        &'a self,
        app: &'a AppName,
        id: &'a MachineId,
        force: bool,
        lease: Option<&'a Lease>,
    ) -> BoxFuture<'a, Result<(), ApiError>> {
        Box::pin(async move {
            let mut call = self.on_machine(Operation::Destroy, Method::DELETE, app, id, &[])?;
            call.nonce = nonce_for(id, lease);
            if force {
                call.url = with_query(&call.url, &[("force", "true")]);
            }
            self.make_plain(&call).await.map(drop)
        })
    }

    fn acquire_lease<'a>(
        &'a self,
        app: &'a AppName,
        id: &'a MachineId,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<Lease, ApiError>> {
        Box::pin(self.lease(app, id, None, ttl))
    }

    fn keep_lease<'a>(
        &'a self,
        app: &'a AppName,
        lease: &'a Lease,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<(), ApiError>> {
        Box::pin(
            async move { self.lease(app, &lease.machine, Some(&lease.nonce), ttl).await.map(drop) },
        )
    }

    fn release_lease<'a>(
        &'a self,
        app: &'a AppName,
        lease: &'a Lease,
    ) -> BoxFuture<'a, Result<(), ApiError>> {
        Box::pin(async move {
            let id = &lease.machine;
            let mut call =
                self.on_machine(Operation::ReleaseLease, Method::DELETE, app, id, &["lease"])?;
            call.nonce = Some(&lease.nonce);
            self.make_plain(&call).await.map(drop)
        })
    }

    fn list_volumes<'a>(
        &'a self,
        app: &'a AppName,
    ) -> BoxFuture<'a, Result<Vec<Volume>, ApiError>> {
        Box::pin(self.volumes(app))
    }

    fn create_volume<'a>(
        &'a self,
        app: &'a AppName,
        request: &'a VolumeRequest,
    ) -> BoxFuture<'a, Result<Volume, ApiError>> {
        Box::pin(self.make_volume(app, request))
    }

    fn current_release<'a>(
        &'a self,
        app: &'a AppName,
    ) -> BoxFuture<'a, Result<Option<Release>, ApiError>> {
        Box::pin(self.release(app))
    }
}

/// The nonce to send with a call on `id`: that of a lease on this very machine.
pub(super) fn nonce_for<'a>(id: &MachineId, lease: Option<&'a Lease>) -> Option<&'a str> {
    lease.filter(|lease| lease.machine == *id).map(|lease| lease.nonce.as_str())
}

pub(super) fn with_query(url: &Url, pairs: &[(&str, &str)]) -> Url {
    let mut url = url.clone();
    if !pairs.is_empty() {
        url.query_pairs_mut().extend_pairs(pairs);
    }
    url
}

/// `value` as the bytes of a request.
pub(super) fn to_body(value: &Value) -> Vec<u8> {
    value.to_string().into_bytes()
}

fn endless(call: &Call<'_>, limit: &str) -> ApiError {
    call.error(ErrorClass::Rejected, None, format!("the list does not end after {limit}"))
}
