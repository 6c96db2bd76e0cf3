//! Carries a [`Run`] out: what the core wants sent is sent, what it wants waited for is waited
//! for. Dropping the future drops the requests under way.

use super::client::{Client, broker_of};
use crate::core::{
    Action, AdminError, Broker, CallError, CallId, ConnectionError, MetadataRequestFor, Operation,
    Route, Run, RunPolicy,
};
use headwater_protocol::{ApiKey, Request};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

type Answered<O> =
    Result<(Broker, i16, <<O as Operation>::Request as Request>::Response), CallError>;

/// One of the things under way has ended.
enum Ended<O: Operation> {
    Refreshed(Result<(), CallError>),
    Answered(CallId, Answered<O>),
}

impl Client {
    /// Carries an operation out, with retries, until each of its keys is settled or the client's
    /// call timeout is over.
    ///
    /// Dropped before it ends, requests may have been sent; what came of them is not known.
    pub async fn run<O: Operation>(
        &self,
        operation: O,
    ) -> BTreeMap<O::Key, Result<O::Value, AdminError>> {
        let config = self.config();
        let now_ms = self.now_ms();
        let call_ms = u64::try_from(config.call_timeout.as_millis()).unwrap_or(u64::MAX);
        let policy = RunPolicy {
            deadline_ms: now_ms.saturating_add(call_ms),
            attempts_max: config.attempts_max,
            bootstrap_attempts_max: config.bootstrap_attempts_max,
            unknown_attempts_max: config.unknown_attempts_max,
            backoff: config.backoff,
            seed: self.seed(),
        };
        let operation = Arc::new(operation);
        let mut run = Run::new(Arc::clone(&operation), policy, now_ms);
        let mut under_way: JoinSet<Ended<O>> = JoinSet::new();
        loop {
            let until_ms = match run.poll(self.now_ms(), &self.cluster()) {
                Action::Done => return run.finish(),
                Action::Refresh(topics) => {
                    under_way.spawn(refresh(self.clone(), topics));
                    continue;
                }
                Action::Send { call, route, keys } => {
                    let operation = Arc::clone(&operation);
                    under_way.spawn(send(self.clone(), operation, call, route, keys));
                    continue;
                }
                Action::Wait { until_ms } => until_ms,
                Action::Await => run.deadline_ms(),
            };
            let ended = tokio::select! {
                ended = under_way.join_next(), if !under_way.is_empty() => ended,
                () = tokio::time::sleep_until(self.at(until_ms)) => None,
            };
            match ended {
                Some(Ok(Ended::Refreshed(outcome))) => run.refreshed(self.now_ms(), outcome),
                Some(Ok(Ended::Answered(call, outcome))) => {
                    run.answered(self.now_ms(), call, outcome);
                }
                // A task that was cancelled ends with the runtime; the deadline settles its keys.
                Some(Err(_)) | None => {}
            }
        }
    }
}

async fn refresh<O: Operation>(client: Client, topics: MetadataRequestFor) -> Ended<O> {
    Ended::Refreshed(client.refresh(&topics).await)
}

async fn send<O: Operation>(
    client: Client,
    operation: Arc<O>,
    call: CallId,
    route: Route,
    keys: Arc<[O::Key]>,
) -> Ended<O> {
    Ended::Answered(call, exchange(&client, &*operation, route, &keys).await)
}

async fn exchange<O: Operation>(
    client: &Client,
    operation: &O,
    route: Route,
    keys: &[O::Key],
) -> Answered<O> {
    let api: ApiKey = O::Request::KEY;
    let connection = client.connection(route).await?;
    let version = connection.version::<O::Request>()?;
    let request = operation.request(keys, version).map_err(|reason| CallError::Inexpressible {
        api,
        version,
        reason,
    })?;
    let timeout = client.config().request_timeout;
    let answer = connection.call(&request, version, timeout).await;
    let broker = broker_of(&connection);
    match answer {
        Ok(response) => {
            let throttle = u64::try_from(operation.throttle_ms(&response)).unwrap_or(0);
            if throttle > 0 {
                connection.throttled(Duration::from_millis(throttle));
            }
            Ok((broker, version, response))
        }
        // The runtime shuts down; for the caller the broker is out of reach.
        Err(CallError::Connection { cause: ConnectionError::Closed, .. }) => {
            Err(CallError::Connection { broker, api, cause: ConnectionError::ClosedByPeer })
        }
        Err(error) => Err(error),
    }
}
