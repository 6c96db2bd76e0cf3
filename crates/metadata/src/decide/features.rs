//! Finalised feature levels.

use super::{DecideContext, Emitter, check_item_count};
use crate::command::{CommandError, CommandReply, FeatureUpdate, UpdateFeatures, UpgradeType};
use crate::image::{FeatureRange, Image};
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

/// Kafka's checks, in its order and with its words.
fn check(
    image: &Image,
    update: &FeatureUpdate,
    context: &DecideContext<'_>,
) -> Result<(), CommandError> {
    let failed = |reason: String| {
        let text = format!(
            "The update failed for all features since the following feature had an error: {reason}"
        );
        Err(CommandError::new(ErrorCode::InvalidUpdateVersion, text))
    };
    let refuse = |reason: String| {
        failed(format!(
            "Invalid update version {} for feature {}. {reason}",
            update.level, update.name
        ))
    };
    if update.upgrade_type == UpgradeType::Unknown {
        return refuse("The controller does not support the given upgrade type.".to_owned());
    }
    if update.level < 0 {
        return refuse("A feature version cannot be less than 0.".to_owned());
    }
    let supported = context.policy.features.iter().find(|(name, _)| **name == *update.name);
    let who = format!("Local controller {}", context.controller);
    if let Some(reason) = unsupported(&who, supported.map(|(_, range)| *range), update.level) {
        return refuse(reason);
    }
    for broker in image.brokers() {
        let range = broker.features.get(update.name.as_str()).copied();
        let who = format!("Broker {}", broker.id);
        if let Some(reason) = unsupported(&who, range, update.level) {
            return refuse(reason);
        }
    }
    let current = image.feature_level(&update.name);
    if update.level < current && update.upgrade_type == UpgradeType::Upgrade {
        return refuse(
            "Can't downgrade the version of this feature without setting the upgrade type to \
             either safe or unsafe downgrade."
                .to_owned(),
        );
    }
    if update.level > current && update.upgrade_type != UpgradeType::Upgrade {
        return refuse("Can't downgrade to a newer version.".to_owned());
    }
    if update.name == METADATA_VERSION && update.level < current {
        return failed(format!(
            "Unsupported metadata.version downgrade from {current} to {}. Refusing to perform the \
             requested downgrade because it might delete metadata information.",
            update.level
        ));
    }
    Ok(())
}

/// Why a node cannot live with a level, if it cannot. One that does not know a feature lives with
/// level 0 alone.
fn unsupported(who: &str, range: Option<FeatureRange>, level: i16) -> Option<String> {
    let range = range.unwrap_or(FeatureRange { min_level: 0, max_level: 0 });
    if range.contains(level) {
        None
    } else if range.max_level == 0 {
        Some(format!("{who} does not support this feature."))
    } else {
        Some(format!("{who} only supports versions {}-{}", range.min_level, range.max_level))
    }
}
