//! From the global options to an admin client, and a runtime to use it in.

use crate::arguments::Global;
use crate::exit::{Failure, Failures};
use headwater_client::core::ConnectionConfig;
use headwater_client::{AdminClient, ClientConfig, parse_bootstrap};
use headwater_protocol::wire::Str;
use std::future::Future;
use std::time::Duration;

/// Attempts to reach a broker: more seconds than a cluster takes to find a broker
/// dead and to elect another leader.
const ATTEMPTS_MAX: u32 = 16;

/// How long one address may take to answer at most.
const CONNECT_TIMEOUT_MAX: Duration = Duration::from_secs(10);

/// Runs a command that talks to a cluster.
///
/// # Errors
/// Whatever the command says, and a wrong bootstrap server.
pub fn with_admin<F>(
    global: &Global,
    command: impl FnOnce(AdminClient) -> F,
) -> Result<(), Failures>
where
    F: Future<Output = Result<(), Failures>>,
{
    let bootstrap = parse_bootstrap(&global.bootstrap_server)
        .map_err(|error| Failure::usage(format!("--bootstrap-server: {error}")))?;
    let config = ClientConfig {
        connection: ConnectionConfig {
            client_id: Some(Str::from_static("headwater-cli")),
            software_name: Str::from_static("headwater-cli"),
            negotiation_timeout_ms: u64::try_from(global.timeout.as_millis()).unwrap_or(u64::MAX),
            ..Default::default()
        },
        // A name may stand for several addresses, and the first may swallow every packet.
        connect_timeout: (global.timeout / 3).min(CONNECT_TIMEOUT_MAX),
        request_timeout: global.timeout,
        call_timeout: global.timeout,
        attempts_max: ATTEMPTS_MAX,
        // A person waits: an address where nobody listens is reported at once.
        bootstrap_attempts_max: 1,
        ..ClientConfig::new(bootstrap)
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::failed(format!("cannot start: {error}")))?;
    let outcome = runtime.block_on(async { command(AdminClient::new(config)).await });
    // A name that is still being resolved must not keep the program.
    runtime.shutdown_background();
    outcome
}
