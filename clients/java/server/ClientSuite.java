import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.CreateTopicsOptions;
import org.apache.kafka.clients.admin.DescribeClusterOptions;
import org.apache.kafka.clients.admin.DescribeConfigsOptions;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetOutOfRangeException;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicCollection;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.InvalidConfigurationException;
import org.apache.kafka.common.errors.InvalidPartitionsException;
import org.apache.kafka.common.errors.InvalidReplicationFactorException;
import org.apache.kafka.common.errors.InvalidTopicException;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.errors.TopicExistsException;
import org.apache.kafka.common.errors.UnknownTopicIdException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** The Java client of 4.4.0: producer, assigning consumer, admin. */
public final class ClientSuite {
    private static final int MIB = 1 << 20;

    private ClientSuite() {
    }

    static Admin admin() {
        return Admin.create(Map.of("bootstrap.servers", Cases.BOOTSTRAP, "default.api.timeout.ms", "15000", "request.timeout.ms", "10000"));
    }

    static String create(String name, int partitions, String... configs) throws Exception {
        Map<String, String> wanted = new HashMap<>();
        for (int i = 0; i < configs.length; i += 2) {
            wanted.put(configs[i], configs[i + 1]);
        }
        try (Admin admin = admin()) {
            admin.createTopics(List.of(new NewTopic(name, partitions, (short) 1).configs(wanted))).all().get();
            if ("kafka".equals(System.getenv("BROKER"))) {
                led(admin, name, partitions);
            }
        }
        return name;
    }

    /**
     * Waits until all partitions are led. On Kafka a topic may not be yet when its creation is answered, and an idempotent
     * producer that loses its first batch to that, with others in flight, never recovers.
     */
    static void led(Admin admin, String name, int partitions) throws Exception {
        Map<TopicPartition, OffsetSpec> all = new HashMap<>();
        for (int i = 0; i < partitions; i++) {
            all.put(new TopicPartition(name, i), OffsetSpec.latest());
        }
        Cases.eventually("a leader for " + name, () -> {
            try {
                admin.listOffsets(all).all().get();
                return true;
            } catch (java.util.concurrent.ExecutionException problem) {
                return false;
            }
        });
    }

    static KafkaProducer<byte[], byte[]> producer(String... settings) {
        Map<String, Object> all = new HashMap<>(Map.of("bootstrap.servers", Cases.BOOTSTRAP, "linger.ms", "5",
            "max.request.size", Integer.toString(12 * MIB), "delivery.timeout.ms", "20000", "request.timeout.ms", "10000"));
        for (int i = 0; i < settings.length; i += 2) {
            all.put(settings[i], settings[i + 1]);
        }
        return new KafkaProducer<>(all, new ByteArraySerializer(), new ByteArraySerializer());
    }

    static List<RecordMetadata> produce(List<ProducerRecord<byte[], byte[]>> records, String... settings) throws Exception {
        try (KafkaProducer<byte[], byte[]> producer = producer(settings)) {
            List<Future<RecordMetadata>> pending = records.stream().map(producer::send).collect(Collectors.toList());
            producer.flush();
            List<RecordMetadata> done = new ArrayList<>();
            for (Future<RecordMetadata> one : pending) {
                done.add(one.get());
            }
            return done;
        }
    }

    static ProducerRecord<byte[], byte[]> record(String topic, String value) {
        return new ProducerRecord<>(topic, 0, null, bytes(value));
    }

    static List<ProducerRecord<byte[], byte[]>> numbered(String topic, int count) {
        return IntStream.range(0, count).mapToObj(i -> record(topic, Integer.toString(i))).collect(Collectors.toList());
    }

    static KafkaConsumer<byte[], byte[]> consumer(String... settings) {
        Map<String, Object> all = new HashMap<>(Map.of("bootstrap.servers", Cases.BOOTSTRAP, "auto.offset.reset", "none",
            "enable.auto.commit", "false", "allow.auto.create.topics", "false", "default.api.timeout.ms", "15000", "request.timeout.ms", "12000"));
        for (int i = 0; i < settings.length; i += 2) {
            all.put(settings[i], settings[i + 1]);
        }
        return new KafkaConsumer<>(all, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }

    /** Everything from the offset (-2: the beginning) to the end that the broker tells. */
    static List<ConsumerRecord<byte[], byte[]>> consume(String topic, long offset, String... settings) {
        TopicPartition part = new TopicPartition(topic, 0);
        List<ConsumerRecord<byte[], byte[]>> got = new ArrayList<>();
        try (KafkaConsumer<byte[], byte[]> consumer = consumer(settings)) {
            consumer.assign(List.of(part));
            if (offset < 0) {
                consumer.seekToBeginning(List.of(part));
            } else {
                consumer.seek(part, offset);
            }
            long end = consumer.endOffsets(List.of(part)).get(part);
            long deadline = System.nanoTime() + Duration.ofSeconds(20).toNanos();
            while (consumer.position(part) < end) {
                Cases.holds(System.nanoTime() < deadline, "the end " + end + " is not reached at " + consumer.position(part));
                consumer.poll(Duration.ofMillis(200)).forEach(got::add);
            }
        }
        return got;
    }

    static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    static byte[] payload(int size, int seed) {
        byte[] all = new byte[size];
        for (int i = 0; i < size; i++) {
            all[i] = (byte) (i * 31 + seed * 7 + (i >> 5));
        }
        return all;
    }

    static String text(byte[] data) {
        return data == null ? null : new String(data, StandardCharsets.UTF_8);
    }

    static void codecs() throws Exception {
        String name = create(Cases.topic("codecs"), 1);
        List<String> sent = new ArrayList<>();
        for (String codec : List.of("none", "gzip", "snappy", "lz4", "zstd")) {
            List<ProducerRecord<byte[], byte[]>> records = new ArrayList<>();
            for (int i = 0; i < 50; i++) {
                records.add(record(name, codec + i + "x".repeat(3000)));
                sent.add(codec + i + "x".repeat(3000));
            }
            produce(records, "compression.type", codec);
        }
        Cases.same(consume(name, -2, "check.crcs", "true").stream().map(r -> text(r.value())).toList(), sent, "values");
    }

    static void brokerCodecs() throws Exception {
        for (String codec : List.of("uncompressed", "gzip", "snappy", "lz4", "zstd")) {
            String name = create(Cases.topic("to-" + codec), 1, "compression.type", codec);
            for (String from : List.of("none", "gzip", "snappy", "lz4", "zstd")) {
                produce(numbered(name, 20), "compression.type", from);
            }
            List<String> got = consume(name, -2).stream().map(r -> text(r.value())).toList();
            Cases.same(got.size(), 100, "records of " + codec);
            Cases.same(got.get(99), "19", "last of " + codec);
        }
    }

    static void acks() throws Exception {
        String name = create(Cases.topic("acks"), 1);
        produce(numbered(name, 10), "acks", "0", "enable.idempotence", "false");
        Cases.eventually("records of acks=0", () -> consume(name, -2).size() == 10);
        produce(numbered(name, 10), "acks", "1", "enable.idempotence", "false");
        Cases.same(produce(numbered(name, 10), "acks", "all").get(9).offset(), 29L, "offset");
    }

    static void idempotent() throws Exception {
        String name = create(Cases.topic("idempotent"), 1);
        List<RecordMetadata> done = produce(numbered(name, 3000), "batch.size", "400", "linger.ms", "0");
        for (int i = 0; i < 3000; i++) {
            Cases.same(done.get(i).offset(), (long) i, "offset");
        }
    }

    static void headers() throws Exception {
        String name = create(Cases.topic("headers"), 1);
        List<Header> headers = List.of(new RecordHeader("same", bytes("1")), new RecordHeader("same", bytes("2")),
            new RecordHeader("none", (byte[]) null), new RecordHeader("", bytes("")));
        produce(List.of(new ProducerRecord<>(name, 0, null, null), new ProducerRecord<>(name, 0, bytes(""), bytes("")),
            new ProducerRecord<>(name, 0, bytes("k"), null), new ProducerRecord<>(name, 0, null, bytes("k"), bytes("v"), headers)));
        List<ConsumerRecord<byte[], byte[]>> got = consume(name, -2);
        Cases.same(got.stream().map(r -> text(r.key()) + "=" + text(r.value())).toList(),
            List.of("null=null", "=", "k=null", "k=v"), "records");
        Cases.same(Arrays.asList(got.get(3).headers().toArray()), headers, "headers");
    }

    static void sizes() throws Exception {
        String name = create(Cases.topic("sizes"), 1, "max.message.bytes", Integer.toString(12 * MIB));
        List<Integer> sizes = List.of(1, 100, 16_384, 65_536, MIB, 10 * MIB);
        produce(sizes.stream().map(n -> new ProducerRecord<byte[], byte[]>(name, 0, null, payload(n, n))).toList());
        List<ConsumerRecord<byte[], byte[]>> got = consume(name, -2);
        for (int i = 0; i < sizes.size(); i++) {
            Cases.holds(Arrays.equals(got.get(i).value(), payload(sizes.get(i), sizes.get(i))), "record of " + sizes.get(i));
        }
    }

    static void inside() throws Exception {
        String name = create(Cases.topic("inside"), 1);
        produce(numbered(name, 1000), "linger.ms", "300", "batch.size", "1000000", "compression.type", "zstd");
        for (long start : List.of(1L, 500L, 999L)) {
            List<ConsumerRecord<byte[], byte[]>> got = consume(name, start);
            Cases.same(got.get(0).offset(), start, "first offset");
            Cases.same((long) got.size(), 1000 - start, "records");
        }
    }

    static void timestamps() throws Exception {
        String name = create(Cases.topic("times"), 1);
        long start = System.currentTimeMillis() - 1_000_000;
        List<ProducerRecord<byte[], byte[]>> records = new ArrayList<>();
        for (int i = 0; i < 300; i++) {
            records.add(new ProducerRecord<>(name, 0, start + (i == 200 ? 900_000 : i * 1000L), null, bytes("v" + i)));
        }
        produce(records, "compression.type", "lz4");
        TopicPartition part = new TopicPartition(name, 0);
        try (KafkaConsumer<byte[], byte[]> consumer = consumer(); Admin admin = admin()) {
            var found = consumer.offsetsForTimes(Map.of(part, start + 99_001)).get(part);
            Cases.same(found.offset(), 100L, "offset");
            Cases.same(found.timestamp(), start + 100_000, "timestamp");
            Cases.same(found.leaderEpoch(), Optional.of(0), "epoch of the offset");
            Cases.same(consumer.offsetsForTimes(Map.of(part, start + 999_000)).get(part), null, "past the end");
            var highest = admin.listOffsets(Map.of(part, OffsetSpec.maxTimestamp())).partitionResult(part).get();
            Cases.same(highest.offset(), 200L, "offset of the highest timestamp");
            Cases.same(admin.listOffsets(Map.of(part, OffsetSpec.earliest())).partitionResult(part).get().offset(), 0L, "earliest");
            Cases.same(admin.listOffsets(Map.of(part, OffsetSpec.earliestLocal())).partitionResult(part).get().offset(), 0L, "local");
            Cases.same(admin.listOffsets(Map.of(part, OffsetSpec.latestTiered())).partitionResult(part).get().offset(), -1L, "tiered");
        }
    }

    static void readCommitted() throws Exception {
        String name = create(Cases.topic("committed"), 1);
        produce(numbered(name, 10));
        Cases.same(consume(name, -2, "isolation.level", "read_committed").size(), 10, "records");
    }

    static void errorsOfConsumers() throws Exception {
        String name = create(Cases.topic("range"), 1);
        produce(numbered(name, 5));
        TopicPartition part = new TopicPartition(name, 0);
        try (KafkaConsumer<byte[], byte[]> consumer = consumer()) {
            consumer.assign(List.of(part));
            consumer.seek(part, 77);
            Cases.refused(OffsetOutOfRangeException.class, () -> consumer.poll(Duration.ofSeconds(10)));
            Cases.holds(!consumer.listTopics().containsKey("nowhere"), "listed");
        }
        try (KafkaConsumer<byte[], byte[]> consumer = consumer()) {
            Cases.same(consumer.partitionsFor(Cases.topic("nowhere")), List.of(), "partitions of a missing topic");
        }
    }

    static void topics() throws Exception {
        String name = Cases.topic("life");
        try (Admin admin = admin()) {
            var made = admin.createTopics(List.of(new NewTopic(name, Optional.empty(), Optional.empty())
                .configs(Map.of("retention.ms", "4242"))));
            Cases.same(made.numPartitions(name).get(), 1, "partitions by default");
            Cases.same(made.config(name).get().get("retention.ms").value(), "4242", "config in the answer");
            Uuid id = made.topicId(name).get();
            var described = admin.describeTopics(List.of(name)).allTopicNames().get().get(name);
            Cases.same(described.topicId(), id, "topic id");
            Cases.same(described.partitions().get(0).leader().id(), 1, "leader");
            Cases.refused(TopicExistsException.class, () -> admin.createTopics(List.of(new NewTopic(name, 1, (short) 1))).all().get());
            Cases.refused(InvalidReplicationFactorException.class,
                () -> admin.createTopics(List.of(new NewTopic(name + "r", 1, (short) 3))).all().get());
            Cases.refused(InvalidPartitionsException.class,
                () -> admin.createTopics(List.of(new NewTopic(name + "p", 0, (short) 1))).all().get());
            Cases.refused(InvalidTopicException.class, () -> admin.createTopics(List.of(new NewTopic("no/slash", 1, (short) 1))).all().get());
            Cases.refused(InvalidConfigurationException.class, () -> admin.createTopics(List.of(new NewTopic(name + "c", 1, (short) 1)
                .configs(Map.of("retention.ms", "soon")))).all().get());
            admin.createTopics(List.of(new NewTopic(name + "dry", 1, (short) 1)), new CreateTopicsOptions().validateOnly(true)).all().get();
            Cases.holds(!admin.listTopics().names().get().contains(name + "dry"), "a dry run created the topic");
            admin.createPartitions(Map.of(name, NewPartitions.increaseTo(3))).all().get();
            Cases.eventually("growth", () -> admin.describeTopics(List.of(name)).allTopicNames().get().get(name).partitions().size() == 3);
            Cases.refused(InvalidPartitionsException.class, () -> admin.createPartitions(Map.of(name, NewPartitions.increaseTo(2))).all().get());
            admin.deleteTopics(TopicCollection.ofTopicIds(List.of(id))).all().get();
            Cases.eventually("deletion", () -> !admin.listTopics().names().get().contains(name));
            Cases.refused(UnknownTopicOrPartitionException.class, () -> admin.deleteTopics(List.of(name)).all().get());
            Cases.refused(UnknownTopicIdException.class, () -> admin.deleteTopics(TopicCollection.ofTopicIds(List.of(id))).all().get());
        }
    }

    static void configs() throws Exception {
        String name = create(Cases.topic("configs"), 1, "cleanup.policy", "delete");
        ConfigResource topic = new ConfigResource(ConfigResource.Type.TOPIC, name);
        ConfigResource broker = new ConfigResource(ConfigResource.Type.BROKER, "1");
        ConfigResource all = new ConfigResource(ConfigResource.Type.BROKER, "");
        try (Admin admin = admin()) {
            DescribeConfigsOptions full = new DescribeConfigsOptions().includeSynonyms(true).includeDocumentation(true);
            Config found = admin.describeConfigs(List.of(topic), full).all().get().get(topic);
            ConfigEntry policy = found.get("cleanup.policy");
            Cases.same(policy.source(), ConfigEntry.ConfigSource.DYNAMIC_TOPIC_CONFIG, "source");
            Cases.same(policy.type(), ConfigEntry.ConfigType.LIST, "type");
            Cases.holds(policy.documentation() != null && !policy.documentation().isEmpty(), "no documentation");
            Cases.same(policy.synonyms().get(1).name(), "log.cleanup.policy", "synonym");
            Cases.same(found.get("segment.bytes").source(), ConfigEntry.ConfigSource.DEFAULT_CONFIG, "source of a default");
            alter(admin, topic, "retention.ms", "5000", AlterConfigOp.OpType.SET);
            Cases.eventually("retention.ms", () -> admin.describeConfigs(List.of(topic)).all().get().get(topic).get("retention.ms").value().equals("5000"));
            Cases.refused(InvalidConfigurationException.class, () -> alter(admin, topic, "segment.bytes", "-5", AlterConfigOp.OpType.SET));
            Cases.refused(InvalidConfigurationException.class, () -> alter(admin, topic, "no.such.key", "1", AlterConfigOp.OpType.SET));
            Cases.refused(InvalidConfigurationException.class, () -> alter(admin, topic, "retention.ms", "1", AlterConfigOp.OpType.APPEND));
            Config node = admin.describeConfigs(List.of(broker)).all().get().get(broker);
            Cases.same(node.get("node.id").value(), "1", "node.id");
            Cases.same(node.get("node.id").isReadOnly(), true, "node.id is read only");
            alter(admin, all, "log.retention.ms", "123456789", AlterConfigOp.OpType.SET);
            Cases.eventually("cluster default", () -> admin.describeConfigs(List.of(broker)).all().get().get(broker)
                .get("log.retention.ms").source() == ConfigEntry.ConfigSource.DYNAMIC_DEFAULT_BROKER_CONFIG);
            alter(admin, all, "log.retention.ms", null, AlterConfigOp.OpType.DELETE);
            alter(admin, broker, "max.connections.per.ip", "5000", AlterConfigOp.OpType.SET);
            Cases.eventually("broker config", () -> admin.describeConfigs(List.of(broker)).all().get().get(broker)
                .get("max.connections.per.ip").source() == ConfigEntry.ConfigSource.DYNAMIC_BROKER_CONFIG);
            alter(admin, broker, "max.connections.per.ip", null, AlterConfigOp.OpType.DELETE);
            Cases.refused(UnknownTopicOrPartitionException.class, () -> admin.describeConfigs(
                List.of(new ConfigResource(ConfigResource.Type.TOPIC, "nowhere"))).all().get());
            Collection<ConfigResource> listed = admin.listConfigResources().all().get();
            Cases.holds(listed.contains(topic), "the topic is not among the config resources");
        }
    }

    private static Void alter(Admin admin, ConfigResource resource, String key, String value, AlterConfigOp.OpType kind) throws Exception {
        Map<ConfigResource, Collection<AlterConfigOp>> wanted = new HashMap<>();
        wanted.put(resource, List.of(new AlterConfigOp(new ConfigEntry(key, value), kind)));
        return admin.incrementalAlterConfigs(wanted).all().get();
    }

    static void deleteRecords() throws Exception {
        String name = create(Cases.topic("trimmed"), 1);
        produce(numbered(name, 100));
        TopicPartition part = new TopicPartition(name, 0);
        try (Admin admin = admin()) {
            Cases.same(admin.deleteRecords(Map.of(part, RecordsToDelete.beforeOffset(60))).lowWatermarks().get(part).get().lowWatermark(), 60L, "low");
            Cases.same(consume(name, -2).get(0).offset(), 60L, "first offset");
            Cases.same(admin.deleteRecords(Map.of(part, RecordsToDelete.beforeOffset(-1))).lowWatermarks().get(part).get().lowWatermark(), 100L, "low");
            Cases.same(consume(name, -2).size(), 0, "records left");
            Cases.refused(org.apache.kafka.common.errors.OffsetOutOfRangeException.class,
                () -> admin.deleteRecords(Map.of(part, RecordsToDelete.beforeOffset(500))).all().get());
        }
    }

    static void cluster() throws Exception {
        try (Admin admin = admin()) {
            var found = admin.describeCluster(new DescribeClusterOptions().includeAuthorizedOperations(true));
            Cases.same(found.nodes().get().size(), 1, "nodes");
            Cases.holds(found.clusterId().get().length() == 22, "cluster id " + found.clusterId().get());
            Cases.holds(admin.describeMetadataQuorum().quorumInfo().get().leaderId() == 1, "quorum leader");
            var features = admin.describeFeatures().featureMetadata().get();
            Cases.holds(features.finalizedFeatures().containsKey("metadata.version"), "no metadata.version");
            Cases.same(admin.listPartitionReassignments().reassignments().get(), Map.of(), "reassignments");
            String name = create(Cases.topic("sized"), 1);
            produce(numbered(name, 10));
            long size = admin.describeLogDirs(List.of(1)).allDescriptions().get().get(1).values().iterator().next()
                .replicaInfos().get(new TopicPartition(name, 0)).size();
            Cases.holds(size > 100, "size " + size);
        }
    }

    static void tooLarge() throws Exception {
        String name = create(Cases.topic("small"), 1, "max.message.bytes", "20000");
        Cases.refused(RecordTooLargeException.class, () -> produce(List.of(record(name, "x".repeat(60_000)))));
        Cases.same(produce(numbered(name, 3)).get(2).offset(), 2L, "offset after it");
    }

    static void missing() throws Exception {
        String name = create(Cases.topic("one"), 1);
        Cases.refused(org.apache.kafka.common.errors.TimeoutException.class, () -> produce(
            List.of(new ProducerRecord<>(name, 9, null, bytes("x"))), "max.block.ms", "1500"));
        Cases.refused(InvalidTopicException.class, () -> produce(List.of(record("no/slash", "x")), "max.block.ms", "5000"));
    }

    static void automatic() throws Exception {
        String name = Cases.topic("automatic");
        Cases.same(produce(numbered(name, 1)).get(0).offset(), 0L, "offset");
    }

    static void deletedAndMadeAgain() throws Exception {
        String name = create(Cases.topic("again"), 1);
        try (KafkaProducer<byte[], byte[]> producer = producer("metadata.max.age.ms", "1000"); Admin admin = admin()) {
            producer.send(record(name, "old")).get();
            admin.deleteTopics(List.of(name)).all().get();
            Cases.eventually("deletion", () -> !admin.listTopics().names().get().contains(name));
            create(name, 1);
            Cases.same(producer.send(record(name, "new")).get().offset(), 0L, "offset in the new topic");
        }
        Cases.same(text(consume(name, -2).get(0).value()), "new", "value");
    }

    public static void main(String[] arguments) {
        Cases cases = new Cases(arguments);
        cases.run("java/every-codec", 60, ClientSuite::codecs);
        cases.run("java/broker-recompresses", 60, ClientSuite::brokerCodecs);
        cases.run("java/acks", 30, ClientSuite::acks);
        cases.run("java/idempotent-producer", 30, ClientSuite::idempotent);
        cases.run("java/headers-keys-and-values", 30, ClientSuite::headers);
        cases.run("java/records-of-1-byte-to-10-mib", 60, ClientSuite::sizes);
        cases.run("java/from-an-offset-inside-a-batch", 30, ClientSuite::inside);
        cases.run("java/timestamps-and-special-offsets", 30, ClientSuite::timestamps);
        cases.run("java/read-committed-reaches-the-end", 30, ClientSuite::readCommitted);
        cases.run("java/errors-of-consumers", 30, ClientSuite::errorsOfConsumers);
        cases.run("java/topics", 40, ClientSuite::topics);
        cases.run("java/configs", 40, ClientSuite::configs);
        cases.run("java/delete-records", 30, ClientSuite::deleteRecords);
        cases.run("java/cluster", 30, ClientSuite::cluster);
        cases.run("java/too-large-a-record", 30, ClientSuite::tooLarge);
        cases.run("java/missing-partition-and-invalid-name", 30, ClientSuite::missing);
        cases.run("java/first-produce-creates-the-topic", 30, ClientSuite::automatic);
        cases.run("java/topic-deleted-and-made-again", 40, ClientSuite::deletedAndMadeAgain);
        cases.end();
    }
}
