//! One call about many things: routed, batched a broker, retried until all are settled.
//!
//! An [`Operation`] says what the keys are (topics, partitions, config resources), who must get
//! each, how a request for several is built and what an answer means for each. [`Run`] does the
//! rest: it groups keys by broker, asks for fresh metadata when a leader or the controller has
//! moved, backs off, gives up at the deadline. It does no I/O: it says what to do next
//! ([`Action`]) and is told what came of it.

use super::cluster::Cluster;
use super::error::{AdminError, Broker, CallError, Disposition, Refusal, Subject};
use super::limits::KEYS_PER_REQUEST_MAX;
use super::metadata::MetadataRequestFor;
use super::retry::{Advice, Backoff, BackoffPolicy, advice_for};
use super::route::{Destination, Route, Unroutable};
use headwater_protocol::Request;
use headwater_types::ErrorCode;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What an answer says about each of the keys that it was asked for.
pub type Answers<O> = Vec<(<O as Operation>::Key, Result<<O as Operation>::Value, Refusal>)>;

/// What one admin call is.
pub trait Operation: Sized + Send + Sync + 'static {
    /// What it is about: a topic's name, a partition, a config resource.
    type Key: Ord + Clone + Send + Sync + 'static;
    /// What comes back for each.
    type Value: Send + 'static;
    /// The request that carries some of them.
    type Request: Request<Response: Send> + Send + Sync + 'static;

    /// Everything the call is about.
    fn keys(&self) -> Vec<Self::Key>;

    /// How errors name a key.
    fn subject(&self, key: &Self::Key) -> Subject;

    /// Who must get a key.
    fn destination(&self, key: &Self::Key) -> Destination;

    /// Keys that one request may carry, `>= 1`.
    fn keys_per_request_max(&self) -> usize {
        KEYS_PER_REQUEST_MAX
    }

    /// Builds the request for some keys in a version.
    ///
    /// # Errors
    /// What the version lacks to express them.
    fn request(&self, keys: &[Self::Key], version: i16) -> Result<Self::Request, &'static str>;

    /// What an answer says about each of the keys it was asked for.
    fn answered(
        &self,
        keys: &[Self::Key],
        response: <Self::Request as Request>::Response,
        version: i16,
    ) -> Answers<Self>;

    /// How long the broker asked this client to be quiet.
    fn throttle_ms(&self, _response: &<Self::Request as Request>::Response) -> i32 {
        0
    }

    /// What to do about a refusal. The default tries again whatever Kafka's clients retry.
    fn advice(&self, refusal: &Refusal) -> Advice {
        advice_for(refusal.code)
    }
}

/// The advice for calls that the controller carries out: it is asked again when it moved or is
/// busy, but a topic it does not know, or a change it could not finish in time, is reported.
pub(crate) fn controller_advice(refusal: &Refusal) -> Advice {
    match refusal.error_code() {
        Some(ErrorCode::NotController | ErrorCode::ThrottlingQuotaExceeded) => {
            advice_for(refusal.code)
        }
        _ => Advice::GiveUp,
    }
}

/// How long and how often a [`Run`] tries.
#[derive(Clone, Copy, Debug)]
pub struct RunPolicy {
    /// When the caller's time is up.
    pub deadline_ms: u64,
    /// Attempts for a key whose broker cannot be reached, or breaks the connection; the last
    /// failure is reported then. A broker that answers "not yet" is asked until the deadline.
    pub attempts_max: u32,
    /// Attempts while no bootstrap address can be reached: a person who mistyped one wants to know
    /// at once, a service that starts before its broker waits.
    pub bootstrap_attempts_max: u32,
    /// Attempts for a key whose topic nobody knows: a fresh topic takes a moment to be known by
    /// every broker, a mistyped one never is.
    pub unknown_attempts_max: u32,
    /// Waits between attempts.
    pub backoff: BackoffPolicy,
    /// Seed of their jitter.
    pub seed: u64,
}

/// Names one request of a [`Run`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CallId(u64);

/// What a [`Run`] wants done next.
#[derive(Debug, PartialEq, Eq)]
pub enum Action<K> {
    /// Build the operation's request for these keys, send it there, report to [`Run::answered`].
    Send {
        /// To be handed back with the outcome.
        call: CallId,
        /// Who gets it.
        route: Route,
        /// What it is about.
        keys: Arc<[K]>,
    },
    /// Ask any broker for metadata, then call [`Run::refreshed`].
    Refresh(MetadataRequestFor),
    /// Nothing before that time, unless something under way ends earlier.
    Wait {
        /// On the clock of `now_ms`.
        until_ms: u64,
    },
    /// Everything is under way.
    Await,
    /// Every key is settled: take the results with [`Run::finish`].
    Done,
}

#[derive(Debug, Default)]
struct Waiting {
    attempts: u32,
    last: Option<AdminError>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refresh {
    Fresh,
    Wanted,
    UnderWay,
}

/// An operation on its way.
#[derive(Debug)]
pub struct Run<O: Operation> {
    operation: Arc<O>,
    policy: RunPolicy,
    started_ms: u64,
    backoff: Backoff,
    resume_ms: u64,
    refresh: Refresh,
    waiting: BTreeMap<O::Key, Waiting>,
    under_way: BTreeMap<CallId, BTreeMap<O::Key, Waiting>>,
    settled: BTreeMap<O::Key, Result<O::Value, AdminError>>,
    next_call: u64,
}

impl<O: Operation> Run<O> {
    /// Starts an operation.
    pub fn new(operation: Arc<O>, policy: RunPolicy, now_ms: u64) -> Self {
        let waiting = operation.keys().into_iter().map(|key| (key, Waiting::default())).collect();
        Self {
            backoff: Backoff::new(policy.backoff, policy.seed),
            resume_ms: now_ms,
            refresh: Refresh::Fresh,
            waiting,
            under_way: BTreeMap::new(),
            settled: BTreeMap::new(),
            next_call: 0,
            started_ms: now_ms,
            operation,
            policy,
        }
    }

    /// What to do now. Call it again until it says to wait.
    pub fn poll(&mut self, now_ms: u64, cluster: &Cluster) -> Action<O::Key> {
        if now_ms >= self.policy.deadline_ms {
            self.time_is_up(now_ms);
        }
        loop {
            if self.waiting.is_empty() {
                let done = self.under_way.is_empty();
                return if done { Action::Done } else { Action::Await };
            }
            if now_ms < self.resume_ms {
                let until_ms = self.resume_ms.min(self.policy.deadline_ms);
                return Action::Wait { until_ms };
            }
            match self.refresh {
                Refresh::UnderWay => return Action::Await,
                Refresh::Wanted => {
                    self.refresh = Refresh::UnderWay;
                    return Action::Refresh(self.topics_wanted());
                }
                Refresh::Fresh => {}
            }
            if let Some(action) = self.send_some(now_ms, cluster) {
                return action;
            }
        }
    }

    /// The metadata was fetched, or could not be.
    pub fn refreshed(&mut self, now_ms: u64, outcome: Result<(), CallError>) {
        self.refresh = Refresh::Fresh;
        if let Err(error) = outcome {
            let keys = std::mem::take(&mut self.waiting);
            self.failed(now_ms, keys, &AdminError::Call(error));
        }
    }

    /// A request was answered in `version` by `broker`, or failed.
    pub fn answered(
        &mut self,
        now_ms: u64,
        call: CallId,
        outcome: Result<(Broker, i16, <O::Request as Request>::Response), CallError>,
    ) {
        let Some(mut keys) = self.under_way.remove(&call) else { return };
        let (broker, version, response) = match outcome {
            Ok(answer) => answer,
            Err(error) => return self.failed(now_ms, keys, &AdminError::Call(error)),
        };
        let throttle = u64::try_from(self.operation.throttle_ms(&response)).unwrap_or(0);
        self.resume_ms = self.resume_ms.max(now_ms.saturating_add(throttle));
        let asked: Vec<O::Key> = keys.keys().cloned().collect();
        let mut again = BTreeMap::new();
        for (key, outcome) in self.operation.answered(&asked, response, version) {
            // An answer about something that was not asked is no answer.
            let Some(waiting) = keys.remove(&key) else { continue };
            match outcome {
                Ok(value) => {
                    self.settled.insert(key, Ok(value));
                }
                Err(mut refusal) => {
                    refusal.broker = Some(broker.clone());
                    match self.operation.advice(&refusal) {
                        Advice::GiveUp => {
                            self.settled.insert(key, Err(refusal.into()));
                        }
                        Advice::Again => {
                            again.insert(key, (waiting, refusal));
                        }
                        Advice::RefreshAndAgain => {
                            self.refresh = self.refresh.wanted();
                            again.insert(key, (waiting, refusal));
                        }
                    }
                }
            }
        }
        for (key, _) in keys {
            let subject = self.operation.subject(&key);
            let error = AdminError::NotAnswered { api: O::Request::KEY, subject };
            self.settled.insert(key, Err(error));
        }
        if again.is_empty() {
            self.backoff.succeeded();
        } else {
            self.back_off(now_ms);
        }
        for (key, (waiting, refusal)) in again {
            self.retry(key, waiting, refusal.into());
        }
    }

    /// What came of each key.
    pub fn finish(self) -> BTreeMap<O::Key, Result<O::Value, AdminError>> {
        self.settled
    }

    /// When the caller's time is up.
    pub fn deadline_ms(&self) -> u64 {
        self.policy.deadline_ms
    }

    /// Takes keys that go to one broker out of the waiting ones, or settles what has no route.
    fn send_some(&mut self, now_ms: u64, cluster: &Cluster) -> Option<Action<O::Key>> {
        let mut route = None;
        let mut keys = Vec::new();
        let mut lost = Vec::new();
        let most = self.operation.keys_per_request_max().max(1);
        for key in self.waiting.keys() {
            match cluster.route(&self.operation.destination(key)) {
                Ok(found) if route.is_none_or(|route| route == found) && keys.len() < most => {
                    route = Some(found);
                    keys.push(key.clone());
                }
                Ok(_) => {}
                Err(error) => lost.push((key.clone(), error)),
            }
        }
        if let Some(route) = route {
            let call = CallId(self.next_call);
            self.next_call += 1;
            let taken: BTreeMap<_, _> =
                keys.iter().filter_map(|key| self.waiting.remove_entry(key)).collect();
            self.under_way.insert(call, taken);
            return Some(Action::Send { call, route, keys: keys.into() });
        }
        self.refresh = self.refresh.wanted();
        // The first look at an empty picture is no failure.
        let first = self.waiting.values().all(|waiting| waiting.attempts == 0);
        if !first {
            self.back_off(now_ms);
        }
        for (key, error) in lost {
            if let Some(waiting) = self.waiting.remove(&key) {
                self.retry(key, waiting, CallError::Unroutable(error).into());
            }
        }
        None
    }

    fn failed(&mut self, now_ms: u64, keys: BTreeMap<O::Key, Waiting>, error: &AdminError) {
        if error.disposition() == Disposition::Retriable {
            self.back_off(now_ms);
            self.refresh = self.refresh.wanted();
            for (key, waiting) in keys {
                self.retry(key, waiting, error.clone());
            }
        } else {
            self.settled.extend(keys.into_keys().map(|key| (key, Err(error.clone()))));
        }
    }

    fn retry(&mut self, key: O::Key, mut waiting: Waiting, error: AdminError) {
        waiting.attempts += 1;
        let most = match &error {
            AdminError::Call(CallError::NoBootstrap { .. }) => self.policy.bootstrap_attempts_max,
            error if is_unknown(error) => self.policy.unknown_attempts_max,
            // The broker is there and asks for patience: only the caller's time ends that.
            AdminError::Refused(_) => u32::MAX,
            _ => self.policy.attempts_max,
        };
        if waiting.attempts >= most {
            self.settled.insert(key, Err(error));
        } else {
            waiting.last = Some(error);
            self.waiting.insert(key, waiting);
        }
    }

    fn back_off(&mut self, now_ms: u64) {
        let wait = self.backoff.failed();
        self.resume_ms = self.resume_ms.max(now_ms.saturating_add(wait));
    }

    fn time_is_up(&mut self, now_ms: u64) {
        let under_way = std::mem::take(&mut self.under_way).into_values().flatten();
        let waiting = std::mem::take(&mut self.waiting).into_iter();
        let waited_ms = now_ms.saturating_sub(self.started_ms);
        for (key, waiting) in under_way.chain(waiting) {
            let last = waiting.last.map(Box::new);
            let error = CallError::TimedOut { api: O::Request::KEY, waited_ms, last };
            self.settled.insert(key, Err(error.into()));
        }
    }

    /// The topics whose leaders the waiting keys need.
    fn topics_wanted(&self) -> MetadataRequestFor {
        let topics: BTreeSet<String> = self
            .waiting
            .keys()
            .filter_map(|key| match self.operation.destination(key) {
                Destination::Leader { topic, .. } => Some(topic),
                Destination::AnyBroker | Destination::Controller | Destination::Broker(_) => None,
            })
            .collect();
        if topics.is_empty() {
            MetadataRequestFor::NoTopics
        } else {
            MetadataRequestFor::Topics(topics.into_iter().collect())
        }
    }
}

impl Refresh {
    /// One that is under way may have started too early to count, but another would flood the
    /// broker; the next failure asks again.
    fn wanted(self) -> Self {
        match self {
            Self::Fresh | Self::Wanted => Self::Wanted,
            Self::UnderWay => Self::UnderWay,
        }
    }
}

fn is_unknown(error: &AdminError) -> bool {
    let unroutable = matches!(
        error,
        AdminError::Call(CallError::Unroutable(
            Unroutable::UnknownTopic { .. }
                | Unroutable::UnknownPartition { .. }
                | Unroutable::UnknownBroker { .. }
        ))
    );
    unroutable
        || matches!(
            error.error_code(),
            Some(ErrorCode::UnknownTopicOrPartition | ErrorCode::UnknownTopicId)
        )
}

#[cfg(test)]
#[path = "operation_tests.rs"]
mod tests;
