//! Criterion benches live in this package; see `cargo xtask bench`.
