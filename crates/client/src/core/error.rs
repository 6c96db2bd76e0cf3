//! What can go wrong between a caller and a broker, from the socket up to the answer for one
//! topic. Each error names the broker, the API and the thing it was about, says whether trying
//! again can help ([`Disposition`]) and, where we know one, what to do (`remedy`).

use super::route::Unroutable;
use super::versions::{Unsupported, VersionRange};
use headwater_protocol::ApiKey;
use headwater_protocol::frame::FrameError;
use headwater_types::{BrokerId, ErrorCode, TopicId};
use std::fmt;

/// Whether trying again can help.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Disposition {
    /// The same call may work later: a broker is away, a leader moves, an answer came too late.
    Retriable,
    /// The same call fails again: it, the configuration or the permissions must change.
    Fatal,
}

/// A broker as an error names it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Broker {
    /// Its id; `None` for a bootstrap address whose id is not known.
    pub id: Option<BrokerId>,
    /// Host and port.
    pub address: String,
}

impl fmt::Display for Broker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.id {
            Some(id) => write!(f, "broker {id} at {}", self.address),
            None => f.write_str(&self.address),
        }
    }
}

/// Why a connection is useless from now on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectionError {
    /// A frame's length is impossible.
    #[error("{0}")]
    Frame(#[from] FrameError),
    /// An answer is too short for its header, or its header is malformed.
    #[error("an answer has a malformed header: {reason}")]
    MalformedHeader {
        /// What the decoder says.
        reason: String,
    },
    /// An answer carries another number than the oldest request that waits.
    #[error("an answer carries correlation id {got} where {expected} was due")]
    WrongCorrelation {
        /// The number of the oldest waiting request.
        expected: i32,
        /// The number in the answer.
        got: i32,
    },
    /// An answer came while no request waited.
    #[error("an answer with correlation id {got} came unasked")]
    Unasked {
        /// The number in the answer.
        got: i32,
    },
    /// The broker's ApiVersions answer cannot be read.
    #[error("the ApiVersions answer (version {version}) is malformed: {reason}")]
    MalformedApiVersions {
        /// The version it was asked in.
        version: i16,
        /// What the decoder says.
        reason: String,
    },
    /// The broker takes no version of ApiVersions that this client sends.
    #[error("the broker takes ApiVersions in version {theirs}, this client sends version {ours}")]
    NoCommonApiVersions {
        /// What this client sends.
        ours: VersionRange,
        /// What the broker takes.
        theirs: VersionRange,
    },
    /// The broker answered the first request with an error.
    #[error("the broker refused ApiVersions: {}", code_text(*.code))]
    NegotiationRefused {
        /// The error code.
        code: i16,
    },
    /// No answer came in time; what else waited on the connection is lost with it, since answers
    /// come in order.
    #[error("no answer to {} within {waited_ms} ms", .api.name())]
    TimedOut {
        /// The API whose answer was due.
        api: ApiKey,
        /// How long it was waited for.
        waited_ms: u64,
    },
    /// The peer closed the connection.
    #[error("the broker closed the connection")]
    ClosedByPeer,
    /// The system reported an error of the socket.
    #[error("{message}")]
    Io {
        /// The system's words.
        message: String,
    },
    /// This side closed the connection.
    #[error("the connection was closed by this client")]
    Closed,
}

impl ConnectionError {
    /// Whether a new connection may work where this one failed.
    pub fn disposition(&self) -> Disposition {
        match self {
            Self::TimedOut { .. } | Self::ClosedByPeer | Self::Io { .. } => Disposition::Retriable,
            Self::Frame(_)
            | Self::MalformedHeader { .. }
            | Self::WrongCorrelation { .. }
            | Self::Unasked { .. }
            | Self::MalformedApiVersions { .. }
            | Self::NoCommonApiVersions { .. }
            | Self::NegotiationRefused { .. }
            | Self::Closed => Disposition::Fatal,
        }
    }

    /// What a person can do about it.
    pub fn remedy(&self) -> Option<&'static str> {
        match self {
            Self::Frame(_) | Self::MalformedHeader { .. } | Self::MalformedApiVersions { .. } => {
                Some(
                    "check that the address is a PLAINTEXT listener of a Kafka broker, not TLS, HTTP or a controller",
                )
            }
            Self::ClosedByPeer => Some(
                "a broker closes a connection when the listener expects TLS or SASL, or when a request is too large; its log says which",
            ),
            Self::NoCommonApiVersions { .. } | Self::NegotiationRefused { .. } => {
                Some("Kafka 2.1 or newer is needed")
            }
            Self::TimedOut { .. } => Some("check that the broker is alive, or allow more time"),
            Self::WrongCorrelation { .. }
            | Self::Unasked { .. }
            | Self::Io { .. }
            | Self::Closed => None,
        }
    }
}

/// Why a connection did not take a request. Nothing was sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The versions are not negotiated yet.
    #[error("the connection is not ready yet")]
    NotReady,
    /// As many requests wait for answers as the connection allows.
    #[error("{in_flight} requests wait for their answers already")]
    Full {
        /// How many wait.
        in_flight: usize,
    },
    /// The broker does not take that version.
    #[error("{0}")]
    Unsupported(Unsupported),
    /// The request does not fit the version.
    #[error("{} version {version} cannot carry the request: {reason}", .api.name())]
    Encode {
        /// The API.
        api: ApiKey,
        /// The version it was to be sent in.
        version: i16,
        /// What the encoder says.
        reason: String,
    },
    /// The connection is closed.
    #[error("{0}")]
    Closed(ConnectionError),
}

/// Why a request brought no answer that can be used.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// No connection came about.
    #[error("cannot connect to {broker}: {reason}")]
    Connect {
        /// Whom we tried to reach.
        broker: Broker,
        /// Why it failed, for each address that the name stands for.
        reason: String,
    },
    /// None of the bootstrap addresses can be reached.
    #[error("cannot connect to any bootstrap server: {reasons}")]
    NoBootstrap {
        /// Each address with its reason.
        reasons: String,
    },
    /// The connection broke before the answer came; the broker may have acted on the request.
    #[error("{} to {broker} failed: {cause}", .api.name())]
    Connection {
        /// The broker.
        broker: Broker,
        /// The API.
        api: ApiKey,
        /// Why the connection is useless.
        cause: ConnectionError,
    },
    /// The connection did not take the request.
    #[error("{} was not sent to {broker}: {cause}", .api.name())]
    Send {
        /// The broker.
        broker: Broker,
        /// The API.
        api: ApiKey,
        /// Why.
        cause: SendError,
    },
    /// The answer cannot be read.
    #[error("{broker} answered {} version {version} with bytes that cannot be read: {reason}", .api.name())]
    Decode {
        /// The broker.
        broker: Broker,
        /// The API.
        api: ApiKey,
        /// The version of the exchange.
        version: i16,
        /// What the decoder says.
        reason: String,
    },
    /// The broker sends the client back to the bootstrap servers (KIP-1102): what the client
    /// knows of the cluster is of no use any more.
    #[error("{broker} asks to begin again at the bootstrap servers")]
    Rebootstrap {
        /// The broker.
        broker: Broker,
    },
    /// Nobody is known who could take the request.
    #[error("{0}")]
    Unroutable(#[from] Unroutable),
    /// The caller's time is up.
    #[error("no result for {} within {waited_ms} ms{}", .api.name(), last_text(.last))]
    TimedOut {
        /// The API.
        api: ApiKey,
        /// How long the call took.
        waited_ms: u64,
        /// What went wrong last.
        last: Option<Box<AdminError>>,
    },
    /// What the caller asks for cannot be said in the version that the broker takes.
    #[error("{} version {version} of the broker cannot express the request: {reason}", .api.name())]
    Inexpressible {
        /// The API.
        api: ApiKey,
        /// The version of the exchange.
        version: i16,
        /// What is missing in it.
        reason: &'static str,
    },
}

impl CallError {
    /// Whether trying again can help.
    pub fn disposition(&self) -> Disposition {
        match self {
            Self::Connect { .. }
            | Self::NoBootstrap { .. }
            | Self::Rebootstrap { .. }
            | Self::TimedOut { .. } => Disposition::Retriable,
            Self::Connection { cause, .. } => cause.disposition(),
            Self::Send { cause, .. } => match cause {
                SendError::NotReady | SendError::Full { .. } => Disposition::Retriable,
                SendError::Closed(cause) => match cause {
                    // It was closed between being looked up and being used: a new one will do.
                    ConnectionError::Closed => Disposition::Retriable,
                    other => other.disposition(),
                },
                SendError::Unsupported(_) | SendError::Encode { .. } => Disposition::Fatal,
            },
            Self::Unroutable(cause) => match cause {
                Unroutable::NoController | Unroutable::NoLeader { .. } => Disposition::Retriable,
                Unroutable::NoBroker
                | Unroutable::UnknownBroker { .. }
                | Unroutable::UnknownTopic { .. }
                | Unroutable::UnknownPartition { .. } => Disposition::Fatal,
            },
            Self::Decode { .. } | Self::Inexpressible { .. } => Disposition::Fatal,
        }
    }

    /// What a person can do about it.
    pub fn remedy(&self) -> Option<&'static str> {
        match self {
            // Its address came from the cluster, not from the caller.
            Self::Connect { broker: Broker { id: Some(_), .. }, .. } => Some(
                "start the broker; if it runs, its advertised.listeners must name an address that can be reached from here",
            ),
            Self::Connect { .. } | Self::NoBootstrap { .. } => {
                Some("start the broker, or name its listener as the bootstrap server")
            }
            Self::Connection { cause, .. } => cause.remedy(),
            Self::Send { cause: SendError::Closed(cause), .. } => cause.remedy(),
            Self::Send { cause: SendError::Unsupported(Unsupported { api, .. }), .. }
                if *api == ApiKey::Metadata =>
            {
                Some("this is no broker's listener, perhaps a controller's; name a broker's")
            }
            Self::Send { cause: SendError::Unsupported(_), .. } | Self::Inexpressible { .. } => {
                Some("a newer broker is needed for it")
            }
            Self::Send { .. } | Self::Decode { .. } | Self::Rebootstrap { .. } => None,
            Self::TimedOut { last, .. } => match last {
                Some(last) => last.remedy(),
                None => Some("check that the broker is alive, or allow more time"),
            },
            Self::Unroutable(cause) => cause.remedy(),
        }
    }

    /// Whether no broker could be reached, or none answered in time.
    pub fn is_unreachable(&self) -> bool {
        match self {
            Self::Connect { .. } | Self::NoBootstrap { .. } => true,
            Self::TimedOut { .. } => true,
            Self::Connection { cause, .. } | Self::Send { cause: SendError::Closed(cause), .. } => {
                cause.disposition() == Disposition::Retriable
            }
            Self::Send { .. }
            | Self::Decode { .. }
            | Self::Rebootstrap { .. }
            | Self::Unroutable(_)
            | Self::Inexpressible { .. } => false,
        }
    }
}

/// What an answer, or an error, is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Subject {
    /// The request as a whole.
    Request,
    /// The cluster.
    Cluster,
    /// A topic by name.
    Topic(String),
    /// A topic by id.
    TopicId(TopicId),
    /// A partition.
    Partition {
        /// The topic's name.
        topic: String,
        /// The partition in it.
        partition: i32,
    },
    /// A broker.
    Broker(BrokerId),
    /// A log folder of a broker.
    LogDir {
        /// The broker.
        broker: BrokerId,
        /// The folder's path there.
        path: String,
    },
    /// A thing that has configs, e.g. `topic orders` or `broker 1`.
    Resource(String),
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request => f.write_str("the request"),
            Self::Cluster => f.write_str("the cluster"),
            Self::Topic(name) => write!(f, "topic {name}"),
            Self::TopicId(id) => write!(f, "topic id {id}"),
            Self::Partition { topic, partition } => write!(f, "partition {topic}-{partition}"),
            Self::Broker(id) => write!(f, "broker {id}"),
            Self::LogDir { broker, path } => write!(f, "log folder {path} of broker {broker}"),
            Self::Resource(text) => f.write_str(text),
        }
    }
}

/// A broker understood a request and said no.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Refusal {
    /// The API.
    pub api: ApiKey,
    /// Who answered, once that is known.
    pub broker: Option<Broker>,
    /// What was refused.
    pub subject: Subject,
    /// Kafka's error code.
    pub code: i16,
    /// The broker's own words.
    pub message: Option<String>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.subject)?;
        let name = ErrorCode::from_code(self.code).map(ErrorCode::name);
        match (&self.message, name) {
            (Some(message), Some(name)) => write!(f, "{message} [{name}]")?,
            (Some(message), None) => write!(f, "{message} [error {}]", self.code)?,
            (None, _) => f.write_str(&code_text(self.code))?,
        }
        write!(f, " ({}", self.api.name())?;
        if let Some(broker) = &self.broker {
            write!(f, ", {broker}")?;
        }
        f.write_str(")")
    }
}

impl Refusal {
    /// A refusal with the code and the message of an answer; `None` for the code of success.
    pub fn from_code(
        api: ApiKey,
        subject: impl FnOnce() -> Subject,
        code: i16,
        message: Option<&str>,
    ) -> Option<Self> {
        if code == ErrorCode::None.code() {
            return None;
        }
        // Brokers send the general text of the code, or nothing, where they have no more to say.
        let message = message.filter(|text| !text.is_empty()).map(str::to_owned);
        Some(Self { api, broker: None, subject: subject(), code, message })
    }

    /// Kafka's error code, if this client knows it.
    pub fn error_code(&self) -> Option<ErrorCode> {
        ErrorCode::from_code(self.code)
    }

    /// Whether trying again can help.
    pub fn disposition(&self) -> Disposition {
        match super::retry::advice_for(self.code) {
            super::retry::Advice::GiveUp => Disposition::Fatal,
            super::retry::Advice::Again | super::retry::Advice::RefreshAndAgain => {
                Disposition::Retriable
            }
        }
    }

    /// What a person can do about it.
    pub fn remedy(&self) -> Option<&'static str> {
        Some(match self.error_code()? {
            ErrorCode::UnknownTopicOrPartition | ErrorCode::UnknownTopicId => {
                "`headwater topic list` shows which topics exist"
            }
            ErrorCode::TopicAlreadyExists => "choose another name, or pass --if-not-exists",
            ErrorCode::InvalidReplicationFactor => {
                "ask for at most as many replicas as there are live brokers (`headwater cluster describe`)"
            }
            ErrorCode::InvalidTopicException => {
                "a topic's name has 1 to 249 letters, digits, dots, underscores and hyphens"
            }
            ErrorCode::InvalidConfig => "`headwater config describe` shows the names and values",
            ErrorCode::TopicAuthorizationFailed
            | ErrorCode::ClusterAuthorizationFailed
            | ErrorCode::GroupAuthorizationFailed => {
                "use a principal with the permission, or grant it by an ACL"
            }
            ErrorCode::NotController
            | ErrorCode::LeaderNotAvailable
            | ErrorCode::NotLeaderOrFollower
            | ErrorCode::RequestTimedOut
            | ErrorCode::ThrottlingQuotaExceeded => "try again in a moment",
            ErrorCode::OffsetOutOfRange => "give an offset between the log's start and its end",
            ErrorCode::TopicDeletionDisabled => "set delete.topic.enable=true on the brokers",
            _ => return None,
        })
    }
}

/// Why an admin call failed for one of the things it was about.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum AdminError {
    /// The request brought no usable answer.
    #[error("{0}")]
    Call(#[from] CallError),
    /// The broker said no.
    #[error("{0}")]
    Refused(#[from] Refusal),
    /// The broker answered without a word about it.
    #[error("{subject}: the broker's answer to {} does not mention it", .api.name())]
    NotAnswered {
        /// The API.
        api: ApiKey,
        /// What was asked about.
        subject: Subject,
    },
}

impl AdminError {
    /// Whether trying again can help.
    pub fn disposition(&self) -> Disposition {
        match self {
            Self::Call(error) => error.disposition(),
            Self::Refused(refusal) => refusal.disposition(),
            Self::NotAnswered { .. } => Disposition::Fatal,
        }
    }

    /// What a person can do about it.
    pub fn remedy(&self) -> Option<&'static str> {
        match self {
            Self::Call(error) => error.remedy(),
            Self::Refused(refusal) => refusal.remedy(),
            Self::NotAnswered { .. } => None,
        }
    }

    /// Kafka's error code, where a broker sent one that this client knows.
    pub fn error_code(&self) -> Option<ErrorCode> {
        match self {
            Self::Refused(refusal) => refusal.error_code(),
            Self::Call(CallError::TimedOut { last: Some(last), .. }) => last.error_code(),
            Self::Call(_) | Self::NotAnswered { .. } => None,
        }
    }

    /// Whether no broker could be reached, or none answered in time.
    pub fn is_unreachable(&self) -> bool {
        matches!(self, Self::Call(error) if error.is_unreachable())
    }
}

fn code_text(code: i16) -> String {
    match ErrorCode::from_code(code) {
        // What it means to a person who has just named the topic.
        Some(known @ (ErrorCode::UnknownTopicOrPartition | ErrorCode::UnknownTopicId)) => {
            format!("does not exist [{}]", known.name())
        }
        Some(known) => known.name().to_owned(),
        None => format!("error {code}, which this client does not know"),
    }
}

fn last_text(last: &Option<Box<AdminError>>) -> String {
    match last {
        Some(error) => format!("; last failure: {error}"),
        None => String::new(),
    }
}
