//! The connections to a cluster's brokers, and what is known of the cluster.
//!
//! One connection a broker, opened when it is first needed and opened anew, with back-off, after
//! it broke. Brokers that Metadata has named are preferred; the bootstrap addresses are used
//! first, and again when none of those can be reached.

use super::address::Address;
use super::connection::Connection;
use super::transport::{TcpTransport, Transport};
use crate::core::{
    Backoff, BackoffPolicy, Broker, CallError, Cluster, ConnectionConfig, Destination,
    MetadataRequestFor, Route, Unroutable, metadata_request,
};
use headwater_protocol::Request;
use headwater_protocol::messages::metadata::MetadataRequest;
use headwater_types::{BrokerId, ErrorCode};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How a client finds and treats its cluster.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// Where to look for the first broker; any one of the cluster does.
    pub bootstrap: Vec<Address>,
    /// How each connection presents and limits itself.
    pub connection: ConnectionConfig,
    /// How long opening a connection to one address may take.
    pub connect_timeout: Duration,
    /// How long one request may take.
    pub request_timeout: Duration,
    /// How long a call may take with all its requests and retries.
    pub call_timeout: Duration,
    /// Attempts for each thing that a call is about, while its broker cannot be reached or breaks
    /// the connection. A broker that answers "not yet" is asked until the call timeout.
    pub attempts_max: u32,
    /// Attempts while no bootstrap address can be reached; 1 reports it at once.
    pub bootstrap_attempts_max: u32,
    /// Attempts for a topic that no broker knows.
    pub unknown_attempts_max: u32,
    /// Waits between attempts, and between attempts to open a connection.
    pub backoff: BackoffPolicy,
    /// Seed of the jitter; `None` takes one from the system.
    pub seed: Option<u64>,
}

impl ClientConfig {
    /// Kafka's defaults for a cluster that is found at these addresses.
    pub fn new(bootstrap: Vec<Address>) -> Self {
        Self {
            bootstrap,
            connection: ConnectionConfig::default(),
            connect_timeout: Duration::from_secs(10),
            request_timeout: Duration::from_secs(30),
            call_timeout: Duration::from_secs(60),
            attempts_max: u32::MAX,
            bootstrap_attempts_max: u32::MAX,
            unknown_attempts_max: 4,
            backoff: BackoffPolicy::default(),
            seed: None,
        }
    }
}

/// A client of one cluster. Clones share connections and knowledge; dropping the last one closes
/// the connections.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    config: ClientConfig,
    transport: Box<dyn Transport>,
    started: Instant,
    seed: u64,
    cluster: Mutex<Arc<Cluster>>,
    slots: Mutex<BTreeMap<Peer, Arc<Slot>>>,
}

/// Whom a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Peer {
    // Brokers first: whoever is connected already answers for any broker.
    Broker(BrokerId),
    Bootstrap(usize),
}

/// The place of one connection. Its lock is held while the connection is opened, so that callers
/// who need it at the same time open one.
struct Slot {
    opening: tokio::sync::Mutex<Opening>,
    state: Mutex<SlotState>,
}

struct Opening {
    backoff: Backoff,
    not_before: Instant,
}

#[derive(Default)]
struct SlotState {
    current: Option<Connection>,
    /// Attempts that failed, with the last reason: who waited for one of them need not try again.
    failures: u64,
    last: Option<CallError>,
}

impl Client {
    /// A client over plain TCP. Nothing is connected yet.
    pub fn new(config: ClientConfig) -> Self {
        Self::with_transport(config, Box::new(TcpTransport))
    }

    /// A client over connections that come about otherwise.
    pub fn with_transport(config: ClientConfig, transport: Box<dyn Transport>) -> Self {
        let seed = config.seed.unwrap_or_else(|| RandomState::new().build_hasher().finish());
        Self {
            inner: Arc::new(Inner {
                config,
                transport,
                started: Instant::now(),
                seed,
                cluster: Mutex::new(Arc::default()),
                slots: Mutex::new(BTreeMap::new()),
            }),
        }
    }

    /// How the client was set up.
    pub fn config(&self) -> &ClientConfig {
        &self.inner.config
    }

    /// What is known of the cluster now.
    pub fn cluster(&self) -> Arc<Cluster> {
        Arc::clone(&self.inner.cluster.lock())
    }

    /// Takes what an answer told about the cluster, e.g. a leader hint (KIP-951).
    pub fn update_cluster(&self, change: impl FnOnce(&Cluster) -> Option<Cluster>) {
        let mut cluster = self.inner.cluster.lock();
        if let Some(next) = change(&cluster) {
            *cluster = Arc::new(next);
        }
    }

    /// Asks any broker for metadata and keeps what it says.
    ///
    /// # Errors
    /// When no broker can be reached, or none answers.
    pub async fn refresh(&self, topics: &MetadataRequestFor) -> Result<(), CallError> {
        let connection = self.connection(Route::AnyBroker).await?;
        let version = connection.version::<MetadataRequest>()?;
        let request = metadata_request(topics, version);
        let timeout = self.inner.config.request_timeout;
        let response = connection.call(&request, version, timeout).await?;
        if response.error_code == ErrorCode::RebootstrapRequired.code() {
            tracing::info!(broker = %connection.broker(), "told to use the bootstrap servers again");
            self.rebootstrap();
            return Err(CallError::Rebootstrap { broker: connection.broker().clone() });
        }
        self.update_cluster(|cluster| {
            Some(match topics {
                MetadataRequestFor::AllTopics => cluster.after_all_topics(&response),
                MetadataRequestFor::NoTopics | MetadataRequestFor::Topics(_) => {
                    cluster.after_some_topics(&response)
                }
            })
        });
        self.forget_gone_brokers();
        Ok(())
    }

    /// A connection to whom a request must go. Metadata is fetched when it does not say.
    ///
    /// # Errors
    /// When there is nobody, or no connection comes about.
    pub async fn connection_to(&self, destination: &Destination) -> Result<Connection, CallError> {
        if let Ok(route) = self.cluster().route(destination) {
            return self.connection(route).await;
        }
        let topics = match destination {
            Destination::Leader { topic, .. } => MetadataRequestFor::Topics(vec![topic.clone()]),
            Destination::AnyBroker | Destination::Controller | Destination::Broker(_) => {
                MetadataRequestFor::NoTopics
            }
        };
        self.refresh(&topics).await?;
        let route = self.cluster().route(destination)?;
        self.connection(route).await
    }

    /// Sends one request, in the best version, and waits for its answer; no retries.
    ///
    /// # Errors
    /// Whatever went wrong first.
    pub async fn call<R: Request>(
        &self,
        destination: &Destination,
        request: &R,
    ) -> Result<R::Response, CallError> {
        let connection = self.connection_to(destination).await?;
        let version = connection.version::<R>()?;
        connection.call(request, version, self.inner.config.request_timeout).await
    }

    /// A connection along a route.
    ///
    /// # Errors
    /// When none comes about.
    pub async fn connection(&self, route: Route) -> Result<Connection, CallError> {
        match route {
            Route::Broker(id) => self.broker(id).await,
            Route::AnyBroker => self.anybody().await,
        }
    }

    pub(super) fn now_ms(&self) -> u64 {
        u64::try_from(self.inner.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    pub(super) fn at(&self, ms: u64) -> Instant {
        // A far deadline is as good as none, and must not overflow.
        self.inner.started + Duration::from_millis(ms.min(u64::from(u32::MAX) * 1_000))
    }

    pub(super) fn seed(&self) -> u64 {
        self.inner.seed
    }

    async fn broker(&self, id: BrokerId) -> Result<Connection, CallError> {
        let known = self.cluster().broker(id).cloned();
        let known = known.ok_or(Unroutable::UnknownBroker { broker: id })?;
        let address = Address { host: known.host.clone(), port: known.port };
        self.open(Peer::Broker(id), &address).await
    }

    async fn anybody(&self) -> Result<Connection, CallError> {
        if let Some(connection) = self.connected() {
            return Ok(connection);
        }
        let cluster = self.cluster();
        let known = cluster.brokers().map(|broker| {
            let address = Address { host: broker.host.clone(), port: broker.port };
            (Peer::Broker(broker.id), address)
        });
        // Clients of one cluster should not all ask the same broker first.
        let mut candidates: Vec<_> = known.collect();
        if !candidates.is_empty() {
            let first = self.inner.seed % u64::try_from(candidates.len()).unwrap_or(1);
            candidates.rotate_left(usize::try_from(first).unwrap_or(0));
        }
        let bootstrap = self.inner.config.bootstrap.iter().enumerate();
        candidates.extend(bootstrap.map(|(at, address)| (Peer::Bootstrap(at), address.clone())));
        // A broker may be a bootstrap server as well: it need not refuse twice.
        let mut tried = BTreeMap::new();
        for (peer, address) in candidates {
            if tried.contains_key(&address) {
                continue;
            }
            match self.open(peer, &address).await {
                Ok(connection) => return Ok(connection),
                Err(CallError::Connect { broker, reason }) => {
                    tried.insert(address, format!("{broker}: {reason}"));
                }
                // It is there, and does not speak with us: that says more than all the others.
                Err(error) => return Err(error),
            }
        }
        if tried.is_empty() {
            return Err(Unroutable::NoBroker.into());
        }
        let reasons: Vec<_> = tried.into_values().collect();
        Err(CallError::NoBootstrap { reasons: reasons.join("; ") })
    }

    fn connected(&self) -> Option<Connection> {
        let slots = self.inner.slots.lock();
        slots.values().find_map(|slot| slot.live())
    }

    async fn open(&self, peer: Peer, address: &Address) -> Result<Connection, CallError> {
        let slot = self.slot(peer);
        let wanted = address.to_string();
        let usable = |connection: &Connection| connection.broker().address == wanted;
        if let Some(connection) = slot.live().filter(&usable) {
            return Ok(connection);
        }
        let failures_before = slot.state.lock().failures;
        let mut opening = slot.opening.lock().await;
        if let Some(connection) = slot.live().filter(&usable) {
            return Ok(connection);
        }
        if let Some(error) = slot.failed_since(failures_before) {
            return Err(error);
        }
        tokio::time::sleep_until(opening.not_before).await;
        let id = match peer {
            Peer::Broker(id) => Some(id),
            Peer::Bootstrap(_) => None,
        };
        let config = &self.inner.config;
        let transport = self.inner.transport.as_ref();
        let connection = config.connection.clone();
        match Connection::open(transport, address, id, connection, config.connect_timeout).await {
            Ok(connection) => {
                tracing::debug!(broker = %connection.broker(), "connected");
                opening.backoff.succeeded();
                slot.state.lock().current = Some(connection.clone());
                Ok(connection)
            }
            Err(error) => {
                let wait = Duration::from_millis(opening.backoff.failed());
                opening.not_before = Instant::now() + wait;
                slot.failed(error.clone());
                Err(error)
            }
        }
    }

    fn slot(&self, peer: Peer) -> Arc<Slot> {
        let mut slots = self.inner.slots.lock();
        let slot = slots.entry(peer).or_insert_with(|| {
            let backoff = Backoff::new(self.inner.config.backoff, self.inner.seed);
            Arc::new(Slot {
                opening: tokio::sync::Mutex::new(Opening { backoff, not_before: Instant::now() }),
                state: Mutex::default(),
            })
        });
        Arc::clone(slot)
    }

    /// Connections to brokers that left the cluster are closed as their users end.
    fn forget_gone_brokers(&self) {
        let cluster = self.cluster();
        self.inner.slots.lock().retain(|peer, _| match peer {
            Peer::Broker(id) => cluster.broker(*id).is_some(),
            Peer::Bootstrap(_) => true,
        });
    }

    fn rebootstrap(&self) {
        *self.inner.cluster.lock() = Arc::default();
        self.inner.slots.lock().clear();
    }
}

impl Slot {
    fn live(&self) -> Option<Connection> {
        let state = self.state.lock();
        state.current.as_ref().filter(|connection| !connection.is_closed()).cloned()
    }

    fn failed(&self, error: CallError) {
        let mut state = self.state.lock();
        state.current = None;
        state.failures += 1;
        state.last = Some(error);
    }

    /// Why an attempt failed that began after so many failures.
    fn failed_since(&self, failures: u64) -> Option<CallError> {
        let state = self.state.lock();
        if state.failures > failures { state.last.clone() } else { None }
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let peers = self.inner.slots.lock().len();
        f.debug_struct("Client")
            .field("bootstrap", &self.inner.config.bootstrap)
            .field("peers", &peers)
            .finish_non_exhaustive()
    }
}

/// How errors name a broker that is known by its connection.
pub(super) fn broker_of(connection: &Connection) -> Broker {
    connection.broker().clone()
}
