//! What one broker is started with.
//!
//! [`ServerConfigBuilder`] takes the sources, [`ServerConfigBuilder::build`] checks every setting
//! against the table and gives a [`ServerConfig`] that cannot be half right. Nothing is read from
//! disk, network or environment here: texts come in.

use super::layers::Overrides;
use super::listeners::{
    Listener, ListenerError, Ports, ProtocolMap, SecurityProtocol, parse_listeners,
    parse_protocol_map,
};
use super::notes::{Warning, note};
use super::problem::ConfigProblem;
use super::rules::{NOBODY_MAY_CONNECT, PER_IP, PER_IP_OVERRIDES, check_counts};
use super::sources::{
    Place, Setting, SourceError, from_assignment, from_environment, from_properties, from_toml,
};
use super::spec::{ConfigSpec, Value, split_list};
use super::table::ConfigTable;
use headwater_types::BrokerId;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// What a node does in the cluster; `process.roles`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Keeps partitions and serves clients.
    Broker,
    /// Takes part in deciding the metadata.
    Controller,
}

/// Where metrics and health are served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetricsListener {
    /// A host name or address, IPv6 without brackets.
    pub host: String,
    /// The port; 0 takes a free one.
    pub port: u16,
}

/// Everything one broker is started with, checked.
///
/// ```
/// use headwater_metadata::config::ServerConfig;
///
/// let config = ServerConfig::builder()
///     .properties("server.properties", "num.partitions=4\nlog.dirs=/var/lib/headwater\n")?
///     .assignment("listeners=PLAINTEXT://127.0.0.1:19092")?
///     .build()?;
/// assert_eq!(config.listeners[0].port, 19092);
/// assert_eq!(config.log_dirs[0].to_str(), Some("/var/lib/headwater"));
/// # Ok::<(), headwater_metadata::config::ServerConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerConfig {
    given: Overrides,
    /// `node.id`, or its older name `broker.id`.
    pub node_id: BrokerId,
    /// `process.roles`; both where it is not given.
    pub roles: BTreeSet<Role>,
    /// Where clients and other brokers are listened for; never empty.
    pub listeners: Vec<Listener>,
    /// Where clients are told to come to; never empty. A host may be empty (this machine's name)
    /// and a port may be 0 (the one that was bound).
    pub advertised_listeners: Vec<Listener>,
    /// Listeners of controllers; nothing answers there until clusters work.
    pub controller_listeners: Vec<Listener>,
    /// The listener that brokers use between themselves.
    pub inter_broker_listener: String,
    /// `log.dirs`, or `log.dir`; never empty, no two alike.
    pub log_dirs: Vec<PathBuf>,
    /// `metadata.log.dir`, or the first of the log folders.
    pub metadata_log_dir: PathBuf,
    /// `broker.rack`.
    pub rack: Option<String>,
    /// `metrics.listener`; `None` where it is turned off.
    pub metrics_listener: Option<MetricsListener>,
    /// `worker.threads`; `None` takes one a processor core.
    pub worker_threads: Option<usize>,
    /// What the user should know, and could still be started with.
    pub warnings: Vec<Warning>,
}

/// Why a broker cannot be started with what was given.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServerConfigError {
    /// A source cannot be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// A value does not fit its config.
    #[error("{place}: {problem}")]
    Value {
        /// Where it was given.
        place: Place,
        /// What is wrong.
        problem: ConfigProblem,
    },
    /// The listeners do not fit.
    #[error(transparent)]
    Listener(#[from] ListenerError),
    /// A demand of Kafka's that goes beyond one value.
    #[error("{0}")]
    Demand(String),
    /// Something that a later version will do.
    #[error("{0}")]
    NotYetSupported(String),
    /// Names that are not known, under strict rules.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Unknown(Vec<Warning>),
}

/// Takes the sources of settings; a stronger source wins whatever the order of the calls.
#[derive(Clone, Debug, Default)]
pub struct ServerConfigBuilder {
    program: Vec<Setting>,
    file: Vec<Setting>,
    environment: Vec<Setting>,
    assignments: Vec<Setting>,
    strict: bool,
}

impl ServerConfigBuilder {
    /// Sets a default of the embedding program's own; every other source wins over it.
    pub fn preset(mut self, name: &str, value: &str) -> ServerConfigBuilder {
        let place = Place::Program;
        self.program.push(Setting { name: name.to_owned(), value: value.to_owned(), place });
        self
    }

    /// Takes a configuration file: TOML where its name ends in `.toml`, properties otherwise.
    ///
    /// # Errors
    /// The text is not of that format.
    pub fn file(self, name: &str, text: &str) -> Result<ServerConfigBuilder, ServerConfigError> {
        if name.ends_with(".toml") { self.toml(name, text) } else { self.properties(name, text) }
    }

    /// Takes the text of a Java properties file.
    ///
    /// # Errors
    /// It has a malformed escape.
    pub fn properties(
        mut self,
        name: &str,
        text: &str,
    ) -> Result<ServerConfigBuilder, ServerConfigError> {
        self.file.extend(from_properties(name, text)?);
        Ok(self)
    }

    /// Takes a TOML text; keys may be dotted or nested in tables.
    ///
    /// # Errors
    /// It is not TOML, or holds values that no config can have.
    pub fn toml(
        mut self,
        name: &str,
        text: &str,
    ) -> Result<ServerConfigBuilder, ServerConfigError> {
        self.file.extend(from_toml(name, text)?);
        Ok(self)
    }

    /// Takes the settings among environment variables: `HEADWATER_LOG_DIRS` is `log.dirs`. One
    /// underscore is a dot, two are an underscore, three are a hyphen.
    pub fn environment(
        mut self,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> ServerConfigBuilder {
        self.environment.extend(from_environment(variables));
        self
    }

    /// Takes one `KEY=VALUE` of the command line.
    ///
    /// # Errors
    /// It has no `=`, or nothing before it.
    pub fn assignment(mut self, text: &str) -> Result<ServerConfigBuilder, ServerConfigError> {
        self.assignments.push(from_assignment(text)?);
        Ok(self)
    }

    /// Sets one config as the command line would; it wins over every other source.
    pub fn set(mut self, name: &str, value: &str) -> ServerConfigBuilder {
        let place = Place::Program;
        self.assignments.push(Setting { name: name.to_owned(), value: value.to_owned(), place });
        self
    }

    /// Refuses names that are not known, instead of warning of them.
    pub fn strict(mut self, strict: bool) -> ServerConfigBuilder {
        self.strict = strict;
        self
    }

    /// Checks everything.
    ///
    /// # Errors
    /// The first setting that a broker cannot be started with, and where it was given.
    pub fn build(self) -> Result<ServerConfig, ServerConfigError> {
        let mut settings: BTreeMap<String, Setting> = BTreeMap::new();
        let weakest_first = [self.program, self.file, self.environment, self.assignments];
        for setting in weakest_first.into_iter().flatten() {
            settings.insert(setting.name.clone(), setting);
        }
        let mut warnings = Vec::new();
        for setting in settings.values() {
            if let Some(spec) = ConfigTable::get().broker(&setting.name) {
                check(spec, setting)?;
            }
            warnings.extend(note(&setting.name, &setting.place));
        }
        if self.strict {
            let unknown: Vec<Warning> = warnings
                .iter()
                .filter(|warning| matches!(warning, Warning::Unknown { .. }))
                .cloned()
                .collect();
            if !unknown.is_empty() {
                return Err(ServerConfigError::Unknown(unknown));
            }
        }
        Given { settings }.resolve(warnings)
    }
}

fn check(spec: &ConfigSpec, setting: &Setting) -> Result<(), ServerConfigError> {
    let value = |problem| ServerConfigError::Value { place: setting.place.clone(), problem };
    let parsed = spec.parse(&setting.value).map_err(value)?;
    // Ranges that Kafka checks outside its table.
    match (spec.name, &parsed) {
        ("log.retention.ms" | "log.retention.minutes" | "log.retention.hours", Value::Int(0)) => {
            Err(value(ConfigProblem::invalid(format!(
                "{} must be unlimited (-1) or, greater than or equal to 1",
                spec.name
            ))))
        }
        ("log.roll.ms", Value::Int(n)) if *n < 1 => {
            Err(value(ConfigProblem::invalid("log.roll.ms must be greater than or equal to 1")))
        }
        (PER_IP_OVERRIDES, Value::Text(text)) => check_counts(text).map_err(value),
        _ => Ok(()),
    }
}

/// All that was given, each name once.
struct Given {
    settings: BTreeMap<String, Setting>,
}

impl Given {
    fn text(&self, name: &str) -> Option<&str> {
        self.settings.get(name).map(|setting| setting.value.trim())
    }

    fn text_or_default(&self, name: &str) -> &str {
        let default = || ConfigTable::get().broker(name)?.default_text();
        self.text(name).or_else(default).unwrap_or_default()
    }

    fn place(&self, name: &str) -> Place {
        self.settings.get(name).map_or(Place::Program, |setting| setting.place.clone())
    }

    fn bad(&self, name: &str, why: &str) -> ServerConfigError {
        let problem = ConfigProblem::invalid_value(name, self.text(name).unwrap_or_default(), why);
        ServerConfigError::Value { place: self.place(name), problem }
    }

    fn resolve(mut self, mut warnings: Vec<Warning>) -> Result<ServerConfig, ServerConfigError> {
        let node_id = self.node_id()?;
        let roles = self.roles()?;
        self.check_quorum(node_id)?;
        if self.text(PER_IP) == Some("0") && self.text(PER_IP_OVERRIDES).is_none() {
            let problem = ConfigProblem::invalid(NOBODY_MAY_CONNECT);
            return Err(ServerConfigError::Value { place: self.place(PER_IP), problem });
        }
        let net = self.network()?;
        if let [first, ..] = net.controllers.as_slice() {
            let listener = first.to_string();
            warnings.push(Warning::ControllerListener { listener, place: self.place("listeners") });
        }
        let log_dirs = self.log_dirs()?;
        let metadata_log_dir = match self.text("metadata.log.dir") {
            Some("") | None => log_dirs.first().cloned().unwrap_or_default(),
            Some(dir) => PathBuf::from(dir),
        };
        let metrics_listener = self.metrics_listener()?;
        let worker_threads = self
            .text("worker.threads")
            .and_then(|text| text.parse().ok())
            .filter(|threads| *threads > 0);
        let rack = self.text("broker.rack").filter(|rack| !rack.is_empty()).map(str::to_owned);
        self.fill_in_synonyms();
        let given =
            self.settings.into_iter().map(|(name, s)| (name.into(), s.value.into())).collect();
        Ok(ServerConfig {
            given,
            node_id,
            roles,
            listeners: net.listeners,
            advertised_listeners: net.advertised,
            controller_listeners: net.controllers,
            inter_broker_listener: net.inter_broker,
            log_dirs,
            metadata_log_dir,
            rack,
            metrics_listener,
            worker_threads,
            warnings,
        })
    }

    fn node_id(&self) -> Result<BrokerId, ServerConfigError> {
        let number = |name| self.text(name).and_then(|text| text.parse::<i32>().ok());
        match (number("node.id"), number("broker.id")) {
            (Some(node), Some(broker)) if node != broker => Err(ServerConfigError::Demand(
                "You must set `node.id` to the same value as `broker.id`.".to_owned(),
            )),
            (Some(id), _) => Ok(BrokerId(id)),
            (None, Some(id)) if id >= 0 => Ok(BrokerId(id)),
            (None, Some(_)) => Err(self.bad("broker.id", "Value must be at least 0")),
            (None, None) => Ok(BrokerId(1)),
        }
    }

    fn roles(&self) -> Result<BTreeSet<Role>, ServerConfigError> {
        let roles: BTreeSet<Role> = split_list(self.text("process.roles").unwrap_or_default())
            .iter()
            .filter_map(|role| match role.as_str() {
                "broker" => Some(Role::Broker),
                "controller" => Some(Role::Controller),
                _ => None,
            })
            .collect();
        if roles.is_empty() || roles.len() == 2 {
            return Ok(BTreeSet::from([Role::Broker, Role::Controller]));
        }
        Err(ServerConfigError::NotYetSupported(format!(
            "{}: process.roles={} needs a cluster, which is not yet supported: one node is both \
             broker and controller (remove process.roles, or set it to broker,controller)",
            self.place("process.roles"),
            self.text("process.roles").unwrap_or_default()
        )))
    }

    /// One voter, and that is this node.
    fn check_quorum(&self, node_id: BrokerId) -> Result<(), ServerConfigError> {
        let voters = split_list(self.text("controller.quorum.voters").unwrap_or_default());
        let place = self.place("controller.quorum.voters");
        match voters.as_slice() {
            [] => Ok(()),
            [one] => match one.split_once('@').map(|(id, address)| (id.parse::<i32>(), address)) {
                Some((Ok(id), _)) if id == node_id.0 => Ok(()),
                Some((Ok(id), _)) => Err(ServerConfigError::Demand(format!(
                    "{place}: If process.roles contains the 'controller' role, the node id \
                     {node_id} must be included in the set of voters \
                     controller.quorum.voters=Set({id})"
                ))),
                Some((Err(_), _)) | None => Err(self.bad(
                    "controller.quorum.voters",
                    "expected id@host:port, e.g. 1@localhost:9093",
                )),
            },
            several => Err(ServerConfigError::NotYetSupported(format!(
                "{place}: controller.quorum.voters names {} voters; clusters are not yet \
                 supported, name this node alone",
                several.len()
            ))),
        }
    }

    fn network(&self) -> Result<Network, ServerConfigError> {
        let controller_names: Vec<String> =
            split_list(self.text("controller.listener.names").unwrap_or_default())
                .into_iter()
                .map(|name| name.to_ascii_uppercase())
                .collect();
        let mut protocols =
            parse_protocol_map(self.text_or_default("listener.security.protocol.map"))?;
        if self.text("listener.security.protocol.map").is_none() {
            for name in &controller_names {
                protocols.entry(name.clone()).or_insert(SecurityProtocol::Plaintext);
            }
        }
        let all = parse_listeners(
            "listeners",
            self.text_or_default("listeners"),
            &protocols,
            Ports::Distinct,
        )?;
        let (controllers, listeners): (Vec<Listener>, Vec<Listener>) =
            all.into_iter().partition(|listener| controller_names.contains(&listener.name));
        if listeners.is_empty() {
            return Err(ServerConfigError::Demand(
                "There must be at least one broker listener in listeners; all of them are named \
                 in controller.listener.names."
                    .to_owned(),
            ));
        }
        for listener in listeners.iter().chain(&controllers) {
            if listener.security_protocol != SecurityProtocol::Plaintext {
                let protocol = listener.security_protocol.name();
                let name = listener.name.clone();
                return Err(ListenerError::NotYetSupported { name, protocol }.into());
            }
        }
        let advertised = self.advertised(&listeners, &controller_names, &protocols)?;
        let inter_broker = self.inter_broker(&advertised)?;
        Ok(Network { listeners, controllers, advertised, inter_broker })
    }

    fn advertised(
        &self,
        listeners: &[Listener],
        controller_names: &[String],
        protocols: &ProtocolMap,
    ) -> Result<Vec<Listener>, ServerConfigError> {
        let mut advertised = match self.text("advertised.listeners") {
            Some(text) => {
                parse_listeners("advertised.listeners", text, protocols, Ports::MayRepeat)?
            }
            None => listeners.to_vec(),
        };
        advertised.retain(|listener| !controller_names.contains(&listener.name));
        if advertised.iter().any(|listener| listener.host == "0.0.0.0") {
            return Err(ListenerError::NotRoutable.into());
        }
        let names = |of: &[Listener]| -> String {
            of.iter().map(|listener| listener.name.as_str()).collect::<Vec<_>>().join(",")
        };
        let known = |a: &Listener| listeners.iter().any(|l| l.name == a.name);
        if !advertised.iter().all(known) {
            let (found, valid) = (names(&advertised), names(listeners));
            return Err(ListenerError::NotListenedOn { found, valid }.into());
        }
        if advertised.is_empty() {
            return Err(ListenerError::NoneGiven { config: "advertised.listeners" }.into());
        }
        Ok(advertised)
    }

    /// The listener between brokers: as named, else the first of the wanted protocol, else the
    /// first. (Kafka insists on one named PLAINTEXT where nothing is said.)
    fn inter_broker(&self, advertised: &[Listener]) -> Result<String, ServerConfigError> {
        let wanted = self.text("inter.broker.listener.name").filter(|name| !name.is_empty());
        if let Some(wanted) = wanted {
            if self.text("security.inter.broker.protocol").is_some() {
                return Err(ServerConfigError::Demand(
                    "Only one of inter.broker.listener.name and security.inter.broker.protocol \
                     should be set."
                        .to_owned(),
                ));
            }
            let found = advertised.iter().find(|l| l.name.eq_ignore_ascii_case(wanted));
            return match found {
                Some(listener) => Ok(listener.name.clone()),
                None => {
                    let names: Vec<&str> = advertised.iter().map(|l| l.name.as_str()).collect();
                    Err(ListenerError::NoInterBroker { valid: names.join(",") }.into())
                }
            };
        }
        let protocol = self.text_or_default("security.inter.broker.protocol");
        let of_protocol = advertised.iter().find(|l| l.name == protocol);
        Ok(of_protocol.or(advertised.first()).map(|l| l.name.clone()).unwrap_or_default())
    }

    fn log_dirs(&self) -> Result<Vec<PathBuf>, ServerConfigError> {
        let config = if self.text("log.dirs").is_some() { "log.dirs" } else { "log.dir" };
        let text = self.text(config).unwrap_or(DEFAULT_LOG_DIR);
        let parts = split_list(text);
        if parts.is_empty() {
            return Err(ServerConfigError::Demand(format!(
                "{}: Configuration '{config}' must not be empty. Valid values include: any \
                 non-empty value",
                self.place(config)
            )));
        }
        if parts.iter().any(String::is_empty) {
            return Err(ServerConfigError::Demand(format!(
                "{}: Configuration '{config}' values must not be empty.",
                self.place(config)
            )));
        }
        let dirs: Vec<PathBuf> = parts.iter().map(PathBuf::from).collect();
        let distinct: BTreeSet<&PathBuf> = dirs.iter().collect();
        if distinct.len() != dirs.len() {
            return Err(self.bad(config, "Duplicate log directory found"));
        }
        Ok(dirs)
    }

    fn metrics_listener(&self) -> Result<Option<MetricsListener>, ServerConfigError> {
        let text = self.text_or_default("metrics.listener");
        if text.is_empty() {
            return Ok(None);
        }
        let parsed = text.rsplit_once(':').and_then(|(host, port)| {
            let host = match host.strip_prefix('[') {
                Some(rest) => rest.strip_suffix(']')?,
                None => host,
            };
            Some(MetricsListener { host: host.to_owned(), port: port.parse().ok()? })
        });
        match parsed {
            Some(listener) => Ok(Some(listener)),
            None => Err(self.bad(
                "metrics.listener",
                "expected host:port, e.g. 127.0.0.1:9404, or nothing to turn it off",
            )),
        }
    }

    /// `node.id` and `broker.id` are one: whoever is told the one is shown the other, as in Kafka.
    fn fill_in_synonyms(&mut self) {
        for (from, to) in [("node.id", "broker.id"), ("broker.id", "node.id")] {
            if let (Some(setting), false) =
                (self.settings.get(from), self.settings.contains_key(to))
            {
                let setting = Setting { name: to.to_owned(), ..setting.clone() };
                self.settings.insert(to.to_owned(), setting);
            }
        }
    }
}

/// The listeners of a broker, sorted by what they are for.
struct Network {
    listeners: Vec<Listener>,
    controllers: Vec<Listener>,
    advertised: Vec<Listener>,
    inter_broker: String,
}

/// Where data is kept unless the user says otherwise.
const DEFAULT_LOG_DIR: &str = "./headwater-data";

impl Default for ServerConfig {
    fn default() -> ServerConfig {
        let listener = Listener {
            name: "PLAINTEXT".to_owned(),
            security_protocol: SecurityProtocol::Plaintext,
            host: "127.0.0.1".to_owned(),
            port: 9092,
        };
        ServerConfig {
            given: Overrides::new(),
            node_id: BrokerId(1),
            roles: BTreeSet::from([Role::Broker, Role::Controller]),
            listeners: vec![listener.clone()],
            advertised_listeners: vec![listener],
            controller_listeners: Vec::new(),
            inter_broker_listener: "PLAINTEXT".to_owned(),
            log_dirs: vec![PathBuf::from(DEFAULT_LOG_DIR)],
            metadata_log_dir: PathBuf::from(DEFAULT_LOG_DIR),
            rack: None,
            metrics_listener: Some(MetricsListener { host: "127.0.0.1".to_owned(), port: 9404 }),
            worker_threads: None,
            warnings: Vec::new(),
        }
    }
}

impl ServerConfig {
    /// Begins with nothing but the defaults.
    pub fn builder() -> ServerConfigBuilder {
        ServerConfigBuilder::default()
    }

    /// Begins as a program should that embeds a broker: a free port on the loopback interface,
    /// and no port for metrics. Whatever else is set wins.
    pub fn embedded() -> ServerConfigBuilder {
        ServerConfigBuilder::default()
            .preset("listeners", "PLAINTEXT://127.0.0.1:0")
            .preset("metrics.listener", "")
    }

    /// What was given, by Kafka's names, as texts; unknown names are in it too.
    pub fn given(&self) -> &Overrides {
        &self.given
    }
}
