//! An image as records: what a snapshot holds (Kafka's `MetadataImage.write`).
//!
//! `metadata.version` comes first, since it decides how the rest is read. What the finalised level cannot say is left
//! out, as Kafka does after a downgrade. Replaying the records into an empty image gives the image again.

use ottla_wire::MetadataRecord;
use ottla_wire::messages::{ConfigRecord, FeatureLevelRecord, ProducerIdsRecord, TopicRecord};

use crate::access::quota_record;
use crate::image::Image;
use crate::levels::MetadataVersion;
use crate::topics::Topic;

/// A ProducerIds record in a snapshot belongs to no broker.
const NO_BROKER: i32 = -1;

impl Image {
    /// The records of a snapshot, in Kafka's order.
    pub fn records(&self) -> impl Iterator<Item = MetadataRecord> {
        let version = self.metadata_version();
        self.feature_records()
            .chain(self.cluster_records(version))
            .chain(self.topics.iter().flat_map(move |topic| self.topic_records(topic, version)))
            .chain(self.config_records())
            .chain(self.client_records(version))
    }

    fn feature_records(&self) -> impl Iterator<Item = MetadataRecord> {
        let metadata =
            self.features.metadata_version.map(|version| (MetadataVersion::FEATURE, version.level()));
        let others = self.features.others.iter().map(|(name, level)| (&**name, *level));
        metadata.into_iter().chain(others).map(|(name, feature_level)| feature_record(name, feature_level))
    }

    fn cluster_records(&self, version: MetadataVersion) -> impl Iterator<Item = MetadataRecord> {
        let brokers = self
            .brokers
            .values()
            .map(move |broker| MetadataRecord::RegisterBroker(broker.to_record(version)));
        let controllers = self
            .controllers
            .values()
            .filter(move |_| version.has_controller_registration())
            .map(|controller| MetadataRecord::RegisterController(controller.to_record()));
        brokers.chain(controllers)
    }

    fn topic_records<'a>(
        &'a self,
        topic: &'a Topic,
        version: MetadataVersion,
    ) -> impl Iterator<Item = MetadataRecord> + 'a {
        let elr = self.features.has_elr();
        let record = TopicRecord { name: topic.name.as_str().into(), topic_id: topic.id };
        let partitions = topic.partitions.iter().map(move |(number, partition)| {
            MetadataRecord::Partition(partition.to_record(topic.id, *number, version, elr))
        });
        std::iter::once(MetadataRecord::Topic(record)).chain(partitions)
    }

    fn config_records(&self) -> impl Iterator<Item = MetadataRecord> {
        self.configs.iter().flat_map(|(resource, values)| {
            values.iter().map(|(name, value)| {
                MetadataRecord::Config(ConfigRecord {
                    resource_type: resource.kind.code(),
                    resource_name: (&*resource.name).into(),
                    name: (&**name).into(),
                    value: Some((&**value).into()),
                })
            })
        })
    }

    fn client_records(&self, version: MetadataVersion) -> impl Iterator<Item = MetadataRecord> {
        let quotas = self.quotas.iter().flat_map(|(entity, quotas)| {
            quotas.iter().map(|(key, value)| MetadataRecord::ClientQuota(quota_record(entity, key, *value)))
        });
        let producer_ids = self.next_producer_id.map(|next_producer_id| {
            MetadataRecord::ProducerIds(ProducerIdsRecord {
                broker_id: NO_BROKER,
                broker_epoch: -1,
                next_producer_id,
            })
        });
        let acls = self.acls.iter().map(|(id, acl)| MetadataRecord::AccessControlEntry(acl.to_record(*id)));
        let scram =
            self.scram.iter().filter(move |_| version.has_scram()).map(|((mechanism, user), credential)| {
                MetadataRecord::UserScramCredential(credential.to_record(*mechanism, user))
            });
        let tokens = self
            .tokens
            .iter()
            .filter(move |_| version.has_delegation_tokens())
            .map(|(id, token)| MetadataRecord::DelegationToken(token.to_record(id)));
        quotas.chain(producer_ids).chain(acls).chain(scram).chain(tokens)
    }
}

/// A FeatureLevel record.
pub(crate) fn feature_record(name: &str, feature_level: i16) -> MetadataRecord {
    MetadataRecord::FeatureLevel(FeatureLevelRecord { name: name.into(), feature_level })
}
