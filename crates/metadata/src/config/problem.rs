//! What is wrong with a config, as the client is told.

use headwater_types::ErrorCode;
use std::fmt;

/// A config that cannot be accepted: Kafka's error code and Kafka's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ConfigProblem {
    /// The code for the response.
    pub code: ErrorCode,
    /// The text for the response.
    pub message: String,
}

impl ConfigProblem {
    /// `INVALID_CONFIG` with this text.
    pub fn invalid(message: impl Into<String>) -> ConfigProblem {
        ConfigProblem { code: ErrorCode::InvalidConfig, message: message.into() }
    }

    /// `INVALID_REQUEST` with this text.
    pub fn request(message: impl Into<String>) -> ConfigProblem {
        ConfigProblem { code: ErrorCode::InvalidRequest, message: message.into() }
    }

    /// `INVALID_CONFIG` for a value that does not fit its config.
    pub fn invalid_value(name: &str, value: impl fmt::Display, why: &str) -> ConfigProblem {
        ConfigProblem::invalid(format!("Invalid value {value} for configuration {name}: {why}"))
    }
}
