//! Commands that set configs.

/// Replaces all that is set for some resources (Kafka's older AlterConfigs).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AlterConfigs {
    /// In the order of the request; the reply keeps it. Every operation is taken as
    /// [`ConfigOp::Set`].
    pub resources: Vec<ResourceChanges>,
    /// Checks everything and changes nothing.
    pub validate_only: bool,
}

/// Changes some of what is set for some resources.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IncrementalAlterConfigs {
    /// In the order of the request; the reply keeps it.
    pub resources: Vec<ResourceChanges>,
    /// Checks everything and changes nothing.
    pub validate_only: bool,
}

/// Changes to one resource: all of them or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceChanges {
    /// Which one.
    pub resource: crate::image::ConfigResource,
    /// In the order of the request.
    pub changes: Vec<ConfigChange>,
}

/// A change of one config.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigChange {
    /// The config's name.
    pub name: String,
    /// What to do.
    pub op: ConfigOp,
    /// The operand; null is allowed with [`ConfigOp::Delete`] alone.
    pub value: Option<String>,
}

/// What to do with a config, with Kafka's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i8)]
pub enum ConfigOp {
    /// Sets it.
    Set = 0,
    /// Goes back to the default.
    Delete = 1,
    /// Adds to a list what it does not hold yet.
    Append = 2,
    /// Takes out of a list.
    Subtract = 3,
}

impl ConfigOp {
    /// The operation behind Kafka's number.
    pub const fn from_code(code: i8) -> Option<Self> {
        match code {
            0 => Some(Self::Set),
            1 => Some(Self::Delete),
            2 => Some(Self::Append),
            3 => Some(Self::Subtract),
            _ => None,
        }
    }

    /// As Kafka's messages spell it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Set => "SET",
            Self::Delete => "DELETE",
            Self::Append => "APPEND",
            Self::Subtract => "SUBTRACT",
        }
    }
}
