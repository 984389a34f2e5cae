//! The hash of the topics that a group subscribes to: when it differs, the target assignment is computed anew.
//!
//! It is Kafka's to the bit (`Utils.computeTopicHash`, `computeGroupHash`: XXH3 of 64 bits over integers in little
//! endian and texts as UTF-16 followed by their length), so that a group does not rebalance when its log changes hands.

use std::collections::BTreeSet;

use ottla_metadata::{Image, Topic};
use twox_hash::XxHash3_64;

use crate::Text;

/// Kafka's version of the hash of a topic.
const TOPIC_HASH_VERSION: u8 = 0;

/// The hash of the topics that exist among those named; 0 when none does.
pub(crate) fn of_group(topics: &BTreeSet<Text>, image: &Image) -> i64 {
    let mut bytes = Vec::new();
    for topic in topics.iter().filter_map(|name| image.topics.named(name)) {
        bytes.extend_from_slice(&of_topic(topic, image).to_le_bytes());
    }
    if bytes.is_empty() { 0 } else { hash(&bytes) }
}

/// The hash of a topic: its identity, its partitions, and the racks of their replicas.
pub(crate) fn of_topic(topic: &Topic, image: &Image) -> i64 {
    let mut bytes = vec![TOPIC_HASH_VERSION];
    let (high, low) = halves(topic.id.to_bytes());
    bytes.extend_from_slice(&high.to_le_bytes());
    bytes.extend_from_slice(&low.to_le_bytes());
    put_text(&mut bytes, topic.name.as_str());
    let count = i32::try_from(topic.partitions.size()).unwrap_or(i32::MAX);
    put_int(&mut bytes, count);
    for number in 0..count {
        put_int(&mut bytes, number);
        for rack in racks(topic, number, image) {
            put_int(&mut bytes, length(&rack));
            put_text(&mut bytes, &rack);
        }
    }
    hash(&bytes)
}

/// One for each replica whose broker is registered and has a rack, in Java's order of texts.
fn racks(topic: &Topic, partition: i32, image: &Image) -> Vec<Text> {
    let replicas = topic.partitions.get(&partition).map_or(&[][..], |partition| &partition.replicas);
    let rack = |broker: &i32| image.brokers.get(broker)?.rack.clone();
    let mut racks: Vec<Text> = replicas.iter().filter_map(rack).collect();
    racks.sort_by(|a, b| a.encode_utf16().cmp(b.encode_utf16()));
    racks
}

fn hash(bytes: &[u8]) -> i64 {
    XxHash3_64::oneshot(bytes).cast_signed()
}

fn halves(id: [u8; 16]) -> (u64, u64) {
    let whole = u128::from_be_bytes(id);
    let half = |bits: u128| u64::try_from(bits & u128::from(u64::MAX)).unwrap_or_default();
    (half(whole >> 64), half(whole))
}

fn put_int(bytes: &mut Vec<u8>, value: i32) {
    bytes.extend_from_slice(&value.to_le_bytes());
}

/// How long Java finds a text.
fn length(text: &str) -> i32 {
    i32::try_from(text.encode_utf16().count()).unwrap_or(i32::MAX)
}

fn put_text(bytes: &mut Vec<u8>, text: &str) {
    for unit in text.encode_utf16() {
        bytes.extend_from_slice(&unit.to_le_bytes());
    }
    put_int(bytes, length(text));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What Kafka's classes gave for the same input (hash4j 0.22.0, as in Kafka 4.4.0).
    #[test]
    fn hashes_are_kafkas() {
        let topic = |high: u64, low: u64, name: &str, racks: &[&[&str]]| {
            let mut bytes = vec![TOPIC_HASH_VERSION];
            bytes.extend_from_slice(&high.to_le_bytes());
            bytes.extend_from_slice(&low.to_le_bytes());
            put_text(&mut bytes, name);
            put_int(&mut bytes, i32::try_from(racks.len()).unwrap());
            for (number, racks) in (0..).zip(racks) {
                put_int(&mut bytes, number);
                for rack in *racks {
                    put_int(&mut bytes, length(rack));
                    put_text(&mut bytes, rack);
                }
            }
            hash(&bytes)
        };
        let orders = topic(0x0102_0304_0506_0708, 0x1112_1314_1516_1718, "orders", &[&[], &[]]);
        assert_eq!(orders, -213_194_414_658_135_419);
        let racks: &[&[&str]] = &[&["a", "b"], &["eu-west-1a", "eu-west-1b"], &["", "ä𝄞"]];
        let zebra = topic(u64::MAX, 0x7f00_0000_0000_0001, "zebra.events", racks);
        assert_eq!(zebra, -3_292_604_722_145_933_141);
        assert_eq!(topic(5, 6, "long", &[&[][..]; 300]), 9_182_195_006_545_431_238);
        let group = [orders.to_le_bytes(), zebra.to_le_bytes()].concat();
        assert_eq!(hash(&group), 2_617_343_299_289_166_260);
        assert_eq!(hash(&orders.to_le_bytes()), -2_275_044_886_577_452_735);
    }
}
