//! What the tests of all decisions share, and the properties that hold for every command.

use super::*;
use crate::command::*;
use headwater_types::{BrokerId, DirectoryId};

/// A broker that wants to register.
pub(crate) fn broker(id: i32) -> RegisterBroker {
    let mut bytes = [0xa0u8; 16];
    bytes[12..].copy_from_slice(&id.to_be_bytes());
    RegisterBroker {
        broker: BrokerId(id),
        cluster_id: None,
        incarnation_id: Uuid(bytes),
        endpoints: Vec::new(),
        features: Vec::new(),
        rack: None,
        log_dirs: vec![DirectoryId::from_random(bytes)],
        fenced: false,
    }
}

/// An image in which brokers are registered.
pub(crate) fn image_with_brokers<const N: usize>(brokers: [RegisterBroker; N]) -> Image {
    let mut world = World::default();
    for broker in brokers {
        world.run(Command::RegisterBroker(broker)).unwrap();
    }
    world.image
}

/// An image, and a supply of ids that are different each time.
#[derive(Default)]
pub(crate) struct World {
    pub(crate) image: Image,
    pub(crate) records: Vec<MetadataRecord>,
    next_id: u64,
}

impl World {
    /// Decides a command and moves on to the image after it.
    pub(crate) fn run(&mut self, command: Command) -> Result<CommandReply, CommandError> {
        self.run_under(command, &Policy::FREE)
    }

    /// The same under other rules.
    pub(crate) fn run_under(
        &mut self,
        command: Command,
        policy: &Policy<'_>,
    ) -> Result<CommandReply, CommandError> {
        let next_id = &mut self.next_id;
        let mut ids = || {
            *next_id += 1;
            let mut bytes = [0x11u8; 16];
            bytes[8..].copy_from_slice(&next_id.to_be_bytes());
            bytes
        };
        let mut context = DecideContext::new(0, &mut ids, policy);
        let decision = decide(&self.image, &command, &mut context)?;
        self.image = decision.after.finish(self.image.position());
        self.records.extend(decision.records);
        Ok(decision.reply)
    }
}
