//! Applying records to an image.
//!
//! A record that does not fit changes nothing. The checks are those of Kafka's controller, so that what Kafka would
//! stop at, we stop at. Transactions are not here: a record says the same inside one ([`crate::Timeline`]).

use ottla_model::{BrokerEpoch, NodeId, Uuid};
use ottla_wire::MetadataRecord;
use ottla_wire::messages::{
    BrokerRegistrationChangeRecord, ClearElrRecord, ClientQuotaRecord, FeatureLevelRecord, ProducerIdsRecord,
    RemoveTopicRecord, RemoveUserScramCredentialRecord, UnregisterBrokerRecord, UserScramCredentialRecord,
};

use crate::access::{Acl, DelegationToken, ScramCredential, ScramMechanism, quota_entity};
use crate::cluster::{Broker, Controller};
use crate::configs::ConfigResource;
use crate::delta::Touched;
use crate::error::ReplayError;
use crate::features::{Feature, KRAFT};
use crate::image::Image;
use crate::levels::MetadataVersion;
use crate::parts::{Map, text};

impl Image {
    /// Applies one record and notes what it touched.
    ///
    /// # Errors
    /// When the record contradicts the image, or says what Kafka 4.4 does not know; the image is then as before.
    pub fn replay(&mut self, record: &MetadataRecord, touched: &mut Touched) -> Result<(), ReplayError> {
        match record {
            MetadataRecord::FeatureLevel(record) => self.set_level(record, touched)?,
            MetadataRecord::RegisterBroker(record) => self.set_broker(Broker::from_record(record)?, touched),
            MetadataRecord::UnregisterBroker(record) => self.unregister(record, touched)?,
            MetadataRecord::FenceBroker(record) => self.fence(record.id, record.epoch, true, touched)?,
            MetadataRecord::UnfenceBroker(record) => self.fence(record.id, record.epoch, false, touched)?,
            MetadataRecord::BrokerRegistrationChange(record) => self.change_broker(record, touched)?,
            MetadataRecord::RegisterController(record) => {
                touched.controllers.insert(record.controller_id);
                self.controllers.insert_mut(record.controller_id, Controller::from_record(record)?);
            }
            MetadataRecord::UnregisterController(record) => {
                touched.controllers.insert(record.controller_id);
                self.controllers.remove_mut(&record.controller_id);
            }
            MetadataRecord::ProducerIds(record) => self.set_producer_ids(record, touched)?,
            MetadataRecord::Topic(record) => {
                self.topics.create(record)?;
                touched.topics.entry(record.topic_id).or_default();
            }
            MetadataRecord::Partition(record) => {
                self.topics.set_partition(record)?;
                touched.topics.entry(record.topic_id).or_default().insert(record.partition_id);
            }
            MetadataRecord::PartitionChange(record) => {
                self.topics.change_partition(record)?;
                touched.topics.entry(record.topic_id).or_default().insert(record.partition_id);
            }
            MetadataRecord::RemoveTopic(record) => self.remove_topic(record, touched)?,
            MetadataRecord::ClearElr(record) => self.clear_elr(record, touched)?,
            MetadataRecord::Config(record) => {
                touched.configs.insert(self.configs.replay(record)?);
            }
            MetadataRecord::ClientQuota(record) => self.set_quota(record, touched),
            MetadataRecord::UserScramCredential(record) => self.set_credential(record, touched)?,
            MetadataRecord::RemoveUserScramCredential(record) => self.remove_credential(record, touched)?,
            MetadataRecord::AccessControlEntry(record) => {
                self.acls.insert_mut(record.id, Acl::from_record(record));
                touched.acls = true;
            }
            MetadataRecord::RemoveAccessControlEntry(record) => self.remove_acl(record.id, touched)?,
            MetadataRecord::DelegationToken(record) => {
                self.tokens.insert_mut(text(&record.token_id), DelegationToken::from_record(record));
                touched.tokens = true;
            }
            MetadataRecord::RemoveDelegationToken(record) => {
                self.tokens.remove_mut(&*record.token_id);
                touched.tokens = true;
            }
            // A sign of life, what is left of ZooKeeper, and the frame of transactions say nothing to an image.
            MetadataRecord::NoOp(_)
            | MetadataRecord::ZkMigrationState(_)
            | MetadataRecord::BeginTransaction(_)
            | MetadataRecord::EndTransaction(_)
            | MetadataRecord::AbortTransaction(_) => {}
        }
        Ok(())
    }

    fn set_level(&mut self, record: &FeatureLevelRecord, touched: &mut Touched) -> Result<(), ReplayError> {
        let level = record.feature_level;
        if &*record.name == MetadataVersion::FEATURE {
            let version = MetadataVersion::from_level(level).ok_or(ReplayError::MetadataVersion(level))?;
            self.features.metadata_version = Some(version);
            touched.features = true;
            return Ok(());
        }
        let known = Feature::named(&record.name).is_some_and(|feature| feature.range().contains(level));
        if !known && level != 0 {
            return Err(ReplayError::Feature { name: record.name.to_string(), level });
        }
        // Some releases wrote kraft.version here too (KAFKA-18979); the control record is what counts.
        if &*record.name != KRAFT.name {
            if level == 0 {
                self.features.others.remove_mut(&*record.name);
            } else {
                self.features.others.insert_mut(text(&record.name), level);
            }
        }
        touched.features = true;
        Ok(())
    }

    fn registered(&self, id: NodeId, epoch: BrokerEpoch) -> Result<&Broker, ReplayError> {
        let broker = self.brokers.get(&id).ok_or(ReplayError::UnknownBroker(id))?;
        if broker.epoch != epoch {
            return Err(ReplayError::BrokerEpoch { id, registered: broker.epoch, found: epoch });
        }
        Ok(broker)
    }

    fn set_broker(&mut self, broker: Broker, touched: &mut Touched) {
        touched.brokers.insert(broker.id);
        self.brokers.insert_mut(broker.id, broker);
    }

    fn unregister(
        &mut self,
        record: &UnregisterBrokerRecord,
        touched: &mut Touched,
    ) -> Result<(), ReplayError> {
        self.registered(record.broker_id, record.broker_epoch)?;
        self.brokers.remove_mut(&record.broker_id);
        touched.brokers.insert(record.broker_id);
        Ok(())
    }

    fn fence(
        &mut self,
        id: NodeId,
        epoch: BrokerEpoch,
        fenced: bool,
        touched: &mut Touched,
    ) -> Result<(), ReplayError> {
        let broker = Broker { fenced, ..self.registered(id, epoch)?.clone() };
        self.set_broker(broker, touched);
        Ok(())
    }

    fn change_broker(
        &mut self,
        record: &BrokerRegistrationChangeRecord,
        touched: &mut Touched,
    ) -> Result<(), ReplayError> {
        let broker = self.registered(record.broker_id, record.broker_epoch)?.changed(record)?;
        self.set_broker(broker, touched);
        Ok(())
    }

    fn set_producer_ids(
        &mut self,
        record: &ProducerIdsRecord,
        touched: &mut Touched,
    ) -> Result<(), ReplayError> {
        let found = record.next_producer_id;
        if let Some(reached) = self.next_producer_id.filter(|reached| found <= *reached) {
            return Err(ReplayError::ProducerId { reached, found });
        }
        self.next_producer_id = Some(found);
        touched.producer_ids = true;
        Ok(())
    }

    fn remove_topic(&mut self, record: &RemoveTopicRecord, touched: &mut Touched) -> Result<(), ReplayError> {
        let topic = self.topics.remove(record.topic_id)?;
        touched.topics.entry(topic.id).or_default();
        let resource = ConfigResource::topic(topic.name.as_str());
        if self.configs.remove(&resource) {
            touched.configs.insert(resource);
        }
        Ok(())
    }

    /// The empty name means every topic.
    fn clear_elr(&mut self, record: &ClearElrRecord, touched: &mut Touched) -> Result<(), ReplayError> {
        let ids: Vec<_> = if record.topic_name.is_empty() {
            self.topics.iter().map(|topic| topic.id).collect()
        } else {
            let unknown = || ReplayError::UnknownTopic(record.topic_name.to_string());
            vec![self.topics.id_of(&record.topic_name).ok_or_else(unknown)?]
        };
        for id in ids {
            let cleared = self.topics.clear_elr(id)?;
            if !cleared.is_empty() {
                touched.topics.entry(id).or_default().extend(cleared);
            }
        }
        Ok(())
    }

    fn set_quota(&mut self, record: &ClientQuotaRecord, touched: &mut Touched) {
        let entity = quota_entity(record);
        let mut quotas: Map<_, _> = self.quotas.get(&entity).cloned().unwrap_or_default();
        if record.remove {
            quotas.remove_mut(&*record.key);
        } else {
            quotas.insert_mut(text(&record.key), record.value);
        }
        if quotas.is_empty() {
            self.quotas.remove_mut(&entity);
        } else {
            self.quotas.insert_mut(entity, quotas);
        }
        touched.quotas = true;
    }

    fn set_credential(
        &mut self,
        record: &UserScramCredentialRecord,
        touched: &mut Touched,
    ) -> Result<(), ReplayError> {
        let key = (ScramMechanism::from_code(record.mechanism)?, text(&record.name));
        self.scram.insert_mut(key, ScramCredential::from_record(record));
        touched.scram = true;
        Ok(())
    }

    fn remove_credential(
        &mut self,
        record: &RemoveUserScramCredentialRecord,
        touched: &mut Touched,
    ) -> Result<(), ReplayError> {
        let key = (ScramMechanism::from_code(record.mechanism)?, text(&record.name));
        self.scram.remove_mut(&key);
        touched.scram = true;
        Ok(())
    }

    fn remove_acl(&mut self, id: Uuid, touched: &mut Touched) -> Result<(), ReplayError> {
        if !self.acls.remove_mut(&id) {
            return Err(ReplayError::UnknownAcl(id));
        }
        touched.acls = true;
        Ok(())
    }
}
