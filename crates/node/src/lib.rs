//! The Headwater broker without sockets, threads or clock: API table, handlers, partitions, sessions
