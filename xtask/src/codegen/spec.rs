//! The model of one file of the notation.

/// Versions from `first` to `last`, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Versions {
    pub(super) first: i16,
    pub(super) last: i16,
}

impl Versions {
    pub(super) fn covers(self, other: Versions) -> bool {
        self.first <= other.first && other.last <= self.last
    }

    pub(super) fn contains(self, version: i16) -> bool {
        (self.first..=self.last).contains(&version)
    }
}

/// A file: an API with its request and response, or data that is kept inside other messages.
#[derive(Debug)]
pub(super) struct Spec {
    /// The Rust module.
    pub(super) module: String,
    /// Number and name of the API.
    pub(super) api: Option<(i16, String)>,
    pub(super) messages: Vec<MessageSpec>,
    /// Structs that are used in several places.
    pub(super) shared: Vec<Struct>,
}

#[derive(Debug)]
pub(super) struct MessageSpec {
    pub(super) versions: Versions,
    pub(super) flexible_from: Option<i16>,
    pub(super) body: Struct,
}

#[derive(Debug)]
pub(super) struct Struct {
    pub(super) name: String,
    /// The versions in which it occurs.
    pub(super) versions: Versions,
    pub(super) fields: Vec<Field>,
}

#[derive(Debug)]
pub(super) struct Field {
    /// Kafka's spelling.
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) versions: Versions,
    /// The versions in which it may be null.
    pub(super) nullable: Option<Versions>,
    pub(super) tag: Option<u32>,
    /// The default as spelled; none where it is zero, empty or false.
    pub(super) default: Option<String>,
    /// Whether a value may be dropped silently in versions without the field.
    pub(super) ignorable: bool,
    /// The struct that is defined in this place.
    pub(super) inline: Option<Struct>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Bool,
    Int8,
    Int16,
    Uint16,
    Int32,
    Uint32,
    Int64,
    Float64,
    Uuid,
    String,
    Bytes,
    Records,
    Struct(String),
    Array(Box<Kind>),
}

impl Spec {
    /// Every struct of the file, messages first, those defined inside another one after it.
    pub(super) fn structs(&self) -> Vec<&Struct> {
        fn with_inner<'a>(one: &'a Struct, all: &mut Vec<&'a Struct>) {
            all.push(one);
            for inner in one.fields.iter().filter_map(|field| field.inline.as_ref()) {
                with_inner(inner, all);
            }
        }
        let mut all = Vec::new();
        for message in &self.messages {
            with_inner(&message.body, &mut all);
        }
        for shared in &self.shared {
            with_inner(shared, &mut all);
        }
        all
    }

    /// Whether any message of the file has flexible versions.
    pub(super) fn has_flexible(&self) -> bool {
        self.messages.iter().any(|message| message.flexible_from.is_some())
    }

    /// Whether all lengths of the struct's message are compact at `version`.
    pub(super) fn flexible_at(&self, version: i16) -> bool {
        // Request and response of an API become flexible together.
        self.messages
            .iter()
            .any(|message| message.flexible_from.is_some_and(|from| version >= from))
    }
}
