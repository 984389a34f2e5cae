//! Tests of the image: what each record does, what is refused, and that a snapshot says it all.

mod files;
mod levels;
mod properties;
mod records;
mod steps;

use ottla_model::Uuid;
use ottla_wire::MetadataRecord;
use ottla_wire::messages::{FeatureLevelRecord, PartitionRecord, RegisterBrokerRecord, TopicRecord};

use crate::{Image, ReplayError, Touched};

fn id(byte: u8) -> Uuid {
    Uuid::from_bytes([byte; 16])
}

fn level(name: &str, feature_level: i16) -> MetadataRecord {
    FeatureLevelRecord { name: name.into(), feature_level }.into()
}

fn topic(name: &str, byte: u8) -> MetadataRecord {
    TopicRecord { name: name.into(), topic_id: id(byte) }.into()
}

fn partition(topic: u8, number: i32) -> PartitionRecord {
    PartitionRecord {
        partition_id: number,
        topic_id: id(topic),
        replicas: vec![1],
        isr: vec![1],
        leader: 1,
        leader_epoch: 0,
        partition_epoch: 0,
        directories: vec![id(9)],
        ..PartitionRecord::default()
    }
}

fn broker(id: i32, epoch: i64) -> RegisterBrokerRecord {
    RegisterBrokerRecord {
        broker_id: id,
        broker_epoch: epoch,
        log_dirs: vec![self::id(9)],
        ..RegisterBrokerRecord::default()
    }
}

/// An image at 4.3's level with ELR on and these records on top.
fn image(records: &[MetadataRecord]) -> Image {
    let mut image = Image::default();
    let levels = [level("metadata.version", 30), level("eligible.leader.replicas.version", 1)];
    for record in levels.iter().chain(records) {
        replay(&mut image, record).unwrap();
    }
    image
}

fn replay(image: &mut Image, record: &MetadataRecord) -> Result<(), ReplayError> {
    image.replay(record, &mut Touched::default())
}
