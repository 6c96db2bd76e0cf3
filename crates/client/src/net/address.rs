//! `host:port`, as bootstrap servers are given.

use std::fmt;

/// The port of a Kafka broker when none is given.
pub const DEFAULT_PORT: u16 = 9092;

/// Where something listens.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Address {
    /// Host name or IP address, without brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// A text that names no bootstrap server.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Nothing is given.
    #[error("no bootstrap server is given; give HOST:PORT, several with commas")]
    Empty,
    /// One of them is malformed.
    #[error("{text:?} is not HOST:PORT; an IPv6 address stands in brackets: [::1]:9092")]
    Malformed {
        /// The part in question.
        text: String,
    },
}

/// Reads `host:port,host:port`; without a port, [`DEFAULT_PORT`] is meant.
///
/// # Errors
/// When there is none, or one is malformed.
pub fn parse_bootstrap(text: &str) -> Result<Vec<Address>, AddressError> {
    let addresses = text
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .map(|part| {
            parse_one(part).ok_or_else(|| AddressError::Malformed { text: part.to_owned() })
        })
        .collect::<Result<Vec<_>, _>>()?;
    if addresses.is_empty() { Err(AddressError::Empty) } else { Ok(addresses) }
}

fn parse_one(text: &str) -> Option<Address> {
    // Kafka's own tools take a listener's protocol in front.
    let text = text.strip_prefix("PLAINTEXT://").unwrap_or(text);
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']')?;
            (host, if rest.is_empty() { None } else { Some(rest.strip_prefix(':')?) })
        }
        None => match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    let port =
        port.map_or(Some(DEFAULT_PORT), |port| port.parse().ok().filter(|&port| port > 0))?;
    let fit = !host.is_empty() && !host.contains(['/', '[', ']', ' ']);
    fit.then(|| Address { host: host.to_owned(), port })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Result<Vec<String>, AddressError> {
        Ok(parse_bootstrap(text)?.iter().map(Address::to_string).collect())
    }

    #[test]
    fn hosts_names_and_both_kinds_of_ip_addresses() {
        assert_eq!(shown("a:1, b.example:2,").unwrap(), ["a:1", "b.example:2"]);
        assert_eq!(shown("127.0.0.1").unwrap(), ["127.0.0.1:9092"]);
        assert_eq!(shown("[::1]:9,[fe80::2]").unwrap(), ["[::1]:9", "[fe80::2]:9092"]);
        assert_eq!(shown("PLAINTEXT://h:9").unwrap(), ["h:9"]);
    }

    #[test]
    fn what_is_no_address() {
        assert_eq!(shown(""), Err(AddressError::Empty));
        assert_eq!(shown(" , "), Err(AddressError::Empty));
        for text in [":9", "h:", "h:0", "h:65536", "h:x", "::1", "[::1", "[::1]9", "http://h:9"] {
            let malformed = AddressError::Malformed { text: text.to_owned() };
            assert_eq!(shown(text), Err(malformed), "{text}");
        }
    }
}
