//! A cluster of one controller without a log: decisions are replayed at once, and after each the image is checked.

use std::collections::{BTreeMap, BTreeSet};

use ottla_config::{BrokerConfig, Given, Origin};
use ottla_controller::{Context, NewBroker, Refusal, Reply, Request, decide};
use ottla_metadata::features::levels_at_format;
use ottla_metadata::{Image, Listener, MetadataVersion, Partition, SecurityProtocol, Touched, bootstrap};
use ottla_model::{BrokerEpoch, ErrorCode, Uuid};
use ottla_wire::MetadataRecord;
use ottla_wire::messages::create_topics_request::{
    CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfig,
};
use ottla_wire::messages::create_topics_response::CreatableTopicResult;
use ottla_wire::messages::{CreateTopicsRequest, RegisterBrokerRecord};

/// The only directory of every broker here.
pub(crate) const DIRECTORY: Uuid = Uuid::from_bytes([0xd1; 16]);

pub(crate) struct Cluster {
    pub(crate) image: Image,
    pub(crate) config: BrokerConfig,
    pub(crate) next_offset: i64,
    /// Of the running process of node 1.
    pub(crate) epoch: BrokerEpoch,
    drawn: u128,
}

impl Cluster {
    /// Freshly formatted: levels and nothing else.
    pub(crate) fn formatted(version: MetadataVersion) -> Self {
        let levels = levels_at_format(version, &BTreeMap::new()).unwrap();
        let mut cluster = Self {
            image: Image::default(),
            config: BrokerConfig::load(Given::default()).unwrap(),
            next_offset: 0,
            epoch: -1,
            drawn: 1 << 100,
        };
        cluster.replay(&bootstrap::bootstrap_records(version, &levels));
        cluster
    }

    /// Node 1 registered and serving, at the level that we format.
    pub(crate) fn running() -> Self {
        let mut cluster = Self::formatted(MetadataVersion::DEFAULT);
        cluster.start(None);
        cluster
    }

    pub(crate) fn with_settings(settings: &[(&str, &str)]) -> Self {
        let mut given = Given::default();
        for (name, value) in settings {
            given.set(name, value, Origin::Assumed);
        }
        Self { config: BrokerConfig::load(given).unwrap(), ..Self::running() }
    }

    /// A new process of node 1 registers and serves.
    pub(crate) fn start(&mut self, clean_since: Option<BrokerEpoch>) {
        self.register(clean_since);
        assert_eq!(self.ask(Request::Unfence(self.epoch)), Reply::Done(Ok(())));
    }

    pub(crate) fn register(&mut self, clean_since: Option<BrokerEpoch>) {
        let listener = |name: &str, port| Listener {
            name: name.into(),
            host: "localhost".into(),
            port,
            security: SecurityProtocol::Plaintext,
        };
        let broker = NewBroker {
            incarnation: self.draw(),
            listeners: vec![listener("PLAINTEXT", 9092)],
            controller_listeners: vec![listener("CONTROLLER", 9093)],
            rack: None,
            directories: vec![DIRECTORY],
            clean_since,
        };
        let Reply::Registered(Ok(epoch)) = self.ask(Request::Register(broker)) else {
            panic!("not registered")
        };
        self.epoch = epoch;
    }

    /// Another broker, which Kafka registered.
    pub(crate) fn add_broker(&mut self, id: i32, rack: Option<&str>, fenced: bool) {
        let has_directories = self.image.metadata_version().has_directories();
        let record = RegisterBrokerRecord {
            broker_id: id,
            broker_epoch: self.next_offset,
            incarnation_id: self.draw(),
            rack: rack.map(Into::into),
            fenced,
            log_dirs: if has_directories { vec![DIRECTORY] } else { Vec::new() },
            ..Default::default()
        };
        self.replay(&[record.into()]);
    }

    pub(crate) fn draw(&mut self) -> Uuid {
        self.drawn += 1;
        Uuid::from_bytes(self.drawn.to_be_bytes())
    }

    /// What would be decided now.
    pub(crate) fn decide(&self, request: Request) -> (Vec<MetadataRecord>, Reply) {
        let context =
            Context { next_offset: self.next_offset, node_id: 1, kraft_version: 1, config: &self.config };
        let outcome = decide(&self.image, request, &context);
        (outcome.records, outcome.reply)
    }

    /// Decides and replays, and checks that the image is sound and went forward.
    pub(crate) fn ask(&mut self, request: Request) -> Reply {
        let (records, reply) = self.decide(request);
        let before = self.image.clone();
        self.replay(&records);
        check(&self.image);
        check_step(&before, &self.image);
        reply
    }

    pub(crate) fn replay(&mut self, records: &[MetadataRecord]) {
        for record in records {
            self.image.replay(record, &mut Touched::default()).unwrap();
            self.next_offset += 1;
        }
    }

    pub(crate) fn create_all(
        &mut self,
        topics: Vec<CreatableTopic>,
        validate_only: bool,
    ) -> Vec<CreatableTopicResult> {
        let ids = topics.iter().map(|_| self.draw()).collect();
        let request = CreateTopicsRequest { topics, timeout_ms: 0, validate_only };
        let Reply::CreateTopics(response) = self.ask(Request::CreateTopics { request, ids }) else {
            panic!("the reply is another's")
        };
        response.topics
    }

    pub(crate) fn create(&mut self, topic: CreatableTopic) -> CreatableTopicResult {
        self.create_all(vec![topic], false).remove(0)
    }

    /// The codes of the refusals and successes of some topics.
    pub(crate) fn created(&mut self, topics: Vec<CreatableTopic>) -> Vec<ErrorCode> {
        self.create_all(topics, false).iter().map(|result| code(result.error_code)).collect()
    }

    pub(crate) fn partition(&self, topic: &str, number: i32) -> &Partition {
        &self.image.topics.named(topic).unwrap().partitions[&number]
    }
}

pub(crate) fn topic(name: &str, num_partitions: i32, replication_factor: i16) -> CreatableTopic {
    CreatableTopic { name: name.into(), num_partitions, replication_factor, ..Default::default() }
}

pub(crate) fn placed(name: &str, partitions: &[(i32, &[i32])]) -> CreatableTopic {
    let assignment = |(partition_index, broker_ids): &(i32, &[i32])| CreatableReplicaAssignment {
        partition_index: *partition_index,
        broker_ids: broker_ids.to_vec(),
    };
    CreatableTopic { assignments: partitions.iter().map(assignment).collect(), ..topic(name, -1, -1) }
}

pub(crate) fn configured(name: &str, configs: &[(&str, Option<&str>)]) -> CreatableTopic {
    let config = |(name, value): &(&str, Option<&str>)| CreatableTopicConfig {
        name: (*name).into(),
        value: value.map(Into::into),
    };
    CreatableTopic { configs: configs.iter().map(config).collect(), ..topic(name, 1, 1) }
}

pub(crate) fn code(code: i16) -> ErrorCode {
    ErrorCode::from_code(code).unwrap()
}

pub(crate) fn code_of(outcome: &Result<(), Refusal>) -> ErrorCode {
    outcome.as_ref().map_or_else(|refusal| refusal.code, |()| ErrorCode::None)
}

/// What holds of every image.
pub(crate) fn check(image: &Image) {
    let mut again = Image::default();
    for record in image.records() {
        again.replay(&record, &mut Touched::default()).unwrap();
    }
    assert_eq!(again, *image, "a snapshot says it all");
    assert_eq!(image.topics.iter_by_name().count(), image.topics.len());
    for topic in image.topics.iter() {
        assert_eq!(image.topics.id_of(topic.name.as_str()), Some(topic.id), "names and ids are a bijection");
        let numbers: Vec<_> = topic.partitions.keys().copied().collect();
        assert_eq!(
            numbers,
            (0..i32::try_from(numbers.len()).unwrap()).collect::<Vec<_>>(),
            "no gap in {}",
            topic.name
        );
        assert!(!numbers.is_empty());
        topic.partitions.values().for_each(|partition| check_partition(image, partition));
    }
}

fn check_partition(image: &Image, partition: &Partition) {
    let set = |ids: &[i32]| ids.iter().copied().collect::<BTreeSet<i32>>();
    let (replicas, isr, elr) = (set(&partition.replicas), set(&partition.isr), set(&partition.elr));
    assert!(!replicas.is_empty() && replicas.len() == partition.replicas.len(), "{partition:?}");
    assert_eq!(partition.directories.len(), partition.replicas.len(), "{partition:?}");
    assert!(isr.is_subset(&replicas) && elr.is_subset(&replicas) && isr.is_disjoint(&elr), "{partition:?}");
    if let Some(leader) = partition.leader {
        assert!(isr.contains(&leader), "the leader is in sync: {partition:?}");
        assert!(
            image.brokers[&leader].is_active() || leader != 1,
            "who has stopped leads nothing: {partition:?}"
        );
    }
    if image.features.has_elr() && partition.leader.is_none() {
        assert!(isr.is_empty() || isr.iter().all(|id| *id != 1), "{partition:?}");
    }
}

/// What never goes back from one image to the next.
pub(crate) fn check_step(before: &Image, after: &Image) {
    assert!(before.next_producer_id <= after.next_producer_id);
    for (id, broker) in &before.brokers {
        assert!(after.brokers[id].epoch >= broker.epoch);
    }
    for topic in before.topics.iter() {
        let Some(later) = after.topics.get(topic.id) else { continue };
        assert_eq!(later.name, topic.name);
        for (number, old) in &topic.partitions {
            let new = &later.partitions[number];
            assert!(new.leader_epoch >= old.leader_epoch && new.partition_epoch >= old.partition_epoch);
            if new.leader != old.leader {
                assert!(new.leader_epoch > old.leader_epoch, "a new leader has a new epoch: {old:?} {new:?}");
            }
            if new != old && new.elr == old.elr && new.last_known_elr == old.last_known_elr {
                assert!(new.partition_epoch > old.partition_epoch, "{old:?} {new:?}");
            }
        }
    }
}
