//! The reference page, written from the table.

/// The text of `docs/configuration.md`.
pub fn reference_markdown() -> String {
    String::new()
}
