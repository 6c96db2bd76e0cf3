//! Kafka's error codes: what a response says when something did not work.

/// Declares the enum and the tables that go with it from one list.
macro_rules! error_codes {
    ($($variant:ident = $code:literal, $name:literal, $retry:ident, $doc:literal;)*) => {
        /// One of Kafka's error codes, as they travel in responses.
        ///
        /// The list is that of Apache Kafka 4.3.1 (`org.apache.kafka.common.protocol.Errors`).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(i16)]
        #[non_exhaustive]
        pub enum ErrorCode {
            $(#[doc = $doc] $variant = $code,)*
        }

        impl ErrorCode {
            /// Every code, in numeric order.
            pub const ALL: &'static [ErrorCode] = &[$(ErrorCode::$variant,)*];

            /// The number on the wire.
            pub const fn code(self) -> i16 {
                self as i16
            }

            /// Kafka's name of the code, e.g. `NOT_LEADER_OR_FOLLOWER`.
            pub const fn name(self) -> &'static str {
                match self { $(ErrorCode::$variant => $name,)* }
            }

            /// When a broker answers with it, in a few words.
            pub const fn meaning(self) -> &'static str {
                match self { $(ErrorCode::$variant => $doc,)* }
            }

            /// Whether and how a client may try again.
            pub const fn retry(self) -> Retry {
                match self { $(ErrorCode::$variant => Retry::$retry,)* }
            }

            /// The error behind a number, or `None` where Kafka knows none.
            pub const fn from_code(code: i16) -> Option<ErrorCode> {
                match code { $($code => Some(ErrorCode::$variant),)* _ => None }
            }
        }
    };
}

/// What Kafka's Java client does upon an error: the classification of its exception classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Retry {
    /// Trying again cannot help.
    Never,
    /// The same request may be sent again.
    Retriable,
    /// The request may be sent again after the metadata was refreshed.
    RefreshMetadata,
}

error_codes! {
    UnknownServerError = -1, "UNKNOWN_SERVER_ERROR", Never, "Unexpected failure";
    None = 0, "NONE", Never, "Success";
    OffsetOutOfRange = 1, "OFFSET_OUT_OF_RANGE", Never, "Offset outside log";
    CorruptMessage = 2, "CORRUPT_MESSAGE", Retriable, "CRC or structure bad";
    UnknownTopicOrPartition = 3, "UNKNOWN_TOPIC_OR_PARTITION", RefreshMetadata, "Not hosted or absent";
    InvalidFetchSize = 4, "INVALID_FETCH_SIZE", Never, "Legacy";
    LeaderNotAvailable = 5, "LEADER_NOT_AVAILABLE", RefreshMetadata, "Election under way";
    NotLeaderOrFollower = 6, "NOT_LEADER_OR_FOLLOWER", RefreshMetadata, "Wrong broker";
    RequestTimedOut = 7, "REQUEST_TIMED_OUT", Retriable, "Ack or op deadline";
    BrokerNotAvailable = 8, "BROKER_NOT_AVAILABLE", Never, "Broker missing";
    ReplicaNotAvailable = 9, "REPLICA_NOT_AVAILABLE", RefreshMetadata, "Replica missing";
    MessageTooLarge = 10, "MESSAGE_TOO_LARGE", Never, "Over max.message.bytes";
    StaleControllerEpoch = 11, "STALE_CONTROLLER_EPOCH", Never, "Old controller";
    OffsetMetadataTooLarge = 12, "OFFSET_METADATA_TOO_LARGE", Never, "Commit metadata too long";
    NetworkException = 13, "NETWORK_EXCEPTION", RefreshMetadata, "Client-side disconnect";
    CoordinatorLoadInProgress = 14, "COORDINATOR_LOAD_IN_PROGRESS", Retriable, "State loading";
    CoordinatorNotAvailable = 15, "COORDINATOR_NOT_AVAILABLE", Retriable, "No coordinator yet";
    NotCoordinator = 16, "NOT_COORDINATOR", Retriable, "Moved; re-find";
    InvalidTopicException = 17, "INVALID_TOPIC_EXCEPTION", Never, "Bad or forbidden name";
    RecordListTooLarge = 18, "RECORD_LIST_TOO_LARGE", Never, "Over segment.bytes";
    NotEnoughReplicas = 19, "NOT_ENOUGH_REPLICAS", Retriable, "ISR short before append";
    NotEnoughReplicasAfterAppend = 20, "NOT_ENOUGH_REPLICAS_AFTER_APPEND", Retriable, "ISR short after append";
    InvalidRequiredAcks = 21, "INVALID_REQUIRED_ACKS", Never, "Acks not −1/0/1";
    IllegalGeneration = 22, "ILLEGAL_GENERATION", Never, "Stale generation";
    InconsistentGroupProtocol = 23, "INCONSISTENT_GROUP_PROTOCOL", Never, "No common protocol";
    InvalidGroupId = 24, "INVALID_GROUP_ID", Never, "Empty id";
    UnknownMemberId = 25, "UNKNOWN_MEMBER_ID", Never, "Not a member";
    InvalidSessionTimeout = 26, "INVALID_SESSION_TIMEOUT", Never, "Outside bounds";
    RebalanceInProgress = 27, "REBALANCE_IN_PROGRESS", Never, "Rejoin";
    InvalidCommitOffsetSize = 28, "INVALID_COMMIT_OFFSET_SIZE", Never, "Offset record too big";
    TopicAuthorizationFailed = 29, "TOPIC_AUTHORIZATION_FAILED", Never, "ACL";
    GroupAuthorizationFailed = 30, "GROUP_AUTHORIZATION_FAILED", Never, "ACL";
    ClusterAuthorizationFailed = 31, "CLUSTER_AUTHORIZATION_FAILED", Never, "ACL";
    InvalidTimestamp = 32, "INVALID_TIMESTAMP", Never, "Outside allowed window";
    UnsupportedSaslMechanism = 33, "UNSUPPORTED_SASL_MECHANISM", Never, "Handshake";
    IllegalSaslState = 34, "ILLEGAL_SASL_STATE", Never, "Wrong auth phase";
    UnsupportedVersion = 35, "UNSUPPORTED_VERSION", Never, "Version or content unsupported";
    TopicAlreadyExists = 36, "TOPIC_ALREADY_EXISTS", Never, "Create";
    InvalidPartitions = 37, "INVALID_PARTITIONS", Never, "Bad count";
    InvalidReplicationFactor = 38, "INVALID_REPLICATION_FACTOR", Never, "Bad RF";
    InvalidReplicaAssignment = 39, "INVALID_REPLICA_ASSIGNMENT", Never, "Bad manual assignment";
    InvalidConfig = 40, "INVALID_CONFIG", Never, "Bad key or value";
    NotController = 41, "NOT_CONTROLLER", Retriable, "Wrong node";
    InvalidRequest = 42, "INVALID_REQUEST", Never, "Malformed semantics";
    UnsupportedForMessageFormat = 43, "UNSUPPORTED_FOR_MESSAGE_FORMAT", Never, "Old log format";
    PolicyViolation = 44, "POLICY_VIOLATION", Never, "Policy refused";
    OutOfOrderSequenceNumber = 45, "OUT_OF_ORDER_SEQUENCE_NUMBER", Never, "Sequence gap";
    DuplicateSequenceNumber = 46, "DUPLICATE_SEQUENCE_NUMBER", Never, "Old duplicate (historic)";
    InvalidProducerEpoch = 47, "INVALID_PRODUCER_EPOCH", Never, "Old epoch (Produce)";
    InvalidTxnState = 48, "INVALID_TXN_STATE", Never, "Operation illegal in state";
    InvalidProducerIdMapping = 49, "INVALID_PRODUCER_ID_MAPPING", Never, "TxId/pid mismatch";
    InvalidTransactionTimeout = 50, "INVALID_TRANSACTION_TIMEOUT", Never, "Over broker max";
    ConcurrentTransactions = 51, "CONCURRENT_TRANSACTIONS", Retriable, "Previous txn completing";
    TransactionCoordinatorFenced = 52, "TRANSACTION_COORDINATOR_FENCED", Never, "Old coordinator epoch";
    TransactionalIdAuthorizationFailed = 53, "TRANSACTIONAL_ID_AUTHORIZATION_FAILED", Never, "ACL";
    SecurityDisabled = 54, "SECURITY_DISABLED", Never, "No authorizer";
    OperationNotAttempted = 55, "OPERATION_NOT_ATTEMPTED", Never, "Sibling item failed";
    KafkaStorageError = 56, "KAFKA_STORAGE_ERROR", RefreshMetadata, "Disk failed";
    LogDirNotFound = 57, "LOG_DIR_NOT_FOUND", Never, "Unknown dir";
    SaslAuthenticationFailed = 58, "SASL_AUTHENTICATION_FAILED", Never, "Bad credentials";
    UnknownProducerId = 59, "UNKNOWN_PRODUCER_ID", Never, "No producer state (historic)";
    ReassignmentInProgress = 60, "REASSIGNMENT_IN_PROGRESS", Never, "Partition moving";
    DelegationTokenAuthDisabled = 61, "DELEGATION_TOKEN_AUTH_DISABLED", Never, "Feature off";
    DelegationTokenNotFound = 62, "DELEGATION_TOKEN_NOT_FOUND", Never, "Unknown token";
    DelegationTokenOwnerMismatch = 63, "DELEGATION_TOKEN_OWNER_MISMATCH", Never, "Not owner/renewer";
    DelegationTokenRequestNotAllowed = 64, "DELEGATION_TOKEN_REQUEST_NOT_ALLOWED", Never, "Channel not allowed";
    DelegationTokenAuthorizationFailed = 65, "DELEGATION_TOKEN_AUTHORIZATION_FAILED", Never, "ACL";
    DelegationTokenExpired = 66, "DELEGATION_TOKEN_EXPIRED", Never, "Expired";
    InvalidPrincipalType = 67, "INVALID_PRINCIPAL_TYPE", Never, "Only User";
    NonEmptyGroup = 68, "NON_EMPTY_GROUP", Never, "Members present";
    GroupIdNotFound = 69, "GROUP_ID_NOT_FOUND", Never, "No such group";
    FetchSessionIdNotFound = 70, "FETCH_SESSION_ID_NOT_FOUND", Retriable, "Session evicted";
    InvalidFetchSessionEpoch = 71, "INVALID_FETCH_SESSION_EPOCH", Retriable, "Session out of step";
    ListenerNotFound = 72, "LISTENER_NOT_FOUND", RefreshMetadata, "Leader lacks listener";
    TopicDeletionDisabled = 73, "TOPIC_DELETION_DISABLED", Never, "Config";
    FencedLeaderEpoch = 74, "FENCED_LEADER_EPOCH", RefreshMetadata, "Client epoch old";
    UnknownLeaderEpoch = 75, "UNKNOWN_LEADER_EPOCH", Retriable, "Client epoch ahead";
    UnsupportedCompressionType = 76, "UNSUPPORTED_COMPRESSION_TYPE", Never, "Zstd on old version";
    StaleBrokerEpoch = 77, "STALE_BROKER_EPOCH", Never, "Old broker incarnation";
    OffsetNotAvailable = 78, "OFFSET_NOT_AVAILABLE", Retriable, "HW catching up";
    MemberIdRequired = 79, "MEMBER_ID_REQUIRED", Never, "Rejoin with given id";
    PreferredLeaderNotAvailable = 80, "PREFERRED_LEADER_NOT_AVAILABLE", RefreshMetadata, "Election failed";
    GroupMaxSizeReached = 81, "GROUP_MAX_SIZE_REACHED", Never, "Group full";
    FencedInstanceId = 82, "FENCED_INSTANCE_ID", Never, "Static id taken over";
    EligibleLeadersNotAvailable = 83, "ELIGIBLE_LEADERS_NOT_AVAILABLE", RefreshMetadata, "No live candidate";
    ElectionNotNeeded = 84, "ELECTION_NOT_NEEDED", RefreshMetadata, "Already leader";
    NoReassignmentInProgress = 85, "NO_REASSIGNMENT_IN_PROGRESS", Never, "Cancel of nothing";
    GroupSubscribedToTopic = 86, "GROUP_SUBSCRIBED_TO_TOPIC", Never, "Offset delete refused";
    InvalidRecord = 87, "INVALID_RECORD", Never, "Record validation";
    UnstableOffsetCommit = 88, "UNSTABLE_OFFSET_COMMIT", Retriable, "Pending txn offsets";
    ThrottlingQuotaExceeded = 89, "THROTTLING_QUOTA_EXCEEDED", Retriable, "Mutation/telemetry quota";
    ProducerFenced = 90, "PRODUCER_FENCED", Never, "Newer epoch exists (txn APIs)";
    ResourceNotFound = 91, "RESOURCE_NOT_FOUND", Never, "No such entity";
    DuplicateResource = 92, "DUPLICATE_RESOURCE", Never, "Listed twice";
    UnacceptableCredential = 93, "UNACCEPTABLE_CREDENTIAL", Never, "SCRAM rules";
    InconsistentVoterSet = 94, "INCONSISTENT_VOTER_SET", Never, "KRaft";
    InvalidUpdateVersion = 95, "INVALID_UPDATE_VERSION", Never, "Bad version/level";
    FeatureUpdateFailed = 96, "FEATURE_UPDATE_FAILED", Never, "Finalize failed";
    PrincipalDeserializationFailure = 97, "PRINCIPAL_DESERIALIZATION_FAILURE", Never, "Envelope";
    SnapshotNotFound = 98, "SNAPSHOT_NOT_FOUND", Never, "KRaft";
    PositionOutOfRange = 99, "POSITION_OUT_OF_RANGE", Never, "Snapshot position";
    UnknownTopicId = 100, "UNKNOWN_TOPIC_ID", RefreshMetadata, "Id not hosted";
    DuplicateBrokerRegistration = 101, "DUPLICATE_BROKER_REGISTRATION", Never, "Broker id in use";
    BrokerIdNotRegistered = 102, "BROKER_ID_NOT_REGISTERED", Never, "Unknown broker";
    InconsistentTopicId = 103, "INCONSISTENT_TOPIC_ID", RefreshMetadata, "Log id differs";
    InconsistentClusterId = 104, "INCONSISTENT_CLUSTER_ID", Never, "Wrong cluster";
    TransactionalIdNotFound = 105, "TRANSACTIONAL_ID_NOT_FOUND", Never, "Describe";
    FetchSessionTopicIdError = 106, "FETCH_SESSION_TOPIC_ID_ERROR", Retriable, "Ids and names mixed";
    IneligibleReplica = 107, "INELIGIBLE_REPLICA", Never, "Cannot join ISR";
    NewLeaderElected = 108, "NEW_LEADER_ELECTED", Never, "AlterPartition outcome";
    OffsetMovedToTieredStorage = 109, "OFFSET_MOVED_TO_TIERED_STORAGE", Never, "Follower must use tier";
    FencedMemberEpoch = 110, "FENCED_MEMBER_EPOCH", Never, "Rejoin at epoch 0";
    UnreleasedInstanceId = 111, "UNRELEASED_INSTANCE_ID", Never, "Instance in use";
    UnsupportedAssignor = 112, "UNSUPPORTED_ASSIGNOR", Never, "Name unknown";
    StaleMemberEpoch = 113, "STALE_MEMBER_EPOCH", Never, "Refresh epoch, retry";
    MismatchedEndpointType = 114, "MISMATCHED_ENDPOINT_TYPE", Never, "Wrong listener kind";
    UnsupportedEndpointType = 115, "UNSUPPORTED_ENDPOINT_TYPE", Never, "Unknown kind";
    UnknownControllerId = 116, "UNKNOWN_CONTROLLER_ID", Never, "Not registered";
    UnknownSubscriptionId = 117, "UNKNOWN_SUBSCRIPTION_ID", Never, "Telemetry id stale";
    TelemetryTooLarge = 118, "TELEMETRY_TOO_LARGE", Never, "Payload over limit";
    InvalidRegistration = 119, "INVALID_REGISTRATION", Never, "Bad registration";
    TransactionAbortable = 120, "TRANSACTION_ABORTABLE", Never, "Abort, then continue";
    InvalidRecordState = 121, "INVALID_RECORD_STATE", Never, "Bad share ack";
    ShareSessionNotFound = 122, "SHARE_SESSION_NOT_FOUND", Retriable, "Share session gone";
    InvalidShareSessionEpoch = 123, "INVALID_SHARE_SESSION_EPOCH", Retriable, "Share session step";
    FencedStateEpoch = 124, "FENCED_STATE_EPOCH", Never, "Old share state epoch";
    InvalidVoterKey = 125, "INVALID_VOTER_KEY", Never, "Voter id/dir mismatch";
    DuplicateVoter = 126, "DUPLICATE_VOTER", Never, "Already voter";
    VoterNotFound = 127, "VOTER_NOT_FOUND", Never, "Not a voter";
    InvalidRegularExpression = 128, "INVALID_REGULAR_EXPRESSION", Never, "Bad RE2 pattern";
    RebootstrapRequired = 129, "REBOOTSTRAP_REQUIRED", Never, "Use bootstrap list again";
    StreamsInvalidTopology = 130, "STREAMS_INVALID_TOPOLOGY", Never, "KIP-1071";
    StreamsInvalidTopologyEpoch = 131, "STREAMS_INVALID_TOPOLOGY_EPOCH", Never, "KIP-1071";
    StreamsTopologyFenced = 132, "STREAMS_TOPOLOGY_FENCED", Never, "KIP-1071";
    ShareSessionLimitReached = 133, "SHARE_SESSION_LIMIT_REACHED", Retriable, "Too many share sessions";
}

impl ErrorCode {
    /// True for everything but [`ErrorCode::None`].
    pub const fn is_error(self) -> bool {
        !matches!(self, ErrorCode::None)
    }

    /// True where the Java client would send the request again by itself.
    pub const fn is_retriable(self) -> bool {
        !matches!(self.retry(), Retry::Never)
    }
}

impl std::fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({}): {}", self.name(), self.code(), self.meaning())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_found_by_its_number_and_no_other() {
        for &code in ErrorCode::ALL {
            assert_eq!(ErrorCode::from_code(code.code()), Some(code));
        }
        assert_eq!(ErrorCode::from_code(134), None);
        assert_eq!(ErrorCode::from_code(-2), None);
        assert_eq!(ErrorCode::ALL.len(), 135);
    }

    #[test]
    fn retriable_follows_the_java_exceptions() {
        assert!(ErrorCode::NotLeaderOrFollower.is_retriable());
        assert_eq!(ErrorCode::RequestTimedOut.retry(), Retry::Retriable);
        assert!(!ErrorCode::TopicAuthorizationFailed.is_retriable());
        assert!(!ErrorCode::None.is_error());
    }
}
