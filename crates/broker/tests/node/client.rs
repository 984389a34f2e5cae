//! A client of bytes, and short words for what tests ask most.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use ottla_model::{ErrorCode, Uuid};
use ottla_record::{Builder, Codec, Limits, Records, Scratch, batches};
use ottla_wire::header::{ResponseHeader, encode_request};
use ottla_wire::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use ottla_wire::messages::create_topics_response::CreatableTopicResult;
use ottla_wire::messages::delete_records_request::{DeleteRecordsPartition, DeleteRecordsTopic};
use ottla_wire::messages::delete_topics_request::DeleteTopicState;
use ottla_wire::messages::fetch_request::{FetchPartition, FetchTopic};
use ottla_wire::messages::fetch_response::PartitionData;
use ottla_wire::messages::incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig};
use ottla_wire::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use ottla_wire::messages::metadata_request::MetadataRequestTopic;
use ottla_wire::messages::metadata_response::MetadataResponseTopic;
use ottla_wire::messages::produce_request::{PartitionProduceData, TopicProduceData};
use ottla_wire::messages::produce_response::PartitionProduceResponse;
use ottla_wire::messages::{
    CreateTopicsRequest, DeleteRecordsRequest, DeleteTopicsRequest, FetchRequest,
    IncrementalAlterConfigsRequest, ListOffsetsRequest, MetadataRequest, ProduceRequest,
};
use ottla_wire::{ApiKey, Message, Part, Reader, Request};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(20);
/// What `IncrementalAlterConfigs` calls the kinds of resources.
pub const TOPIC: i8 = 2;
pub const BROKER: i8 = 4;
pub const CLIENT_METRICS: i8 = 16;
pub const GROUP: i8 = 32;

pub struct Client {
    socket: TcpStream,
    next_id: i32,
}

/// Bytes with their size before them.
pub fn framed(body: &[u8]) -> Vec<u8> {
    [&i32::try_from(body.len()).unwrap().to_be_bytes(), body].concat()
}

/// A request with its header, without its size.
pub fn encoded<R: Request>(request: &R, version: i16, id: i32) -> Vec<u8> {
    let parts = encode_request(request, version, id, Some("test".into())).unwrap();
    let bytes = |part: &Part| match part {
        Part::Bytes(bytes) => bytes.to_vec(),
        Part::Hole { .. } => unreachable!("requests have no holes"),
    };
    parts.iter().flat_map(bytes).collect()
}

impl Client {
    pub async fn connect(address: SocketAddr) -> Self {
        Self::try_connect(address).await.unwrap()
    }

    pub async fn try_connect(address: SocketAddr) -> io::Result<Self> {
        let socket = TcpStream::connect(address).await?;
        socket.set_nodelay(true)?;
        Ok(Self { socket, next_id: 1 })
    }

    pub async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.socket.write_all(bytes).await
    }

    /// Is gone without a word: the node's next look at the connection is an error.
    pub fn vanish(self) {
        self.socket.set_zero_linger().unwrap();
    }

    /// The next reply's body, or how the connection ended.
    pub async fn reply(&mut self) -> io::Result<Bytes> {
        let read = async {
            let size = self.socket.read_i32().await?;
            let mut body = vec![0; usize::try_from(size).unwrap()];
            self.socket.read_exact(&mut body).await?;
            Ok(body.into())
        };
        tokio::time::timeout(PATIENCE, read).await.expect("the node is silent")
    }

    /// Sends without waiting; answers the correlation id.
    pub async fn send<R: Request>(&mut self, request: &R, version: i16) -> i32 {
        let id = self.next_id;
        self.next_id += 1;
        self.write(&framed(&encoded(request, version, id))).await.unwrap();
        id
    }

    /// The answer to what was sent with this id.
    pub async fn answer<R: Request>(&mut self, version: i16, id: i32) -> io::Result<R::Response> {
        let mut reader = Reader::for_frame(self.reply().await?);
        let header = ResponseHeader::decode(&mut reader, R::KEY, version).unwrap();
        assert_eq!(header.correlation_id, id);
        let response = R::Response::decode(&mut reader, version).unwrap();
        assert_eq!(reader.remaining(), 0, "bytes behind the end of an answer");
        Ok(response)
    }

    pub async fn call<R: Request>(&mut self, request: &R, version: i16) -> R::Response {
        let id = self.send(request, version).await;
        self.answer::<R>(version, id).await.unwrap_or_else(|error| panic!("{}: {error}", R::KEY))
    }

    /// In the newest version.
    pub async fn ask<R: Request>(&mut self, request: &R) -> R::Response {
        self.call(request, R::KEY.versions().max).await
    }

    /// Asserts that the node closes without another word.
    pub async fn is_closed(&mut self) {
        let error = self.reply().await.expect_err("no reply is due");
        let kinds = [ErrorKind::UnexpectedEof, ErrorKind::ConnectionReset, ErrorKind::BrokenPipe];
        assert!(kinds.contains(&error.kind()), "{error}");
    }

    pub async fn try_create(
        &mut self,
        name: &str,
        partitions: i32,
        configs: &[(&str, &str)],
    ) -> CreatableTopicResult {
        let config = |(name, value): &(&str, &str)| CreatableTopicConfig {
            name: (*name).into(),
            value: Some((*value).into()),
        };
        let topic = CreatableTopic {
            name: name.into(),
            num_partitions: partitions,
            replication_factor: -1,
            configs: configs.iter().map(config).collect(),
            ..Default::default()
        };
        let request = CreateTopicsRequest { topics: vec![topic], ..Default::default() };
        self.ask(&request).await.topics.remove(0)
    }

    /// Creates a topic that must not be there; answers its id.
    pub async fn create(&mut self, name: &str, partitions: i32, configs: &[(&str, &str)]) -> Uuid {
        let created = self.try_create(name, partitions, configs).await;
        assert_eq!(created.error_code, 0, "{:?}", created.error_message);
        created.topic_id
    }

    pub async fn delete(&mut self, name: &str) -> i16 {
        let topic = DeleteTopicState { name: Some(name.into()), ..Default::default() };
        let request = DeleteTopicsRequest { topics: vec![topic], timeout_ms: 30_000, ..Default::default() };
        self.ask(&request).await.responses[0].error_code
    }

    pub async fn topic(&mut self, name: &str, allow_auto_creation: bool) -> MetadataResponseTopic {
        let topic = MetadataRequestTopic { name: Some(name.into()), ..Default::default() };
        let request = MetadataRequest {
            topics: Some(vec![topic]),
            allow_auto_topic_creation: allow_auto_creation,
            ..Default::default()
        };
        self.ask(&request).await.topics.remove(0)
    }

    /// All topics, by name.
    pub async fn topics(&mut self) -> Vec<(String, Uuid)> {
        let request = MetadataRequest { topics: None, ..Default::default() };
        let topics = self.ask(&request).await.topics;
        let named = |topic: MetadataResponseTopic| (topic.name.unwrap().to_string(), topic.topic_id);
        topics.into_iter().map(named).collect()
    }

    /// Produces by name and waits for the answer.
    pub async fn produce(
        &mut self,
        acks: i16,
        topic: &str,
        partition: i32,
        batch: Bytes,
    ) -> PartitionProduceResponse {
        let mut response = self.call(&producing(acks, topic, partition, batch), 12).await;
        response.responses.remove(0).partition_responses.remove(0)
    }

    /// Produces with `acks=all`, which must succeed; answers the offset.
    pub async fn append(&mut self, topic: &str, partition: i32, batch: Bytes) -> i64 {
        let answer = self.produce(-1, topic, partition, batch).await;
        assert_eq!(answer.error_code, 0, "{:?}", answer.error_message);
        answer.base_offset
    }

    /// Fetches by name without waiting.
    pub async fn fetch(&mut self, topic: &str, partition: i32, offset: i64) -> PartitionData {
        let mut response = self.call(&fetching(topic, partition, offset), 12).await;
        response.responses.remove(0).partitions.remove(0)
    }

    /// Every record from an offset on.
    pub async fn read_from(&mut self, topic: &str, partition: i32, offset: i64) -> Vec<(i64, String)> {
        let mut found = Vec::new();
        let mut next = offset;
        loop {
            let data = self.fetch(topic, partition, next).await;
            assert_eq!(data.error_code, 0, "fetch at {next}");
            let records = records_of(&data);
            let Some((last, _)) = records.last() else { return found };
            let after = *last + 1;
            found.extend(records.into_iter().filter(|(at, _)| *at >= next));
            next = after;
        }
    }

    /// The offset that ListOffsets gives for a timestamp, and its epoch; −1 and −2 are latest and earliest.
    pub async fn offset_for(&mut self, topic: &str, partition: i32, timestamp: i64) -> (i64, i32) {
        let partition =
            ListOffsetsPartition { partition_index: partition, current_leader_epoch: -1, timestamp };
        let topic = ListOffsetsTopic { name: topic.into(), partitions: vec![partition] };
        let request = ListOffsetsRequest { replica_id: -1, topics: vec![topic], ..Default::default() };
        let mut answer = self.call(&request, 7).await;
        let answer = answer.topics.remove(0).partitions.remove(0);
        assert_eq!(answer.error_code, 0);
        (answer.offset, answer.leader_epoch)
    }

    /// Deletes records before an offset; answers the new start or the error.
    pub async fn delete_records(&mut self, topic: &str, partition: i32, offset: i64) -> Result<i64, i16> {
        let partition = DeleteRecordsPartition { partition_index: partition, offset };
        let topic = DeleteRecordsTopic { name: topic.into(), partitions: vec![partition] };
        let request = DeleteRecordsRequest { topics: vec![topic], timeout_ms: 30_000 };
        let answer = self.ask(&request).await.topics.remove(0).partitions.remove(0);
        if answer.error_code == 0 { Ok(answer.low_watermark) } else { Err(answer.error_code) }
    }

    /// Sets one value of a topic or broker; answers the error code.
    pub async fn configure(&mut self, kind: i8, resource: &str, name: &str, value: &str) -> i16 {
        let config = AlterableConfig { name: name.into(), config_operation: 0, value: Some(value.into()) };
        let resource = AlterConfigsResource {
            resource_type: kind,
            resource_name: resource.into(),
            configs: vec![config],
        };
        let request = IncrementalAlterConfigsRequest { resources: vec![resource], ..Default::default() };
        self.ask(&request).await.responses[0].error_code
    }

    /// A request that only shows that the node serves.
    pub async fn is_served(&mut self) {
        let request = ottla_wire::messages::ApiVersionsRequest {
            client_software_name: "test".into(),
            client_software_version: "1".into(),
            ..Default::default()
        };
        assert!(
            self.call(&request, 3)
                .await
                .api_keys
                .iter()
                .any(|api| api.api_key == ApiKey::CreateTopics.code())
        );
    }
}

/// One batch for one partition, by name; for versions to 12.
pub fn producing(acks: i16, topic: &str, partition: i32, batch: Bytes) -> ProduceRequest {
    let records = Some(ottla_wire::Records::Bytes(batch));
    let topic = TopicProduceData {
        name: topic.into(),
        partition_data: vec![PartitionProduceData { index: partition, records }],
        ..Default::default()
    };
    ProduceRequest { acks, timeout_ms: 30_000, topic_data: vec![topic], ..Default::default() }
}

/// One partition, by name, without waiting and without a session; for versions to 12.
pub fn fetching(topic: &str, partition: i32, offset: i64) -> FetchRequest {
    let partition = FetchPartition {
        partition,
        fetch_offset: offset,
        partition_max_bytes: 1 << 20,
        ..Default::default()
    };
    let topic = FetchTopic { topic: topic.into(), partitions: vec![partition], ..Default::default() };
    FetchRequest { min_bytes: 1, max_bytes: 50 << 20, topics: vec![topic], ..Default::default() }
}

/// A batch of these values, now.
pub fn batch(values: &[&str]) -> Bytes {
    build(Builder::new(0, Codec::None), values)
}

/// A batch of an idempotent producer.
pub fn idempotent(id: i64, epoch: i16, sequence: i32, values: &[&str]) -> Bytes {
    build(Builder::new(0, Codec::None).producer(id, epoch, sequence), values)
}

pub fn build(mut builder: Builder, values: &[&str]) -> Bytes {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let timestamp = i64::try_from(now.as_millis()).unwrap();
    for value in values {
        builder.push(timestamp, None, Some(value.as_bytes()), &[]);
    }
    builder.finish().unwrap()
}

/// Offsets and values of what a fetch brought; a batch cut off at the end is left out.
pub fn records_of(data: &PartitionData) -> Vec<(i64, String)> {
    let Some(ottla_wire::Records::Bytes(bytes)) = &data.records else { panic!("null records") };
    let mut found = Vec::new();
    for batch in batches(bytes) {
        let batch = batch.expect("whole batches only");
        batch.check_crc().unwrap();
        let mut scratch = Scratch::default();
        let mut records = Records::new(&batch, Limits::for_body(1 << 20), &mut scratch).unwrap();
        while let Some(record) = records.next_record().unwrap() {
            found.push((record.offset, String::from_utf8(record.value.unwrap().to_vec()).unwrap()));
        }
    }
    found
}

/// The code of an error, for comparisons.
pub const fn code(error: ErrorCode) -> i16 {
    error.code()
}
