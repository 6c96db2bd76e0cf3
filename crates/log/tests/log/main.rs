//! Behaviour of logs and log folders, on disks in memory and on real files.

#[cfg(test)]
mod append;
#[cfg(test)]
mod check;
#[cfg(test)]
mod common;
#[cfg(test)]
mod damage;
#[cfg(test)]
mod dump;
#[cfg(test)]
mod failures;
#[cfg(test)]
mod folder;
#[cfg(test)]
mod idempotence;
#[cfg(test)]
mod journal;
#[cfg(test)]
mod kafka;
#[cfg(test)]
mod lookups;
#[cfg(test)]
mod model;
#[cfg(test)]
mod producers;
#[cfg(test)]
mod recovery;
#[cfg(test)]
mod retention;
#[cfg(test)]
mod scrub;
#[cfg(test)]
mod served;
#[cfg(test)]
mod transactions;
