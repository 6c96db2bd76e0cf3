//! What a broker is started with.

use headwater_metadata::config::{ServerConfig, ServerConfigError};
use headwater_node::authorizer::{AllowAll, Authorizer};
use std::sync::Arc;

/// Changes the level of the process's log output; says why where it cannot.
pub type SetLogLevel = Arc<dyn Fn(&str) -> Result<(), String> + Send + Sync>;

/// What a broker is started with: its configuration, and what only an embedder or a binary knows.
#[derive(Clone)]
#[non_exhaustive]
pub struct BrokerOptions {
    /// The configuration.
    pub server: ServerConfig,
    /// Whether data lives in a temporary folder that goes when the broker is dropped.
    pub temporary: bool,
    /// Who may do what; everybody everything, unless it is set.
    pub authorizer: Arc<dyn Authorizer>,
    /// What `PUT /log-level` calls; without it the level cannot be changed.
    pub set_log_level: Option<SetLogLevel>,
}

impl BrokerOptions {
    /// A broker for a test or a demonstration: one worker, a free port on loopback, a temporary
    /// folder, no metrics port.
    ///
    /// # Errors
    /// None in practice: the settings are fixed ones.
    pub fn ephemeral() -> Result<Self, ServerConfigError> {
        let server = ServerConfig::embedded().build()?;
        Ok(Self { temporary: true, ..Self::from(server) })
    }
}

impl From<ServerConfig> for BrokerOptions {
    fn from(server: ServerConfig) -> Self {
        Self { server, temporary: false, authorizer: Arc::new(AllowAll), set_log_level: None }
    }
}
