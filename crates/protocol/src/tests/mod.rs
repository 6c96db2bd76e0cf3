//! Tests that go through every message at every version.

mod differential;
mod frames;
mod hostile;
mod noise;
mod round_trip;
