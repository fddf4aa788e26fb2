//! The autoscaler for Fly.io Machines that says why: the guide to its code.
//!
//! # The pipeline
//!
//! ```text
//!  Prometheus            Fly: machines                       Fly: release, lease
//!      |                      |                                    |
//!      v                      v                                    v
//!   collect  ->  evaluate  ->  decide  ->  guard, lease, decide again  ->  act  ->  remember
//!   samples      bounds        plan        plan                            outcomes  history
//!   -> table                   (reasons)
//! ```
//!
//! One pass is a tick. [`reconcile`] runs it for one app; [`supervisor`] says when, for one app or ten thousand; [`status`]
//! keeps the last one for [`http`] and the commands. Each stage is a verb and hands data to the next: the folder listing is
//! the story.
//!
//! # Where things are
//!
//! | module | holds |
//! |---|---|
//! | [`model`] | nouns that every stage shares: machine, region, sample, scope, bounds, time. No I/O, no clock |
//! | [`config`] | flags, environment and YAML to a configuration, or every mistake at once |
//! | [`ports`] | what the core needs from outside: metric source, Machines API, clock, store; and what each may fail with |
//! | [`transport`] | the HTTP client that collect and fly share: TLS, time limits, bounded bodies, tokens |
//! | [`collect`] | stage 1: sources to a table of variables |
//! | [`forecast`] | what a metric will be in a while, and how good that was so far. Pure |
//! | [`evaluate`] | stage 2: expressions over the table to bounds. Pure |
//! | [`decide`](mod@decide) | stage 3: machines and bounds to a plan with reasons. Pure |
//! | [`act`](mod@act) | stage 4: a plan to outcomes. Makes no choices |
//! | [`reconcile`] | one tick: the four stages, the release guard, the lease |
//! | [`supervisor`] | when ticks happen, backing off, orders (tick now, pause), going on with another configuration, the orderly stop |
//! | [`status`] | the last tick as data, and whether the process is ready |
//! | [`fly`] | the Machines API and the release look-up over HTTP: limits, retries, classes of errors |
//! | [`fleet`] | many apps: which there are, and what is known of their machines without asking each |
//! | [`store`] | what is remembered between ticks, and the journal of all of them: in memory, or in files that outlive the process |
//! | [`clock`] | the only file that reads the time |
//! | [`telemetry`] | one struct for each thing that happens, which logs and counts it |
//! | [`journal`] | every tick on record, explained; where it is kept is behind a trait |
//! | [`http`] | what is served: metrics, health, the API with its stream and its orders, the page |
//! | [`sim`] | a Fly to try it all on, served over real HTTP: the demo's world and the tests' double |
//!
//! The binary, `cmd/fly-autoscaler`, is the composition root: the only place that builds adapters, prints, and ends the
//! process. Who may import whom stands at the top of `tests/it/architecture.rs`, which holds it against the code.
//!
//! # Invariants
//!
//! - **No sample, no guess.** What could not be measured is an error, never a number; only the user's own `empty` and
//!   `on-failure` put one in its place: a number of theirs, or for a while the last good value. An expression gives a finite number or an error, and an error holds its scope.
//! - **A plan is complete.** [`decide()`](decide::decide) is total and pure: the same arguments give the same plan, and what
//!   cannot be judged becomes a reason of weight hold. The executor has no choices left, so `plan` prints what `serve` would do.
//! - **No scope without a reason**, and no action without its own. Codes stay as they are, from version to version.
//! - **One scope never creates and destroys**, and a plan never destroys the last machine that can be cloned, the machine that it
//!   clones, or one that is not its to touch: a standby, a scheduled machine, another group's, its own.
//! - **The list lags.** Our own actions of the last minute are laid over what Fly lists until it can tell.
//! - **Nothing is done twice by mistake.** A create carries an id of its own; one whose answer got lost counts as done, and so does
//!   what was about to be done when the process was killed.
//! - **One app's trouble is its own.** With many apps each has its own tick, history and back-off; what they share are answers and
//!   places. What is known of many is never acted on: the app itself is asked first.
//! - **Everything from outside is bounded** in size and in time, and no token is in a log, an error or a `Debug` form.
//! - **Time is an argument**, or comes through [`ports::Clock`].
//!
//! # Words
//!
//! | word | means |
//! |---|---|
//! | tick | one pass over an app; the interval is the distance between two |
//! | sample | what one collector measured at one time |
//! | last value | the last good sample, which `on-failure` may let stand for one that failed, until `last-for` is over |
//! | variable | a name that expressions read: a metric, or a number of machines |
//! | bounds | the least and the most machines wanted. Between them nothing happens: a dead band, not a limit |
//! | created, started | the two numbers of a scope: machines that exist, and machines that run or are on their way there |
//! | scope | what is decided together: a process group, over all regions or in one |
//! | scaled | of a region: it is listed (or, with `auto`, has traffic or machines), not excluded, and Fly offers it |
//! | drained | of an excluded region: its machines go, as others stand in for them |
//! | resting | of a region: Fly had no room there a while ago, and it is left alone |
//! | observed | what the API listed, with our own recent actions laid over it |
//! | outline | a machine without its config: enough to see that there is nothing to do, not to do something |
//! | reachable | on a host that answers; the others are in no number but `unreachable` |
//! | targets | the bounds after all limits |
//! | plan | the decision for one app in one tick: actions, and reasons for them and against more |
//! | reason | a stable code and a sentence. A cause explains, a limit changed a number, a hold kept something from being done |
//! | hold | nothing is done in a scope, because something could not be judged or should not be touched |
//! | spare | the next machine in order, for a start or a stop that fails |
//! | outcome | what became of an action, or of a tick |
//! | choice | why an action is for this machine and no other |
//! | record | what is kept of a tick |
//! | passage | ticks in a row that came to the same thing: one record, and how many they were |
//! | entry | one thing that happened: an action, a hold, a failure, or somebody's doing |
//! | paused | of an app: everything is computed and shown, and nothing is done |
//! | template | the machine config that is cloned |
//! | lease | Fly's lock on one machine; that of the group's oldest is taken before creating or destroying |

pub mod act;
pub mod clock;
pub mod collect;
pub mod config;
pub mod decide;
pub mod evaluate;
pub mod fleet;
pub mod fly;
pub mod forecast;
pub mod http;
pub mod journal;
pub mod model;
pub mod ports;
pub mod reconcile;
pub mod sim;
pub mod status;
pub mod store;
pub mod supervisor;
pub mod telemetry;
pub mod transport;
