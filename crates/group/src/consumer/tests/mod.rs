//! Tests of consumer groups: a shard with a log, a clock and topics around it, and members that follow the protocol.

mod actor;
mod classic;
mod hostile;
mod members;
mod migration;
mod patterns;
mod records;
mod settled;
mod simulation;
mod statics;
mod world;

use ottla_model::ErrorCode;
use world::{World, join};

#[test]
fn heartbeats_of_a_group_that_is_not_there_are_refused() {
    let mut world = World::new();
    let mut beat = join("a", &["t"]);
    beat.member_epoch = 3;
    assert_eq!(world.beat(&beat).unwrap_err(), ErrorCode::GroupIdNotFound);
    beat.member_epoch = -1;
    assert_eq!(world.beat(&beat).unwrap_err(), ErrorCode::GroupIdNotFound);
    assert!(world.log.is_empty());
}
