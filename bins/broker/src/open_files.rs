//! Raises the limit of open files as far as the system lets us: a broker holds a connection a
//! client and a few files a busy partition, and the usual soft limit of 1024 is soon used up.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Below this the user is warned.
const ENOUGH: u64 = 16_384;

/// Sets the soft limit to the hard one.
pub fn raise_limit() {
    let limit = getrlimit(Resource::Nofile);
    if limit.current == limit.maximum {
        return tell(limit.current);
    }
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => tell(raised.current),
        // Some systems give "unlimited" as the hard limit and refuse it as the soft one.
        Err(error) => tracing::warn!(%error, "the limit of open files cannot be raised"),
    }
}

fn tell(limit: Option<u64>) {
    match limit {
        Some(limit) if limit < ENOUGH => tracing::warn!(
            limit,
            "few open files are allowed; raise the hard limit (ulimit -Hn, LimitNOFILE=) for \
             many connections"
        ),
        limit => tracing::debug!(limit, "open files"),
    }
}
