//! Which brokers hold which partition, as Kafka's own tools spell it: `1:2,2:3` puts partition 0
//! on brokers 1 and 2, partition 1 on brokers 2 and 3; the first of each is the preferred leader.

use headwater_types::BrokerId;

/// The brokers of each partition, in the order of the partitions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment(pub Vec<Vec<BrokerId>>);

impl std::str::FromStr for Assignment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let broker = |id: &str| match id.trim().parse() {
            Ok(id) if id >= 0 => Ok(BrokerId(id)),
            _ => Err(format!("{id:?} is no broker id; write 1:2,2:3 for two partitions")),
        };
        let partition = |ids: &str| {
            let brokers = ids.split(':').map(broker).collect::<Result<Vec<_>, _>>()?;
            let mut sorted = brokers.clone();
            sorted.sort();
            sorted.dedup();
            if sorted.len() < brokers.len() {
                return Err(format!("{ids:?} names a broker twice"));
            }
            Ok(brokers)
        };
        text.split(',').map(partition).collect::<Result<_, _>>().map(Assignment)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_stand_between_commas_and_brokers_between_colons() {
        let brokers = |ids: &[i32]| ids.iter().map(|&id| BrokerId(id)).collect::<Vec<_>>();
        assert_eq!("1:2,3".parse(), Ok(Assignment(vec![brokers(&[1, 2]), brokers(&[3])])));
        for text in ["", "1,", "a", "-1", "1:1", "1;2"] {
            assert!(text.parse::<Assignment>().is_err(), "{text}");
        }
    }
}
