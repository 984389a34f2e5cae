import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;

/**
 * The client's side of the swap: what stands at an offset follows from topic, partition and offset, so that any broker's
 * answer can be checked without a record of what was written. Topic ids and ends are kept in SCRATCH.
 */
public final class Swap {
    private static final List<String> CODECS = List.of("none", "gzip", "snappy", "lz4", "zstd");
    private static final int MANY = 2500;
    private static final int MORE = 400;
    private static final Path STATE = Path.of(System.getenv("SCRATCH"), "swap.properties");

    /** Topic ids, ends and starts of partitions, and the first timestamp. */
    private static final Properties KNOWN = new Properties();

    private static final SwapGroups GROUPS = new SwapGroups(KNOWN);

    private Swap() {
    }

    private static long base() {
        return Long.parseLong(KNOWN.getProperty("base"));
    }

    private static String value(String topic, int partition, long offset) {
        Random letters = new Random(topic.hashCode() * 31L + partition * 7919L + offset);
        int length = topic.equals("swap-large") ? 3_000_000 : letters.nextInt(900);
        StringBuilder text = new StringBuilder(topic).append('-').append(partition).append('-').append(offset).append(' ');
        for (int i = 0; i < length; i++) {
            text.append((char) ('a' + letters.nextInt(26)));
        }
        return text.toString();
    }

    private static long known(String what, TopicPartition part) {
        return Long.parseLong(KNOWN.getProperty(what + "." + part, "0"));
    }

    /** Appends so many records to a partition and checks the offsets that the broker gave them. */
    private static void write(String topic, int partition, int count, String codec) throws Exception {
        TopicPartition part = new TopicPartition(topic, partition);
        long end = known("end", part);
        try (KafkaProducer<byte[], byte[]> producer = ClientSuite.producer("compression.type", codec, "batch.size", "20000",
            "delivery.timeout.ms", "80000")) {
            List<java.util.concurrent.Future<org.apache.kafka.clients.producer.RecordMetadata>> sent = new ArrayList<>();
            for (long offset = end; offset < end + count; offset++) {
                ProducerRecord<byte[], byte[]> record = new ProducerRecord<>(topic, partition, base() + offset,
                    ClientSuite.bytes("k" + offset), ClientSuite.bytes(value(topic, partition, offset)));
                record.headers().add("n", ClientSuite.bytes(Long.toString(offset))).add("n", ClientSuite.bytes("again"));
                sent.add(producer.send(record));
            }
            for (int i = 0; i < count; i++) {
                Cases.same(sent.get(i).get().offset(), end + i, "offset in " + part);
            }
        }
        KNOWN.setProperty("end." + part, Long.toString(end + count));
    }

    private static void writeEverywhere(int count) throws Exception {
        for (String codec : CODECS) {
            write("swap-" + codec, 0, count, codec);
            write("swap-" + codec, 1, count / 4, codec);
            write("swap-recompressed", 0, count / 10, codec);
        }
        write("swap-configured", 0, 10, "none");
        write("swap-large", 0, 2, "lz4");
        write("swap-grown", 2, 10, "none");
        write("swap-trimmed", 0, count / 5, "gzip");
        for (int i = 0; i < SwapGroups.PARTITIONS; i++) {
            write(SwapGroups.TOPIC, i, 10 + i, "none");
        }
    }

    private static void trim(long before) throws Exception {
        TopicPartition part = new TopicPartition("swap-trimmed", 0);
        try (Admin admin = ClientSuite.admin()) {
            admin.deleteRecords(Map.of(part, RecordsToDelete.beforeOffset(before))).all().get();
        }
        KNOWN.setProperty("start." + part, Long.toString(before));
    }

    private static void alter(ConfigResource.Type type, String name, String key, String value) throws Exception {
        try (Admin admin = ClientSuite.admin()) {
            admin.incrementalAlterConfigs(Map.of(new ConfigResource(type, name),
                List.of(new AlterConfigOp(new ConfigEntry(key, value), AlterConfigOp.OpType.SET)))).all().get();
        }
        KNOWN.setProperty("config." + type + "." + name + "." + key, value);
    }

    private static void create(String name, int partitions, Map<String, String> configs) throws Exception {
        try (Admin admin = ClientSuite.admin()) {
            var made = admin.createTopics(List.of(new NewTopic(name, partitions, (short) 1).configs(configs)));
            KNOWN.setProperty("id." + name, made.topicId(name).get().toString());
            ClientSuite.led(admin, name, partitions);
        }
        KNOWN.setProperty("partitions." + name, Integer.toString(partitions));
        configs.forEach((key, value) -> KNOWN.setProperty("config.TOPIC." + name + "." + key, value));
    }

    private static void delete(String name) throws Exception {
        try (Admin admin = ClientSuite.admin()) {
            admin.deleteTopics(List.of(name)).all().get();
        }
        KNOWN.keySet().removeIf(key -> key.toString().contains(name));
    }

    private static void firstWrites() throws Exception {
        KNOWN.setProperty("base", Long.toString(System.currentTimeMillis() - 1_000_000));
        for (String codec : CODECS) {
            create("swap-" + codec, 2, Map.of("segment.bytes", "1048576", "index.interval.bytes", "1024"));
        }
        create("swap-recompressed", 1, Map.of("compression.type", "zstd"));
        create("swap-configured", 1, Map.of("retention.ms", "86400000", "cleanup.policy", "compact,delete",
            "min.insync.replicas", "1", "message.timestamp.type", "CreateTime", "follower.replication.throttled.replicas", "*"));
        create("swap-large", 1, Map.of("max.message.bytes", "8000000"));
        create("swap-trimmed", 1, Map.of());
        create("swap-victim", 3, Map.of());
        create("swap-gone", 2, Map.of());
        create("swap-grown", 1, Map.of());
        create("swap-empty", 1, Map.of());
        create(SwapGroups.TOPIC, SwapGroups.PARTITIONS, Map.of());
        try (Admin admin = ClientSuite.admin()) {
            admin.createPartitions(Map.of("swap-grown", NewPartitions.increaseTo(3))).all().get();
            ClientSuite.led(admin, "swap-grown", 3);
        }
        KNOWN.setProperty("partitions.swap-grown", "3");
        writeEverywhere(MANY);
        write("swap-victim", 1, 20, "none");
        write("swap-gone", 0, 20, "none");
        delete("swap-gone");
        trim(123);
        alter(ConfigResource.Type.BROKER, "", "log.retention.ms", "604000000");
        alter(ConfigResource.Type.BROKER, "1", "max.connections.per.ip", "2000");
    }

    private static void writesMore() throws Exception {
        writeEverywhere(MORE);
        create("swap-new", 2, Map.of("segment.bytes", "1048576"));
        write("swap-new", 1, MANY, "snappy");
        alter(ConfigResource.Type.TOPIC, "swap-configured", "retention.ms", "43200000");
        alter(ConfigResource.Type.BROKER, "", "log.retention.ms", "603000000");
        delete("swap-victim");
        trim(456);
    }

    private static Set<String> topics() {
        Set<String> names = new HashSet<>();
        KNOWN.stringPropertyNames().stream().filter(key -> key.startsWith("id.")).forEach(key -> names.add(key.substring(3)));
        return names;
    }

    private static List<TopicPartition> partitions() {
        List<TopicPartition> all = new ArrayList<>();
        for (String topic : topics()) {
            for (int i = 0; i < Integer.parseInt(KNOWN.getProperty("partitions." + topic)); i++) {
                all.add(new TopicPartition(topic, i));
            }
        }
        return all;
    }

    private static void everyRecord() throws Exception {
        try (KafkaConsumer<byte[], byte[]> consumer = ClientSuite.consumer("fetch.max.bytes", "52428800")) {
            List<TopicPartition> all = partitions();
            Map<TopicPartition, Long> next = new HashMap<>();
            long left = 0;
            Map<TopicPartition, Long> starts = consumer.beginningOffsets(all);
            Map<TopicPartition, Long> ends = consumer.endOffsets(all);
            for (TopicPartition part : all) {
                Cases.same(starts.get(part), known("start", part), "start of " + part);
                Cases.same(ends.get(part), known("end", part), "end of " + part);
                next.put(part, known("start", part));
                left += known("end", part) - known("start", part);
            }
            consumer.assign(all);
            consumer.seekToBeginning(all);
            long deadline = System.nanoTime() + Duration.ofSeconds(60).toNanos();
            while (left > 0) {
                Cases.holds(System.nanoTime() < deadline, left + " records did not come");
                for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(200))) {
                    check(record, next);
                    left--;
                }
            }
        }
    }

    private static void check(ConsumerRecord<byte[], byte[]> record, Map<TopicPartition, Long> next) {
        TopicPartition part = new TopicPartition(record.topic(), record.partition());
        long offset = next.get(part);
        Cases.same(record.offset(), offset, "offset in " + part);
        Cases.same(ClientSuite.text(record.key()), "k" + offset, "key in " + part);
        Cases.same(ClientSuite.text(record.value()), value(part.topic(), part.partition(), offset), "value in " + part);
        Cases.same(record.timestamp(), base() + offset, "timestamp in " + part);
        Cases.same(record.headers().toArray().length, 2, "headers in " + part);
        Cases.same(ClientSuite.text(record.headers().toArray()[1].value()), "again", "second header in " + part);
        next.put(part, offset + 1);
    }

    private static void byTime() {
        try (KafkaConsumer<byte[], byte[]> consumer = ClientSuite.consumer()) {
            for (TopicPartition part : partitions()) {
                long end = known("end", part);
                for (long offset = known("start", part); offset < end; offset += Math.max(1, end / 20)) {
                    var found = consumer.offsetsForTimes(Map.of(part, base() + offset)).get(part);
                    Cases.holds(found != null, "no offset for the time of " + offset + " in " + part);
                    Cases.same(found.offset(), offset, "offset by time in " + part);
                }
            }
        }
    }

    private static void topicsAndConfigs() throws Exception {
        try (Admin admin = ClientSuite.admin()) {
            Set<String> names = topics();
            Cases.same(new TreeMap<>(admin.describeTopics(admin.listTopics().names().get()).allTopicNames().get()).keySet(),
                new java.util.TreeSet<>(names), "topics");
            for (TopicDescription topic : admin.describeTopics(names).allTopicNames().get().values()) {
                Cases.same(topic.topicId().toString(), KNOWN.getProperty("id." + topic.name()), "id of " + topic.name());
                Cases.same(Integer.toString(topic.partitions().size()), KNOWN.getProperty("partitions." + topic.name()), "partitions");
                topic.partitions().forEach(part -> Cases.same(part.leader().id(), 1, "leader in " + topic.name()));
            }
            for (String key : KNOWN.stringPropertyNames()) {
                if (key.startsWith("config.")) {
                    String[] words = key.split("\\.", 4);
                    ConfigResource resource = new ConfigResource(ConfigResource.Type.valueOf(words[1]), words[2]);
                    Config found = admin.describeConfigs(List.of(resource)).all().get().get(resource);
                    Cases.same(found.get(words[3]).value(), KNOWN.getProperty(key), key);
                }
            }
            Cases.same(admin.describeFeatures().featureMetadata().get().finalizedFeatures().get("metadata.version").maxVersionLevel(),
                (short) 30, "metadata.version");
        }
    }

    private static void load() throws IOException {
        try (var text = Files.newBufferedReader(STATE)) {
            KNOWN.load(text);
        }
    }

    private static void keep() {
        try (var text = Files.newBufferedWriter(STATE)) {
            KNOWN.store(text, null);
        } catch (IOException problem) {
            throw new IllegalStateException(problem);
        }
    }

    private static void groupsAreMade(String part) throws Exception {
        GROUPS.make(part);
        GROUPS.note();
    }

    /** Arguments: the part (first, middle, last) and whose directory it was at first (kafka, ours). */
    public static void main(String[] arguments) throws IOException {
        Cases cases = new Cases(new String[0]);
        boolean ours = arguments[1].equals("ours");
        switch (arguments[0]) {
            case "first" -> {
                cases.run(ours ? "swap/ours-writes" : "swap/kafka-writes", 100, Swap::firstWrites);
                cases.run(ours ? "swap/ours-makes-groups" : "swap/kafka-makes-groups", 90, () -> groupsAreMade("first"));
            }
            case "middle" -> {
                load();
                cases.run(ours ? "swap/kafka-keeps-groups-of-ours" : "swap/broker-keeps-groups", 30, GROUPS::kept);
                cases.run(ours ? "swap/kafka-goes-on-with-groups-of-ours" : "swap/broker-goes-on-with-groups", 120, () -> GROUPS.goOn("first"));
                cases.run(ours ? "swap/kafka-serves-every-record-of-ours" : "swap/broker-serves-every-record", 90, Swap::everyRecord);
                cases.run(ours ? "swap/kafka-looks-up-by-time-in-ours" : "swap/broker-looks-up-by-time", 60, Swap::byTime);
                cases.run(ours ? "swap/kafka-shows-topics-and-configs-of-ours" : "swap/broker-shows-topics-and-configs", 30,
                    Swap::topicsAndConfigs);
                cases.run(ours ? "swap/kafka-writes-more-to-ours" : "swap/broker-writes-more", 90, Swap::writesMore);
                cases.run(ours ? "swap/kafka-serves-what-it-wrote-to-ours" : "swap/broker-serves-what-it-wrote", 90, Swap::everyRecord);
                cases.run(ours ? "swap/kafka-makes-groups-in-ours" : "swap/broker-makes-groups", 90, () -> groupsAreMade("middle"));
            }
            case "last" -> {
                load();
                cases.run(ours ? "swap/ours-keeps-groups" : "swap/kafka-keeps-groups", 30, GROUPS::kept);
                cases.run(ours ? "swap/ours-goes-on-with-groups" : "swap/kafka-goes-on-with-groups", 120, () -> {
                    GROUPS.goOn("middle");
                    GROUPS.goOnEmpty("first");
                });
                cases.run(ours ? "swap/ours-serves-every-record" : "swap/kafka-serves-every-record", 90, Swap::everyRecord);
                cases.run(ours ? "swap/ours-looks-up-by-time" : "swap/kafka-looks-up-by-time", 60, Swap::byTime);
                cases.run(ours ? "swap/ours-shows-topics-and-configs" : "swap/kafka-shows-topics-and-configs", 30, Swap::topicsAndConfigs);
                cases.run(ours ? "swap/ours-writes-on" : "swap/kafka-writes-on", 60, () -> writeEverywhere(MORE));
            }
            default -> throw new IllegalArgumentException(arguments[0]);
        }
        keep();
        cases.end();
    }
}
