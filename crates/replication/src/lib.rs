//! A partition's leader and follower as state machines without I/O.
