//! Transactions, and idempotent producers.
//!
//! Rows only; what a row means stands in `setting`, what reads it in the room that obeys it.

use super::reasons::{TOGETHER, TXN};
use crate::setting::{Setting, boolean, int, short};

#[rustfmt::skip]
pub(super) const ROWS: &[Setting] = &[
    int("transactional.id.expiration.ms").is("604800000").at_least(1).high()
        .kept(TXN, "How long an idle transactional id is remembered."),
    int("transaction.max.timeout.ms").is("900000").at_least(1).high()
        .kept(TXN, "The longest transaction timeout that a producer may ask for."),
    boolean("transaction.two.phase.commit.enable").is("false").low()
        .kept(TXN, "Whether transactions may be prepared by an outside coordinator."),
    boolean("transaction.partition.verification.enable").is("true").low().cluster_wide()
        .kept(TXN, "Whether a write is checked to belong to an open transaction."),
    int("transaction.abort.timed.out.transaction.cleanup.interval.ms").is("10000").at_least(1).low()
        .kept(TXN, "Time between two looks for transactions past their timeout."),
    int("transaction.remove.expired.transaction.cleanup.interval.ms").is("3600000").at_least(1).low()
        .kept(TXN, "Time between two looks for transactional ids to forget."),
    int("transaction.state.log.num.partitions").is("50").at_least(1).high()
        .kept(TXN, "Partitions of the topic of transaction state; never change it afterwards."),
    short("transaction.state.log.replication.factor").is("3").at_least(1).high()
        .kept(TXN, "Replicas of the topic of transaction state."),
    int("transaction.state.log.min.isr").is("2").at_least(1).high()
        .kept(TXN, "In-sync replicas that the topic of transaction state needs."),
    int("transaction.state.log.segment.bytes").is("104857600").at_least(1).high()
        .kept(TXN, "Segment size of the topic of transaction state."),
    int("transaction.state.log.load.buffer.size").is("5242880").at_least(1).high()
        .kept(TXN, "Bytes read at once when transaction state is loaded."),
    int("add.partitions.to.txn.retry.backoff.ms").is("20").at_least(1).high()
        .kept(TXN, "First pause when a partition cannot join a transaction yet."),
    int("add.partitions.to.txn.retry.backoff.max.ms").is("100").at_least(0).high()
        .kept(TXN, "All the time spent waiting for a partition to join a transaction."),
    int("producer.id.expiration.ms").is("86400000").at_least(1).low().cluster_wide()
        .obeyed("How long a partition remembers an idle producer, and so recognises what it sends twice."),
    int("producer.id.expiration.check.interval.ms").is("600000").at_least(1).low().internal()
        .kept(TOGETHER, "Time between two looks for producers to forget."),
];
