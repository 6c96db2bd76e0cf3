//! How much memory half-received requests may take.
//!
//! A request's length is claimed before its bytes arrive. What is small is read into a buffer that
//! all connections of a worker share. What is larger than [`SMALL_FRAME_MAX`] needs room in a pool
//! first, by the length it claims; what is larger than [`MEDIUM_FRAME_MAX`] needs one of a few
//! places, so that giants, real or claimed, starve only one another. Whoever holds room must send
//! at [`LEAST_RATE_BYTES_PER_S`] or is cut off.

use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Largest frame that needs no room of its own, in bytes.
pub(crate) const SMALL_FRAME_MAX: usize = 64 * 1024;
/// Largest frame that is charged to the pool, in bytes.
pub(crate) const MEDIUM_FRAME_MAX: usize = 2 * 1024 * 1024;
/// Size of the pool, in bytes.
const POOL_BYTES: usize = 128 * 1024 * 1024;
/// How many frames above [`MEDIUM_FRAME_MAX`] may be under way at once.
const GIANTS_MAX: usize = 4;
/// The slowest a sender may be while it holds room.
const LEAST_RATE_BYTES_PER_S: u64 = 256 * 1024;
/// Time that every sender has, however small its frame.
const GRACE_MS: u64 = 30_000;
/// Bytes that one permit of the pool stands for.
const UNIT_BYTES: usize = 1024;

const _: () = assert!(SMALL_FRAME_MAX < MEDIUM_FRAME_MAX && MEDIUM_FRAME_MAX < POOL_BYTES);
const _: () = assert!(POOL_BYTES / UNIT_BYTES < u32::MAX as usize);

/// The pool and the places.
pub(crate) struct FrameBudget {
    pool: Arc<Semaphore>,
    giants: Arc<Semaphore>,
}

impl FrameBudget {
    pub fn new() -> Self {
        Self {
            pool: Arc::new(Semaphore::new(POOL_BYTES / UNIT_BYTES)),
            giants: Arc::new(Semaphore::new(GIANTS_MAX)),
        }
    }

    /// Waits for room for a frame of `length` bytes, first come, first served; `None` where none is
    /// needed.
    pub fn room_for(
        &self,
        length: usize,
    ) -> Option<impl Future<Output = Option<OwnedSemaphorePermit>> + use<>> {
        if length <= SMALL_FRAME_MAX {
            return None;
        }
        let (semaphore, permits) = if length <= MEDIUM_FRAME_MAX {
            (&self.pool, u32::try_from(length.div_ceil(UNIT_BYTES)).unwrap_or(u32::MAX))
        } else {
            (&self.giants, 1)
        };
        let semaphore = Arc::clone(semaphore);
        Some(async move { semaphore.acquire_many_owned(permits).await.ok() })
    }
}

/// How long a frame of `length` bytes may take from its first byte to its last, in ms.
pub(crate) fn frame_time_max_ms(length: usize) -> u64 {
    GRACE_MS + (length as u64).saturating_mul(1000) / LEAST_RATE_BYTES_PER_S
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    fn poll<T>(future: impl Future<Output = T>) -> Option<T> {
        match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(value) => Some(value),
            Poll::Pending => None,
        }
    }

    /// The room, if it is there at once.
    fn room_now(budget: &FrameBudget, length: usize) -> Option<OwnedSemaphorePermit> {
        budget.room_for(length).and_then(poll).flatten()
    }

    #[test]
    fn giants_starve_only_giants() {
        let budget = FrameBudget::new();
        let held: Vec<_> =
            (0..GIANTS_MAX).map(|_| room_now(&budget, 100 << 20).expect("a place")).collect();
        assert!(room_now(&budget, MEDIUM_FRAME_MAX + 1).is_none(), "no fifth giant");
        assert!(room_now(&budget, MEDIUM_FRAME_MAX).is_some());
        assert!(budget.room_for(SMALL_FRAME_MAX).is_none());
        drop(held);
        assert!(room_now(&budget, 100 << 20).is_some(), "a place is free again");
    }

    #[test]
    fn the_pool_is_charged_by_length_and_given_back() {
        let budget = FrameBudget::new();
        let held: Vec<_> = (0..POOL_BYTES / MEDIUM_FRAME_MAX)
            .map(|_| room_now(&budget, MEDIUM_FRAME_MAX).expect("room"))
            .collect();
        assert!(room_now(&budget, SMALL_FRAME_MAX + 1).is_none(), "the pool is used up");
        drop(held);
        assert!(room_now(&budget, SMALL_FRAME_MAX + 1).is_some());
    }

    #[test]
    fn a_larger_frame_may_take_longer() {
        assert_eq!(frame_time_max_ms(0), GRACE_MS);
        assert_eq!(frame_time_max_ms(100 << 20), GRACE_MS + 400_000);
    }
}
