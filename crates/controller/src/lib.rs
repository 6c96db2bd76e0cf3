//! The Raft quorum that decides a Headwater cluster's metadata.
