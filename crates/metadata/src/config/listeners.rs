//! `listeners`, `advertised.listeners` and `listener.security.protocol.map`.
//!
//! A listener is written `NAME://host:port`; the name is looked up in the protocol map. The rules
//! and the wording of refusals are Kafka's.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

/// How the bytes of a listener are wrapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SecurityProtocol {
    /// Plain TCP.
    Plaintext,
    /// TLS.
    Ssl,
    /// SASL over plain TCP.
    SaslPlaintext,
    /// SASL over TLS.
    SaslSsl,
}

impl SecurityProtocol {
    /// Kafka's name.
    pub const fn name(self) -> &'static str {
        match self {
            SecurityProtocol::Plaintext => "PLAINTEXT",
            SecurityProtocol::Ssl => "SSL",
            SecurityProtocol::SaslPlaintext => "SASL_PLAINTEXT",
            SecurityProtocol::SaslSsl => "SASL_SSL",
        }
    }

    /// Kafka's number.
    pub const fn id(self) -> i16 {
        match self {
            SecurityProtocol::Plaintext => 0,
            SecurityProtocol::Ssl => 1,
            SecurityProtocol::SaslPlaintext => 2,
            SecurityProtocol::SaslSsl => 3,
        }
    }

    fn from_name(name: &str) -> Option<SecurityProtocol> {
        use SecurityProtocol::{Plaintext, SaslPlaintext, SaslSsl, Ssl};
        [Plaintext, Ssl, SaslPlaintext, SaslSsl]
            .into_iter()
            .find(|protocol| protocol.name().eq_ignore_ascii_case(name))
    }
}

/// One address that a broker listens on or tells its clients to come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// Its name, in capitals.
    pub name: String,
    /// How its bytes are wrapped.
    pub security_protocol: SecurityProtocol,
    /// A host name or address, IPv6 without brackets; empty means all interfaces (where it is
    /// listened on) or this machine's own name (where it is advertised).
    pub host: String,
    /// The port; 0 takes a free one.
    pub port: u16,
}

impl fmt::Display for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "{}://[{}]:{}", self.name, self.host, self.port)
        } else {
            write!(f, "{}://{}:{}", self.name, self.host, self.port)
        }
    }
}

/// Why a list of listeners cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListenerError {
    /// Nothing to listen on.
    #[error(
        "Configuration '{config}' must not be empty. Valid values include: any non-empty value"
    )]
    NoneGiven {
        /// `listeners` or `advertised.listeners`.
        config: &'static str,
    },
    /// An empty part between commas.
    #[error("Configuration '{config}' values must not be empty.")]
    EmptyPart {
        /// `listeners` or `advertised.listeners`.
        config: &'static str,
    },
    /// Not of the form `NAME://host:port`.
    #[error(
        "{config}: Unable to parse {text} to a broker endpoint (expected NAME://host:port, e.g. \
         PLAINTEXT://127.0.0.1:9092 or PLAINTEXT://[::1]:9092)"
    )]
    Unreadable {
        /// `listeners` or `advertised.listeners`.
        config: &'static str,
        /// The part.
        text: String,
    },
    /// Nothing before `://`.
    #[error("{config}: The provided listener name is null or empty string in {text}")]
    NoName {
        /// `listeners` or `advertised.listeners`.
        config: &'static str,
        /// The part.
        text: String,
    },
    /// A port that no TCP listener can have.
    #[error("{config}: the port of {text} is not between 0 and 65535")]
    Port {
        /// `listeners` or `advertised.listeners`.
        config: &'static str,
        /// The part.
        text: String,
    },
    /// A name that the protocol map lacks.
    #[error(
        "{config}: No security protocol defined for listener {name} (add {name}:PLAINTEXT to \
         listener.security.protocol.map)"
    )]
    NoProtocol {
        /// `listeners` or `advertised.listeners`.
        config: &'static str,
        /// The listener's name.
        name: String,
    },
    /// Two of one name.
    #[error("{config}: Each listener must have a different name, listeners: {listeners}")]
    SameName {
        /// `listeners` or `advertised.listeners`.
        config: &'static str,
        /// The whole list.
        listeners: String,
    },
    /// Two on one port.
    #[error(
        "{config}: Each listener must have a different port, listeners: {listeners} (one IPv4 and \
         one IPv6 address may share a port)"
    )]
    SamePort {
        /// `listeners` or `advertised.listeners`.
        config: &'static str,
        /// The whole list.
        listeners: String,
    },
    /// A part of the map that is no `NAME:PROTOCOL`.
    #[error(
        "listener.security.protocol.map: {text} is not of the form NAME:PROTOCOL, e.g. \
         INTERNAL:PLAINTEXT"
    )]
    MapPart {
        /// The part.
        text: String,
    },
    /// A protocol that does not exist.
    #[error(
        "Invalid security protocol `{protocol}` defined in listener.security.protocol.map (known: \
         PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL)"
    )]
    UnknownProtocol {
        /// The protocol's name as it was given.
        protocol: String,
    },
    /// A protocol that is still to be built.
    #[error(
        "listener {name} uses {protocol}, which is not yet supported: only PLAINTEXT listeners \
         work so far"
    )]
    NotYetSupported {
        /// The listener's name.
        name: String,
        /// The protocol's name.
        protocol: &'static str,
    },
    /// An address that clients cannot come to.
    #[error(
        "advertised.listeners cannot use the nonroutable meta-address 0.0.0.0. Use a routable IP \
         address. (set advertised.listeners to what clients shall connect to)"
    )]
    NotRoutable,
    /// Advertised, but not listened on.
    #[error(
        "advertised.listeners listener names must be equal to or a subset of the ones defined in \
         listeners. Found {found}. The valid options based on the current configuration are \
         {valid}"
    )]
    NotListenedOn {
        /// The names that are advertised.
        found: String,
        /// The names that are listened on.
        valid: String,
    },
    /// The listener between brokers is none of those advertised.
    #[error(
        "inter.broker.listener.name must be a listener name defined in advertised.listeners. The \
         valid options based on currently configured listeners are {valid}"
    )]
    NoInterBroker {
        /// The names that are advertised.
        valid: String,
    },
}

/// Listener name to protocol.
pub(super) type ProtocolMap = BTreeMap<String, SecurityProtocol>;

/// Reads `NAME:PROTOCOL,NAME:PROTOCOL`.
pub(super) fn parse_protocol_map(text: &str) -> Result<ProtocolMap, ListenerError> {
    let mut map = ProtocolMap::new();
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let Some((name, protocol)) = part.rsplit_once(':') else {
            return Err(ListenerError::MapPart { text: part.to_owned() });
        };
        let Some(found) = SecurityProtocol::from_name(protocol.trim()) else {
            return Err(ListenerError::UnknownProtocol { protocol: protocol.trim().to_owned() });
        };
        map.insert(name.trim().to_ascii_uppercase(), found);
    }
    Ok(map)
}

/// Whether two listeners of one list may have the same port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ports {
    /// Each its own, as must be where they are listened on.
    Distinct,
    /// As it comes, e.g. advertised behind one load balancer.
    MayRepeat,
}

/// Reads a list of listeners.
pub(super) fn parse_listeners(
    config: &'static str,
    text: &str,
    protocols: &ProtocolMap,
    ports: Ports,
) -> Result<Vec<Listener>, ListenerError> {
    if text.trim().is_empty() {
        return Err(ListenerError::NoneGiven { config });
    }
    let listeners = text
        .split(',')
        .map(|part| parse_one(config, part.trim(), protocols))
        .collect::<Result<Vec<Listener>, ListenerError>>()?;
    let names: BTreeSet<&str> = listeners.iter().map(|l| l.name.as_str()).collect();
    if names.len() != listeners.len() {
        return Err(ListenerError::SameName { config, listeners: text.trim().to_owned() });
    }
    if ports == Ports::Distinct && !ports_fit(&listeners) {
        return Err(ListenerError::SamePort { config, listeners: text.trim().to_owned() });
    }
    Ok(listeners)
}

/// `NAME://host:port`; the host may stand in brackets, and may be missing.
fn parse_one(
    config: &'static str,
    text: &str,
    protocols: &ProtocolMap,
) -> Result<Listener, ListenerError> {
    if text.is_empty() {
        return Err(ListenerError::EmptyPart { config });
    }
    let unreadable = || ListenerError::Unreadable { config, text: text.to_owned() };
    let (name, address) = text.split_once("://").ok_or_else(unreadable)?;
    let name = name.trim().to_ascii_uppercase();
    if name.is_empty() {
        return Err(ListenerError::NoName { config, text: text.to_owned() });
    }
    let (host, port) = address.rsplit_once(':').ok_or_else(unreadable)?;
    let host = match host.strip_prefix('[') {
        Some(rest) => rest.strip_suffix(']').ok_or_else(unreadable)?,
        None => host,
    };
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '%' | '.' | '_' | ':');
    let digits = port.strip_prefix('-').unwrap_or(port);
    if !host.chars().all(fits) || digits.is_empty() || !digits.chars().all(|c| c.is_ascii_digit()) {
        return Err(unreadable());
    }
    let Ok(port) = port.parse::<u16>() else {
        return Err(ListenerError::Port { config, text: text.to_owned() });
    };
    let Some(&security_protocol) = protocols.get(&name) else {
        return Err(ListenerError::NoProtocol { config, name });
    };
    Ok(Listener { name, security_protocol, host: host.to_owned(), port })
}

/// Each its own port, but for 0 and for a pair of one IPv4 and one IPv6 address.
fn ports_fit(listeners: &[Listener]) -> bool {
    let mut hosts_by_port: BTreeMap<u16, Vec<&str>> = BTreeMap::new();
    for listener in listeners.iter().filter(|l| l.port != 0) {
        hosts_by_port.entry(listener.port).or_default().push(&listener.host);
    }
    hosts_by_port.values().all(|hosts| match hosts.as_slice() {
        [] | [_] => true,
        [a, b] => (is_v4(a) && is_v6(b)) || (is_v6(a) && is_v4(b)),
        _ => false,
    })
}

fn is_v4(host: &str) -> bool {
    host.parse::<Ipv4Addr>().is_ok()
}

fn is_v6(host: &str) -> bool {
    host.parse::<Ipv6Addr>().is_ok()
}
