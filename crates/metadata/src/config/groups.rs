//! The rules of group configs: each within bounds that are broker configs themselves.
//!
//! The bounds here are the table's defaults.

use super::layers::{Overrides, as_int, default_value};
use super::problem::ConfigProblem;
use super::spec::Value;
use super::table::ConfigTable;

/// Checks all overrides of a group.
pub(super) fn check_group(overrides: &Overrides) -> Result<(), ConfigProblem> {
    for name in overrides.keys() {
        if ConfigTable::get().group(name).is_none() {
            return Err(ConfigProblem::invalid(format!("Unknown group config name: {name}")));
        }
    }
    for (name, text) in overrides {
        let Some(spec) = ConfigTable::get().group(name) else { continue };
        if let Value::Int(n) = spec.parse(text)? {
            check_bounds(name, n)?;
        }
    }
    let in_force = |name: &str| {
        let spec = ConfigTable::get().group(name)?;
        let own = overrides.get(name).and_then(|text| spec.parse(text).ok());
        as_int(own.or_else(|| default_value(spec))?)
    };
    for kind in ["consumer", "share", "streams"] {
        let heartbeat = format!("{kind}.heartbeat.interval.ms");
        let session = format!("{kind}.session.timeout.ms");
        if in_force(&session) <= in_force(&heartbeat) {
            return Err(ConfigProblem::invalid(format!(
                "{session} must be greater than {heartbeat}"
            )));
        }
    }
    Ok(())
}

/// `consumer.session.timeout.ms` lies between `group.consumer.min.session.timeout.ms` and
/// `group.consumer.max.session.timeout.ms`, where there are such; so do the others.
fn check_bounds(name: &str, n: i64) -> Result<(), ConfigProblem> {
    let Some((kind, rest)) = name.split_once('.') else { return Ok(()) };
    let rest = rest.strip_prefix("num.").unwrap_or(rest);
    let bound = |side: &str| {
        let bound = format!("group.{kind}.{side}.{rest}");
        let spec = ConfigTable::get().broker(&bound)?;
        Some((as_int(default_value(spec)?)?, bound))
    };
    match (bound("min"), bound("max")) {
        (Some((least, bound)), _) if n < least => {
            Err(ConfigProblem::invalid(format!("{name} must be greater than or equal to {bound}")))
        }
        (_, Some((most, bound))) if n > most => {
            Err(ConfigProblem::invalid(format!("{name} must be less than or equal to {bound}")))
        }
        _ => Ok(()),
    }
}
