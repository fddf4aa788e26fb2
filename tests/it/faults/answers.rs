//! Every kind of bad answer, to every call that a tick makes.

use fly_autoscaler::sim::{Endpoint, FaultKind, FaultRule};

use super::{CREATED, STARTED, Stage};

/// What a server may do instead of answering as it should, each with its name.
fn faults() -> Vec<(String, FaultKind)> {
    let statuses = [400, 401, 403, 404, 408, 409, 412, 422, 429, 500, 502, 503, 504];
    let status = |code: u16| {
        let body = format!(r#"{{"error":"words of a {code}"}}"#);
        (code.to_string(), FaultKind::Status { code, body, retry_after: None })
    };
    let others = [
        ("wrong JSON", FaultKind::WrongJson),
        ("HTML", FaultKind::Html200),
        ("garbage", FaultKind::Garbage),
        ("100 MB", FaultKind::HugeBody(100 << 20)),
        ("reset", FaultKind::Reset),
        ("hang", FaultKind::Hang),
    ];
    let named = others.into_iter().map(|(name, kind)| (name.to_owned(), kind));
    statuses.into_iter().map(status).chain(named).collect()
}

/// A fleet for which a tick has to make the call.
struct Case {
    endpoint: Endpoint,
    /// Machines at first: started, stopped.
    machines: (usize, usize),
    depth: f64,
    count: (&'static str, &'static str),
    /// Where it has to arrive in the end: machines, started.
    wanted: (usize, usize),
    /// Whether nothing may be changed while the call fails.
    holds: bool,
}

impl Case {
    /// One machine runs and three are wanted.
    fn growing(endpoint: Endpoint, holds: bool) -> Self {
        Self { endpoint, machines: (1, 0), depth: 30.0, count: CREATED, wanted: (3, 3), holds }
    }

    /// Goes through every fault and tells what two ticks in it and those after it said.
    async fn table(&self) -> String {
        let mut table = String::new();
        for (name, kind) in faults() {
            table += &format!("{name}: {}\n", self.goes_through(&name, kind).await);
        }
        table
    }

    async fn goes_through(&self, name: &str, kind: FaultKind) -> String {
        let (started, stopped) = self.machines;
        let stage = Stage::new(started, stopped, self.depth).await;
        let stage = if kind == FaultKind::Hang { stage.impatient() } else { stage };
        let action = if self.endpoint == Endpoint::Suspend { "suspend" } else { "stop" };
        let mut scaler = stage.scaler("s1", &[self.count, ("FAS_STOP_ACTION", action)]);
        let world = stage.sim.world();
        let before = stage.states();

        // What cannot do harm twice is tried twice more.
        let tries = match name {
            "429" => 3,
            "502" | "503" | "504" | "reset"
                if !matches!(self.endpoint, Endpoint::Create | Endpoint::Suspend) =>
            {
                3
            }
            _ => 1,
        };
        world.inject(FaultRule::always(self.endpoint, kind));
        let first = stage.say(&stage.tick(&mut scaler).await);
        let in_first = stage.changes();
        stage.tick(&mut scaler).await;
        assert!(in_first <= 3 * tries, "{name}: {in_first} changes asked for in one tick");
        if self.holds {
            assert_eq!(stage.changes(), 0, "{name}: acted on bad data: {first}");
            assert_eq!(stage.states(), before, "{name}");
        }

        world.clear_faults();
        stage.settles(&mut scaler, self.wanted, name).await;
        let most = std::cmp::max(before.len(), self.wanted.0);
        assert_eq!(stage.peak(), most, "{name}: never more machines than wanted");
        // And there it stays.
        let tick = stage.tick(&mut scaler).await;
        assert_eq!(stage.say(&tick), "quiet: ", "{name}");
        first
    }
}

#[tokio::test]
async fn prometheus() {
    insta::assert_snapshot!(Case::growing(Endpoint::PrometheusQuery, true).table().await);
}

#[tokio::test]
async fn the_list() {
    insta::assert_snapshot!(Case::growing(Endpoint::List, true).table().await);
}

#[tokio::test]
async fn the_release() {
    insta::assert_snapshot!(Case::growing(Endpoint::Graphql, true).table().await);
}

#[tokio::test]
async fn taking_the_lease() {
    insta::assert_snapshot!(Case::growing(Endpoint::LeaseAcquire, true).table().await);
}

#[tokio::test]
async fn giving_the_lease_back() {
    insta::assert_snapshot!(Case::growing(Endpoint::LeaseRelease, false).table().await);
}

#[tokio::test]
async fn creates() {
    insta::assert_snapshot!(Case::growing(Endpoint::Create, false).table().await);
}

#[tokio::test]
async fn starts() {
    let case = Case {
        endpoint: Endpoint::Start,
        machines: (1, 2),
        depth: 30.0,
        count: STARTED,
        wanted: (3, 3),
        holds: false,
    };
    insta::assert_snapshot!(case.table().await);
}

#[tokio::test]
async fn stops() {
    let case = Case {
        endpoint: Endpoint::Stop,
        machines: (3, 0),
        depth: 10.0,
        count: STARTED,
        wanted: (3, 1),
        holds: false,
    };
    insta::assert_snapshot!(case.table().await);
}

#[tokio::test]
async fn suspends() {
    let case = Case {
        endpoint: Endpoint::Suspend,
        machines: (3, 0),
        depth: 10.0,
        count: STARTED,
        wanted: (3, 1),
        holds: false,
    };
    insta::assert_snapshot!(case.table().await);
}

#[tokio::test]
async fn destroys() {
    let case = Case {
        endpoint: Endpoint::Destroy,
        machines: (1, 2),
        depth: 10.0,
        count: CREATED,
        wanted: (1, 1),
        holds: false,
    };
    insta::assert_snapshot!(case.table().await);
}
