//! How a partition's state changes: its in-sync set, its eligible leaders (KIP-966), its leader.
//!
//! Every change of a partition goes through [`Transition`], so that the rules of KIP-966 stand in
//! one place: as long as fewer than `min.insync.replicas` are in sync, those who left stay
//! eligible as leaders, for no record was acknowledged since; the in-sync set may become empty.

use crate::image::PartitionImage;
use headwater_types::{BrokerId, DirectoryId, LeaderEpoch};

/// Who may be elected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Election {
    /// Stay with the leader where it may lead, else anyone who has all acknowledged records.
    Online,
    /// The preferred replica where it may lead, else as `Online`.
    Preferred,
    /// As `Online`, else anyone alive; acknowledged records may be lost.
    Unclean,
}

/// A change of one partition's state in the making.
pub(super) struct Transition<'a> {
    /// The state it begins with.
    pub(super) partition: &'a PartitionImage,
    /// The new in-sync set, before an election touches it.
    pub(super) isr: Vec<BrokerId>,
    /// Who may lead at all: alive, and the folder with the replica too.
    pub(super) can_lead: &'a dyn Fn(BrokerId) -> bool,
    /// Who may be elected.
    pub(super) election: Election,
    /// `min.insync.replicas` of the topic.
    pub(super) min_in_sync: usize,
    /// Who lost what it had not synced: it is eligible no more.
    pub(super) unclean_stop: Option<BrokerId>,
    /// Whether the leader recovers from an unclean election.
    pub(super) leader_recovering: bool,
    /// A new folder of one replica.
    pub(super) directory: Option<(BrokerId, DirectoryId)>,
    /// The leader's epoch goes up even if it stays: it is another incarnation.
    pub(super) restart_leader: bool,
}

impl<'a> Transition<'a> {
    /// A change that changes nothing yet.
    pub(super) fn new(
        partition: &'a PartitionImage,
        min_in_sync: usize,
        can_lead: &'a dyn Fn(BrokerId) -> bool,
    ) -> Self {
        Self {
            partition,
            isr: partition.isr.clone(),
            can_lead,
            election: Election::Online,
            min_in_sync,
            unclean_stop: None,
            leader_recovering: partition.leader_recovering,
            directory: None,
            restart_leader: false,
        }
    }

    /// The new state; `None` where nothing changes.
    pub(super) fn finish(self) -> Option<PartitionImage> {
        let old = self.partition;
        let mut new = old.clone();
        new.leader_recovering = self.leader_recovering;
        new.isr.clone_from(&self.isr);
        new.elr = self.eligible();
        match self.elect(&new) {
            Elected { leader: None, .. } => new.leader = None,
            Elected { leader: Some(leader), unclean } => {
                new.leader = Some(leader);
                if unclean {
                    // Everything that others have beyond this one's log is given up.
                    new.isr = vec![leader];
                    new.elr = Vec::new();
                    new.leader_recovering = true;
                } else if let Some(place) = new.elr.iter().position(|&id| id == leader) {
                    new.elr.remove(place);
                    new.isr = vec![leader];
                }
            }
        }
        new.last_known_elr = match (new.leader, old.leader) {
            (Some(_), _) => Vec::new(),
            (None, Some(last)) if new.isr.is_empty() => vec![last],
            (None, _) => old.last_known_elr.clone(),
        };
        if let Some((broker, directory)) = self.directory {
            let places = new.replicas.iter().zip(new.directories.iter_mut());
            for (_, place) in places.filter(|(replica, _)| **replica == broker) {
                *place = directory;
            }
        }
        if new == *old && !self.restart_leader {
            return None;
        }
        if new.leader != old.leader || self.restart_leader {
            new.leader_epoch = LeaderEpoch(old.leader_epoch.0.saturating_add(1));
        }
        new.partition_epoch = old.partition_epoch.saturating_add(1);
        Some(new)
    }

    /// The eligible leader replicas that go with the new in-sync set.
    fn eligible(&self) -> Vec<BrokerId> {
        let enough = self.min_in_sync.min(self.partition.replicas.len());
        if self.isr.len() >= enough {
            return Vec::new();
        }
        let candidates = self.partition.elr.iter().chain(&self.partition.isr);
        let mut eligible: Vec<BrokerId> = candidates
            .copied()
            .filter(|id| !self.isr.contains(id) && self.unclean_stop != Some(*id))
            .collect();
        eligible.sort_unstable();
        eligible.dedup();
        eligible
    }

    fn elect(&self, new: &PartitionImage) -> Elected {
        let may_lead = |id: BrokerId| {
            let has_all = new.isr.contains(&id) || (new.isr.is_empty() && new.elr.contains(&id));
            has_all && (self.can_lead)(id)
        };
        let clean = |leader| Elected { leader: Some(leader), unclean: false };
        let replicas = &self.partition.replicas;
        let preferred = replicas.first().copied().filter(|_| self.election == Election::Preferred);
        let ranked = preferred.into_iter().chain(self.partition.leader).chain(replicas.clone());
        if let Some(leader) = ranked.into_iter().find(|&id| may_lead(id)) {
            return clean(leader);
        }
        // KIP-966: the last leader may come back where nobody else has a claim.
        if new.isr.is_empty()
            && new.elr.is_empty()
            && let [last] = self.partition.last_known_elr.as_slice()
            && (self.can_lead)(*last)
        {
            return Elected { leader: Some(*last), unclean: true };
        }
        if self.election == Election::Unclean
            && let Some(&leader) = replicas.iter().find(|&&id| (self.can_lead)(id))
        {
            return Elected { leader: Some(leader), unclean: true };
        }
        Elected { leader: None, unclean: false }
    }
}

/// The outcome of an election.
struct Elected {
    leader: Option<BrokerId>,
    unclean: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn partition(replicas: &[i32], isr: &[i32], leader: i32) -> PartitionImage {
        let ids = |ids: &[i32]| ids.iter().map(|&id| BrokerId(id)).collect::<Vec<_>>();
        PartitionImage {
            replicas: ids(replicas),
            directories: vec![DirectoryId::ZERO; replicas.len()],
            isr: ids(isr),
            leader: (leader >= 0).then_some(BrokerId(leader)),
            ..PartitionImage::default()
        }
    }

    fn without(partition: &PartitionImage, gone: i32, min_in_sync: usize) -> PartitionImage {
        let can_lead = |id: BrokerId| id.0 != gone;
        let mut transition = Transition::new(partition, min_in_sync, &can_lead);
        transition.isr.retain(|id| id.0 != gone);
        transition.finish().unwrap()
    }

    #[test]
    fn whoever_leaves_a_small_in_sync_set_stays_eligible() {
        let start = partition(&[1, 2, 3], &[1, 2, 3], 1);
        let one = without(&start, 1, 2);
        assert_eq!((one.leader, one.isr.len(), one.elr.len()), (Some(BrokerId(2)), 2, 0));
        let two = without(&one, 2, 2);
        assert_eq!(
            (two.leader, &two.isr, &two.elr),
            (Some(BrokerId(3)), &vec![BrokerId(3)], &vec![BrokerId(2)])
        );
        let can_lead = |_: BrokerId| false;
        let mut last = Transition::new(&two, 2, &can_lead);
        last.isr.clear();
        let none = last.finish().unwrap();
        assert_eq!(none.leader, None);
        assert_eq!(none.elr, [BrokerId(2), BrokerId(3)]);
        assert_eq!(none.last_known_elr, [BrokerId(3)]);
        assert_eq!((none.leader_epoch, none.partition_epoch), (LeaderEpoch(3), 3));

        let can_lead = |id: BrokerId| id.0 == 2;
        let back = Transition::new(&none, 2, &can_lead).finish().unwrap();
        assert_eq!(back.leader, Some(BrokerId(2)));
        assert_eq!((back.isr, back.elr), (vec![BrokerId(2)], vec![BrokerId(3)]));
        assert!(!back.leader_recovering, "2 has every acknowledged record");
        assert!(back.last_known_elr.is_empty());
    }

    #[test]
    fn nobody_is_elected_uncleanly_unless_asked_for() {
        let mut lost = partition(&[1, 2], &[1], 1);
        lost = without(&lost, 1, 1);
        assert_eq!((lost.leader, &lost.elr), (None, &vec![BrokerId(1)]));
        let can_lead = |id: BrokerId| id.0 == 2;
        assert!(Transition::new(&lost, 1, &can_lead).finish().is_none());
        let mut transition = Transition::new(&lost, 1, &can_lead);
        transition.election = Election::Unclean;
        let unclean = transition.finish().unwrap();
        assert_eq!((unclean.leader, unclean.isr), (Some(BrokerId(2)), vec![BrokerId(2)]));
        assert!(unclean.leader_recovering && unclean.elr.is_empty());
    }

    #[test]
    fn the_preferred_replica_takes_over_when_it_is_in_sync() {
        let start = partition(&[1, 2], &[2, 1], 2);
        let can_lead = |_: BrokerId| true;
        assert!(Transition::new(&start, 1, &can_lead).finish().is_none());
        let mut transition = Transition::new(&start, 1, &can_lead);
        transition.election = Election::Preferred;
        assert_eq!(transition.finish().unwrap().leader, Some(BrokerId(1)));
    }
}
