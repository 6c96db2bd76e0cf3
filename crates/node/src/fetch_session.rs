//! Incremental fetch sessions (KIP-227): a consumer names its partitions once and then only what
//! changed; it is answered only about partitions that have news.
//!
//! Sessions are named by a number that any connection may use, so they live here and not with a
//! connection. The cache has a fixed number of places; where none is free and none was idle for
//! long, a reader gets no session and asks in full each time, which always works.

use bytestring::ByteString;
use headwater_types::{EndOffset, ErrorCode, LeaderEpoch, Offset, TopicId};
use parking_lot::Mutex;
use std::collections::BTreeMap;

/// How long a session must have been idle before another may take its place (Kafka's
/// `min.incremental.fetch.session.eviction.ms`).
pub const IDLE_BEFORE_EVICTION_MS: u64 = 120_000;

/// Partitions that one session may hold; a reader of more asks in full.
pub const SESSION_PARTITIONS_MAX: usize = 50_000;

/// Partitions that all sessions may hold together, about 40 MB of them.
pub const CACHED_PARTITIONS_MAX: usize = 200_000;

const _: () = assert!(SESSION_PARTITIONS_MAX <= CACHED_PARTITIONS_MAX);

/// Asks for no session, or for the end of one.
const FINAL_EPOCH: i32 = -1;
/// Asks for a new session.
const INITIAL_EPOCH: i32 = 0;
/// The id of "no session".
pub const NO_SESSION: i32 = 0;

/// How a fetch names a partition: by topic id from version 13 on, by name before.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FetchKey {
    /// Zero where the request went by name.
    pub topic_id: TopicId,
    /// Empty where the request went by id.
    pub topic_name: ByteString,
    /// The partition's number.
    pub partition: i32,
}

/// What a fetch wants of one partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Which partition.
    pub key: FetchKey,
    /// From where on.
    pub offset: Offset,
    /// How much at most, in bytes.
    pub bytes_max: i32,
    /// The leader epoch the reader believes in, or -1.
    pub current_leader_epoch: LeaderEpoch,
    /// The epoch of the last record the reader has, or -1.
    pub last_fetched_epoch: LeaderEpoch,
}

/// What was last said about a partition; `None` until something was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Said {
    /// The high watermark.
    pub high_watermark: EndOffset,
    /// The first offset.
    pub log_start: Offset,
}

#[derive(Debug)]
struct Cached {
    wanted: Wanted,
    said: Option<Said>,
}

#[derive(Debug)]
struct Session {
    /// What the next request must say.
    next_epoch: i32,
    by_id: bool,
    used_ms: u64,
    /// Place of each partition in `partitions`.
    places: BTreeMap<FetchKey, u64>,
    /// In the order in which they are served; one that was served goes to the end.
    partitions: BTreeMap<u64, Cached>,
    next_place: u64,
}

impl Session {
    fn put(&mut self, wanted: Wanted) {
        if let Some(cached) =
            self.places.get(&wanted.key).and_then(|place| self.partitions.get_mut(place))
        {
            cached.wanted = wanted;
            return;
        }
        self.places.insert(wanted.key.clone(), self.next_place);
        self.partitions.insert(self.next_place, Cached { wanted, said: None });
        self.next_place += 1;
    }

    fn forget(&mut self, key: &FetchKey) {
        if let Some(place) = self.places.remove(key) {
            self.partitions.remove(&place);
        }
    }

    fn move_to_end(&mut self, key: &FetchKey) {
        if let Some(place) = self.places.get_mut(key)
            && let Some(cached) = self.partitions.remove(place)
        {
            *place = self.next_place;
            self.partitions.insert(self.next_place, cached);
            self.next_place += 1;
        }
    }

    fn wanted(&self) -> Vec<Wanted> {
        self.partitions.values().map(|cached| cached.wanted.clone()).collect()
    }
}

/// What a fetch request says about its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionRequest {
    /// The session, or 0.
    pub id: i32,
    /// Its epoch: -1, 0, or what follows the last one.
    pub epoch: i32,
    /// Whether the request names topics by id.
    pub by_id: bool,
}

/// How a fetch is to be answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionPlan {
    /// About all that it names, without a session.
    Full {
        /// What it wants, in its order.
        wanted: Vec<Wanted>,
    },
    /// About all that it names, under a session that was made for it.
    Created {
        /// The session's id.
        id: i32,
        /// What it wants, in its order.
        wanted: Vec<Wanted>,
    },
    /// About what has news.
    Incremental {
        /// The session's id.
        id: i32,
        /// All of the session's partitions, in the order in which they are to be served.
        wanted: Vec<Wanted>,
    },
}

/// All sessions of this broker.
#[derive(Debug)]
pub struct FetchSessions {
    places_max: usize,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    sessions: BTreeMap<i32, Session>,
    /// State of the sequence from which ids are drawn.
    seed: u64,
}

impl FetchSessions {
    /// Room for `places_max` sessions; ids are drawn from `seed`.
    pub fn new(places_max: usize, seed: u64) -> Self {
        Self { places_max, state: Mutex::new(State { sessions: BTreeMap::new(), seed }) }
    }

    /// Takes up a request: finds, makes or closes its session.
    ///
    /// # Errors
    /// `FETCH_SESSION_ID_NOT_FOUND`, `INVALID_FETCH_SESSION_EPOCH` or
    /// `FETCH_SESSION_TOPIC_ID_ERROR`, upon which the client asks in full.
    pub fn begin(
        &self,
        request: SessionRequest,
        named: Vec<Wanted>,
        forgotten: &[FetchKey],
        now_ms: u64,
    ) -> Result<SessionPlan, ErrorCode> {
        let mut state = self.state.lock();
        let cached = state.partitions_count();
        match request.epoch {
            FINAL_EPOCH => {
                state.sessions.remove(&request.id);
                Ok(SessionPlan::Full { wanted: named })
            }
            INITIAL_EPOCH => {
                state.sessions.remove(&request.id);
                Ok(state.create(self.places_max, request.by_id, named, now_ms))
            }
            epoch => {
                let session =
                    state.sessions.get_mut(&request.id).ok_or(ErrorCode::FetchSessionIdNotFound)?;
                if session.next_epoch != epoch {
                    return Err(ErrorCode::InvalidFetchSessionEpoch);
                }
                if session.by_id != request.by_id {
                    return Err(ErrorCode::FetchSessionTopicIdError);
                }
                if session.partitions.len() + named.len() > SESSION_PARTITIONS_MAX
                    || cached + named.len() > CACHED_PARTITIONS_MAX
                {
                    state.sessions.remove(&request.id);
                    return Err(ErrorCode::FetchSessionIdNotFound);
                }
                session.next_epoch = next_epoch(epoch);
                session.used_ms = now_ms;
                for key in forgotten {
                    session.forget(key);
                }
                for wanted in named {
                    session.put(wanted);
                }
                Ok(SessionPlan::Incremental { id: request.id, wanted: session.wanted() })
            }
        }
    }

    /// Whether an incremental answer has to mention a partition: it has records, or an error or
    /// hint (`must`), or what was last said about it is no longer so. Remembers what is said, and
    /// puts a partition that was served behind the others.
    pub fn note(&self, id: i32, key: &FetchKey, said: Said, has_records: bool, must: bool) -> bool {
        let mut state = self.state.lock();
        let Some(session) = state.sessions.get_mut(&id) else { return true };
        let Some(cached) =
            session.places.get(key).and_then(|place| session.partitions.get_mut(place))
        else {
            return true;
        };
        let news = cached.said != Some(said);
        // After an error the next good answer is news, whatever its numbers.
        cached.said = if must { None } else { Some(said) };
        if has_records {
            session.move_to_end(key);
        }
        has_records || must || news
    }

    /// How many sessions there are, and how many partitions they hold together.
    pub fn counts(&self) -> (usize, usize) {
        let state = self.state.lock();
        (state.sessions.len(), state.partitions_count())
    }
}

impl State {
    fn create(
        &mut self,
        places_max: usize,
        by_id: bool,
        wanted: Vec<Wanted>,
        now_ms: u64,
    ) -> SessionPlan {
        if wanted.is_empty() || wanted.len() > SESSION_PARTITIONS_MAX {
            return SessionPlan::Full { wanted };
        }
        let no_place = |state: &Self| {
            state.sessions.len() >= places_max
                || state.partitions_count() + wanted.len() > CACHED_PARTITIONS_MAX
        };
        while no_place(self) {
            if !self.evict_idle(now_ms) {
                return SessionPlan::Full { wanted };
            }
        }
        let id = self.draw_id();
        let mut session = Session {
            next_epoch: next_epoch(INITIAL_EPOCH),
            by_id,
            used_ms: now_ms,
            places: BTreeMap::new(),
            partitions: BTreeMap::new(),
            next_place: 0,
        };
        for one in &wanted {
            session.put(one.clone());
        }
        self.sessions.insert(id, session);
        SessionPlan::Created { id, wanted }
    }

    fn partitions_count(&self) -> usize {
        self.sessions.values().map(|session| session.partitions.len()).sum()
    }

    fn evict_idle(&mut self, now_ms: u64) -> bool {
        let oldest = self.sessions.iter().min_by_key(|(_, session)| session.used_ms);
        let Some((&id, session)) = oldest else { return false };
        let idle = now_ms.saturating_sub(session.used_ms) > IDLE_BEFORE_EVICTION_MS;
        if idle {
            self.sessions.remove(&id);
        }
        idle
    }

    /// An id that is positive and not in use.
    fn draw_id(&mut self) -> i32 {
        loop {
            // The finaliser of splitmix64 over a counter: every value once in 2^64.
            self.seed = self.seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut bits = self.seed;
            bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            let id = ((bits ^ (bits >> 31)) & 0x7fff_ffff) as i32;
            if id != NO_SESSION && !self.sessions.contains_key(&id) {
                return id;
            }
        }
    }
}

fn next_epoch(epoch: i32) -> i32 {
    if epoch == i32::MAX { 1 } else { epoch + 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(partition: i32) -> FetchKey {
        FetchKey { topic_id: TopicId::ZERO, topic_name: ByteString::from_static("t"), partition }
    }

    fn wanted(partition: i32, offset: i64) -> Wanted {
        Wanted {
            key: key(partition),
            offset: Offset(offset),
            bytes_max: 1000,
            current_leader_epoch: LeaderEpoch::NONE,
            last_fetched_epoch: LeaderEpoch::NONE,
        }
    }

    fn request(id: i32, epoch: i32) -> SessionRequest {
        SessionRequest { id, epoch, by_id: false }
    }

    fn created(sessions: &FetchSessions, named: Vec<Wanted>, now_ms: u64) -> i32 {
        match sessions.begin(request(0, 0), named, &[], now_ms) {
            Ok(SessionPlan::Created { id, .. }) => id,
            other => panic!("{other:?}"),
        }
    }

    fn said(high_watermark: i64) -> Said {
        Said { high_watermark: EndOffset(high_watermark), log_start: Offset(0) }
    }

    #[test]
    fn a_session_remembers_adds_and_forgets() {
        let sessions = FetchSessions::new(10, 1);
        let id = created(&sessions, vec![wanted(0, 5), wanted(1, 6)], 0);
        let plan = sessions.begin(request(id, 1), vec![wanted(1, 7), wanted(2, 0)], &[key(0)], 0);
        assert_eq!(
            plan,
            Ok(SessionPlan::Incremental { id, wanted: vec![wanted(1, 7), wanted(2, 0)] })
        );
    }

    #[test]
    fn only_news_is_mentioned() {
        let sessions = FetchSessions::new(10, 1);
        let id = created(&sessions, vec![wanted(0, 0)], 0);
        assert!(sessions.note(id, &key(0), said(5), false, false), "said for the first time");
        assert!(!sessions.note(id, &key(0), said(5), false, false), "nothing new");
        assert!(sessions.note(id, &key(0), said(6), false, false), "the high watermark moved");
        assert!(sessions.note(id, &key(0), said(6), true, false), "records");
        assert!(sessions.note(id, &key(0), said(-1), false, true), "an error");
        assert!(sessions.note(id, &key(0), said(6), false, false), "well again");
    }

    #[test]
    fn who_was_served_goes_behind_the_others() {
        let sessions = FetchSessions::new(10, 1);
        let id = created(&sessions, vec![wanted(0, 0), wanted(1, 0), wanted(2, 0)], 0);
        sessions.note(id, &key(0), said(1), true, false);
        let plan = sessions.begin(request(id, 1), Vec::new(), &[], 0);
        let order = vec![wanted(1, 0), wanted(2, 0), wanted(0, 0)];
        assert_eq!(plan, Ok(SessionPlan::Incremental { id, wanted: order }));
    }

    #[test]
    fn epochs_must_follow_and_wrap_to_one() {
        let sessions = FetchSessions::new(10, 1);
        let id = created(&sessions, vec![wanted(0, 0)], 0);
        let bad = sessions.begin(request(id, 2), Vec::new(), &[], 0);
        assert_eq!(bad, Err(ErrorCode::InvalidFetchSessionEpoch));
        let unknown = sessions.begin(request(id ^ 1, 1), Vec::new(), &[], 0);
        assert_eq!(unknown, Err(ErrorCode::FetchSessionIdNotFound));
        let by_id = SessionRequest { by_id: true, ..request(id, 1) };
        let mixed = sessions.begin(by_id, Vec::new(), &[], 0);
        assert_eq!(mixed, Err(ErrorCode::FetchSessionTopicIdError));
        assert!(sessions.begin(request(id, 1), Vec::new(), &[], 0).is_ok());
        assert_eq!(next_epoch(i32::MAX), 1);
    }

    #[test]
    fn a_closed_session_is_gone() {
        let sessions = FetchSessions::new(10, 1);
        let id = created(&sessions, vec![wanted(0, 0)], 0);
        let full = sessions.begin(request(id, -1), vec![wanted(0, 9)], &[], 0);
        assert_eq!(full, Ok(SessionPlan::Full { wanted: vec![wanted(0, 9)] }));
        assert_eq!(sessions.counts(), (0, 0));
    }

    #[test]
    fn partitions_are_bounded_over_all_sessions() {
        let sessions = FetchSessions::new(1000, 1);
        let many: Vec<_> = (0..SESSION_PARTITIONS_MAX as i32).map(|n| wanted(n, 0)).collect();
        for _ in 0..CACHED_PARTITIONS_MAX / SESSION_PARTITIONS_MAX {
            created(&sessions, many.clone(), 0);
        }
        let declined = sessions.begin(request(0, 0), vec![wanted(0, 0)], &[], 1);
        assert!(matches!(declined, Ok(SessionPlan::Full { .. })));
        created(&sessions, many, IDLE_BEFORE_EVICTION_MS + 1);
    }

    #[test]
    fn the_cache_is_bounded_and_only_the_idle_make_room() {
        let sessions = FetchSessions::new(2, 1);
        let first = created(&sessions, vec![wanted(0, 0)], 0);
        created(&sessions, vec![wanted(0, 0)], 1);
        let declined = sessions.begin(request(0, 0), vec![wanted(0, 0)], &[], 1000);
        assert!(matches!(declined, Ok(SessionPlan::Full { .. })));
        created(&sessions, vec![wanted(0, 0)], IDLE_BEFORE_EVICTION_MS + 1);
        assert_eq!(sessions.counts().0, 2);
        let gone = sessions.begin(request(first, 1), Vec::new(), &[], 0);
        assert_eq!(gone, Err(ErrorCode::FetchSessionIdNotFound));
    }
}
