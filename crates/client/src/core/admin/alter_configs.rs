//! IncrementalAlterConfigs.

use super::{ConfigResource, ConfigResourceKind, text};
use crate::core::operation::{Answers, Operation, controller_advice};
use crate::core::{Advice, Destination, Refusal, Subject};
use headwater_protocol::Request;
use headwater_protocol::messages::incremental_alter_configs::{
    AlterConfigsResource, AlterableConfig, IncrementalAlterConfigsRequest,
    IncrementalAlterConfigsResponse,
};
use std::collections::BTreeMap;

/// What happens to one config.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigOperation {
    /// It gets this value.
    Set(String),
    /// It loses its value, and what lies beneath shows.
    Delete,
    /// These items join its list, unless they are in it.
    Append(String),
    /// These items leave its list.
    Subtract(String),
}

impl ConfigOperation {
    fn code(&self) -> i8 {
        match self {
            Self::Set(_) => 0,
            Self::Delete => 1,
            Self::Append(_) => 2,
            Self::Subtract(_) => 3,
        }
    }

    fn value(&self) -> Option<&str> {
        match self {
            Self::Set(value) | Self::Append(value) | Self::Subtract(value) => Some(value),
            Self::Delete => None,
        }
    }
}

/// One config of a thing with what happens to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigChange {
    /// The config's name.
    pub name: String,
    /// What happens to it.
    pub operation: ConfigOperation,
}

/// Changes some configs of things and leaves the others alone.
#[derive(Clone, Debug, Default)]
pub struct AlterConfigs {
    /// The changes for each thing: all of them happen, or none.
    pub resources: BTreeMap<ConfigResource, Vec<ConfigChange>>,
    /// Check everything, change nothing.
    pub validate_only: bool,
}

impl Operation for AlterConfigs {
    type Key = ConfigResource;
    type Value = ();
    type Request = IncrementalAlterConfigsRequest;

    fn keys(&self) -> Vec<ConfigResource> {
        self.resources.keys().cloned().collect()
    }

    fn subject(&self, key: &ConfigResource) -> Subject {
        key.subject()
    }

    fn destination(&self, key: &ConfigResource) -> Destination {
        key.own_broker_or(Destination::Controller)
    }

    fn request(
        &self,
        keys: &[ConfigResource],
        _version: i16,
    ) -> Result<IncrementalAlterConfigsRequest, &'static str> {
        let alterable = |change: &ConfigChange| AlterableConfig {
            name: text(&change.name),
            config_operation: change.operation.code(),
            value: change.operation.value().map(text),
            ..Default::default()
        };
        let resources = keys
            .iter()
            .filter_map(|key| self.resources.get_key_value(key))
            .map(|(resource, changes)| AlterConfigsResource {
                resource_type: resource.kind.code(),
                resource_name: text(&resource.name),
                configs: changes.iter().map(alterable).collect(),
                ..Default::default()
            })
            .collect();
        Ok(IncrementalAlterConfigsRequest {
            resources,
            validate_only: self.validate_only,
            ..Default::default()
        })
    }

    fn answered(
        &self,
        _keys: &[ConfigResource],
        response: IncrementalAlterConfigsResponse,
        _version: i16,
    ) -> Answers<Self> {
        let api = IncrementalAlterConfigsRequest::KEY;
        response
            .responses
            .into_iter()
            .filter_map(|result| {
                let kind = ConfigResourceKind::from_code(result.resource_type)?;
                let key = ConfigResource { kind, name: result.resource_name.to_string() };
                let message = result.error_message.as_deref();
                let subject = || key.subject();
                let refusal = Refusal::from_code(api, subject, result.error_code, message);
                Some((key, refusal.map_or(Ok(()), Err)))
            })
            .collect()
    }

    fn throttle_ms(&self, response: &IncrementalAlterConfigsResponse) -> i32 {
        response.throttle_time_ms
    }

    fn advice(&self, refusal: &Refusal) -> Advice {
        controller_advice(refusal)
    }
}
