//! Tagged fields that the schema does not know: kept, and written again (KIP-482).

use bytes::Bytes;

/// The tagged fields of a struct that its schema does not name, in the order of their tags.
///
/// Takes the size of a pointer: nearly every struct of every message has none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaggedFields(
    #[allow(clippy::box_collection, reason = "an empty one must be small")]
    Option<Box<Vec<(u32, Bytes)>>>,
);

impl TaggedFields {
    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.iter().len()
    }

    /// The bytes of a field.
    pub fn get(&self, tag: u32) -> Option<&Bytes> {
        self.iter().find(|(known, _)| *known == tag).map(|(_, value)| value)
    }

    /// Sets the bytes of a field.
    pub fn insert(&mut self, tag: u32, value: Bytes) {
        let fields = self.0.get_or_insert_default();
        match fields.binary_search_by_key(&tag, |(known, _)| *known) {
            Ok(at) => {
                if let Some(field) = fields.get_mut(at) {
                    field.1 = value;
                }
            }
            Err(at) => fields.insert(at, (tag, value)),
        }
    }

    /// The fields in the order of their tags.
    pub fn iter(&self) -> std::slice::Iter<'_, (u32, Bytes)> {
        self.0.as_ref().map(|fields| fields.iter()).unwrap_or_default()
    }

    /// Adds a field whose tag is above all others.
    pub(super) fn push(&mut self, tag: u32, value: Bytes) {
        self.0.get_or_insert_default().push((tag, value));
    }
}

impl<'a> IntoIterator for &'a TaggedFields {
    type Item = &'a (u32, Bytes);
    type IntoIter = std::slice::Iter<'a, (u32, Bytes)>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
