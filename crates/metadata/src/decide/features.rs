//! Finalised feature levels.

use super::{DecideContext, Emitter, check_item_count};
use crate::command::{CommandError, CommandReply, FeatureUpdate, UpdateFeatures, UpgradeType};
use crate::image::Image;
use crate::record::{FeatureLevelRecord, Kind};
use headwater_types::ErrorCode;

/// Kafka's feature that stands for its metadata format; it can never be switched off.
const METADATA_VERSION: &str = "metadata.version";

pub(super) fn update(
    out: &mut Emitter,
    command: &UpdateFeatures,
    context: &DecideContext<'_>,
) -> Result<CommandReply, CommandError> {
    check_item_count(command.updates.len())?;
    for update in &command.updates {
        check(out.image(), update, context)?;
        if out.image().feature_level(&update.name) != update.level {
            let record =
                FeatureLevelRecord { name: update.name.clone(), level: update.level.into() };
            out.emit(Kind::FeatureLevel(record))?;
        }
    }
    if command.validate_only {
        out.discard();
    }
    Ok(CommandReply::Done)
}

fn check(
    image: &Image,
    update: &FeatureUpdate,
    context: &DecideContext<'_>,
) -> Result<(), CommandError> {
    let refuse = |reason: &str| {
        let text = format!(
            "Invalid update version {} for feature {}. {reason}",
            update.level, update.name
        );
        Err(CommandError::new(ErrorCode::InvalidUpdateVersion, text))
    };
    if update.upgrade_type == UpgradeType::Unknown {
        return refuse("The controller does not support the given upgrade type.");
    }
    if update.level < 0 {
        return refuse("A feature version cannot be less than 0.");
    }
    let supported = context.policy.features.iter().find(|(name, _)| **name == *update.name);
    match supported {
        None => return refuse("Local controller does not support this feature."),
        Some((_, range)) if update.level != 0 && !range.contains(update.level) => {
            return refuse(&format!(
                "Local controller only supports versions {}-{}",
                range.min_level, range.max_level
            ));
        }
        Some(_) => {}
    }
    for broker in image.brokers() {
        match broker.features.get(update.name.as_str()) {
            None if update.level != 0 => {
                return refuse(&format!("Broker {} does not support this feature.", broker.id));
            }
            Some(range) if update.level != 0 && !range.contains(update.level) => {
                return refuse(&format!(
                    "Broker {} only supports versions {}-{}",
                    broker.id, range.min_level, range.max_level
                ));
            }
            _ => {}
        }
    }
    let current = image.feature_level(&update.name);
    if update.level < current && update.upgrade_type == UpgradeType::Upgrade {
        return refuse(
            "Can't downgrade the version of this feature without setting the upgrade type to \
             either safe or unsafe downgrade.",
        );
    }
    if update.level > current && update.upgrade_type != UpgradeType::Upgrade {
        return refuse("Can't downgrade to a newer version.");
    }
    if update.name == METADATA_VERSION && update.level < current {
        return Err(CommandError::new(
            ErrorCode::InvalidUpdateVersion,
            format!(
                "Invalid metadata.version {}. Refusing to perform the requested downgrade because \
                 it might delete metadata information.",
                update.level
            ),
        ));
    }
    Ok(())
}
