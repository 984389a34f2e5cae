//! Consumer groups of the new protocol: the broker assigns, members reconcile (KIP-848).

use ottla_model::ErrorCode;
use ottla_wire::messages::OffsetCommitRequest;

use crate::change::*;
use crate::{Client, Context, Group, ReplayError, Shard, Text, TimerKey};
use ottla_metadata::Image;
use ottla_wire::messages::*;
use std::collections::BTreeMap;

use crate::change::Decision;

/// A consumer group.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConsumerGroup {}

/// What no record of a consumer group carries.
#[derive(Clone, Debug, PartialEq)]
pub enum ConsumerVolatile {}

pub(crate) fn heartbeat(
    _: &Shard,
    _: &mut Decision,
    _: Waiter,
    _: &Client,
    _: i16,
    _: &ConsumerGroupHeartbeatRequest,
    _: &Context,
) {
}
pub(crate) fn join_classic(
    _: &Shard,
    _: &mut Decision,
    _: Waiter,
    _: &Client,
    _: i16,
    _: &JoinGroupRequest,
    _: &Context,
) {
}
pub(crate) fn sync_classic(_: &Shard, _: &mut Decision, _: Waiter, _: &SyncGroupRequest, _: &Context) {}
pub(crate) fn heartbeat_classic(_: &Shard, _: &mut Decision, _: Waiter, _: &HeartbeatRequest, _: &Context) {}
pub(crate) fn leave_classic(
    _: &Shard,
    _: &mut Decision,
    _: Waiter,
    _: i16,
    _: &LeaveGroupRequest,
    _: &Context,
) {
}
pub(crate) fn expired(_: &Shard, _: &mut Decision, _: &TimerKey, _: &Context) {}
pub(crate) fn loaded(_: &Text, _: &ConsumerGroup, _: &mut Decision, _: &Context) {}
pub(crate) fn topics_changed(_: &Shard, _: &mut Decision, _: &Context) {}
pub(crate) fn replay(_: &mut BTreeMap<Text, Group>, _: &Record) -> Result<(), ReplayError> {
    Ok(())
}
pub(crate) fn snapshot(_: &Text, _: &ConsumerGroup) -> Vec<Record> {
    Vec::new()
}

impl ConsumerGroup {
    pub(crate) fn settle(&mut self, _: &ConsumerVolatile) {}
    pub(crate) fn describe(&self, _: &str, _: &Image) -> consumer_group_describe_response::DescribedGroup {
        Default::default()
    }
    pub(crate) fn state_name(&self) -> &'static str {
        "Empty"
    }
    pub(crate) fn is_empty(&self) -> bool {
        true
    }
    pub(crate) fn member_count(&self) -> usize {
        0
    }
    pub(crate) fn is_subscribed_to(&self, _topic: &str) -> bool {
        false
    }
    pub(crate) fn tombstones(&self, _id: &str, _decision: &mut Decision) {}
    pub(crate) fn admits_fetch(&self, _member: Option<&str>, _epoch: i32) -> Result<(), ErrorCode> {
        Ok(())
    }
    pub(crate) fn admits_commit(
        &self,
        _member: &str,
        _instance: Option<&str>,
        _epoch: i32,
        _version: i16,
        _request: &OffsetCommitRequest,
    ) -> Result<(), ErrorCode> {
        Ok(())
    }
}
