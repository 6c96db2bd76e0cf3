//! How controllers and brokers of one cluster talk.
