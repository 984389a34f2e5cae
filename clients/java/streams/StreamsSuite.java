import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;

/** Kafka Streams of 4.3.1, at least once and by the classic protocol: the count of words. */
public final class StreamsSuite {
    private static final int PATIENCE = 60;

    private StreamsSuite() {
    }

    /** An application with its topics, and what its output should say. */
    private static final class Words {
        final String name;
        final String input;
        final String output;
        final Map<String, Long> wanted = new HashMap<>();

        Words(String name) throws Exception {
            this.name = Cases.topic(name);
            input = this.name + "-input";
            output = this.name + "-output";
            try (Admin admin = admin()) {
                admin.createTopics(List.of(new NewTopic(input, 3, (short) 1), new NewTopic(output, 2, (short) 1))).all().get();
            }
        }

        void write(String... lines) throws Exception {
            Map<String, Object> settings = Map.of("bootstrap.servers", Cases.BOOTSTRAP, "delivery.timeout.ms", "20000", "request.timeout.ms", "10000");
            try (KafkaProducer<String, String> producer = new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer())) {
                for (String line : lines) {
                    producer.send(new ProducerRecord<>(input, Integer.toString(line.hashCode()), line)).get();
                    Arrays.stream(line.split(" ")).forEach(word -> wanted.merge(word, 1L, Long::sum));
                }
            }
        }

        private Topology topology() {
            StreamsBuilder builder = new StreamsBuilder();
            builder.stream(input, Consumed.with(Serdes.String(), Serdes.String()))
                .flatMapValues(line -> Arrays.asList(line.split(" ")))
                .groupBy((key, word) -> word, Grouped.with("words", Serdes.String(), Serdes.String()))
                .count(Materialized.as("counts"))
                .toStream().to(output, Produced.with(Serdes.String(), Serdes.Long()));
            return builder.build();
        }

        /** Starts an instance on an empty directory: what it knew comes from its changelog. */
        KafkaStreams start() throws Exception {
            Properties settings = new Properties();
            settings.putAll(Map.of("application.id", name, "bootstrap.servers", Cases.BOOTSTRAP, "commit.interval.ms", "200", "num.stream.threads", "2",
                "state.dir", Files.createTempDirectory("streams").toString(), "session.timeout.ms", "6000", "heartbeat.interval.ms", "1000",
                "repartition.purge.interval.ms", "200"));
            KafkaStreams streams = new KafkaStreams(topology(), settings);
            streams.start();
            Cases.eventually(() -> name + " running: " + streams.state(), PATIENCE, () -> streams.state() == KafkaStreams.State.RUNNING);
            return streams;
        }

        /** The last count of each word is the right one, and no count was written that never was. */
        void counted() throws Exception {
            try (Member reader = Member.join("classic", name + "-reader-" + wanted.hashCode(), List.of(output))) {
                Map<String, Long> found = new HashMap<>();
                Cases.eventually(() -> wanted + ", found " + found, PATIENCE, () -> {
                    found.clear();
                    for (ConsumerRecord<byte[], byte[]> record : reader.records()) {
                        found.merge(new String(record.key(), StandardCharsets.UTF_8), ByteBuffer.wrap(record.value()).getLong(), Math::max);
                    }
                    return found.equals(wanted);
                });
            }
        }
    }

    private static Admin admin() {
        return Admin.create(Map.of("bootstrap.servers", Cases.BOOTSTRAP));
    }

    private static void close(KafkaStreams streams) {
        Cases.holds(streams.close(Duration.ofSeconds(30)), "it did not close");
    }

    static void words() throws Exception {
        Words words = new Words("streams-words");
        words.write("all streams lead to kafka", "hello kafka streams", "join kafka summit");
        KafkaStreams streams = words.start();
        words.counted();
        words.write("to be or not to be", "kafka");
        words.counted();
        close(streams);
        words.write("streams go on", "kafka");
        streams = words.start();
        words.counted();
        close(streams);
    }

    static void instances() throws Exception {
        Words words = new Words("streams-instances");
        words.write("one two three", "two three", "three");
        KafkaStreams one = words.start();
        words.counted();
        KafkaStreams two = words.start();
        Cases.eventually(() -> "shares: " + one.metadataForLocalThreads() + two.metadataForLocalThreads(), PATIENCE, () -> active(one) == 3 && active(two) == 3);
        words.write("four three two", "four");
        words.counted();
        close(one);
        Cases.eventually(() -> "all of it: " + two.metadataForLocalThreads(), PATIENCE, () -> active(two) == 6);
        words.write("five four");
        words.counted();
        close(two);
    }

    private static int active(KafkaStreams streams) {
        return streams.metadataForLocalThreads().stream().mapToInt(thread -> thread.activeTasks().size()).sum();
    }

    /** Topics of its own: a compacted changelog, and a repartition topic that is deleted as it is read. */
    static void internalTopics() throws Exception {
        Words words = new Words("streams-internal");
        words.write("a b c", "a b", "a");
        KafkaStreams streams = words.start();
        words.counted();
        try (Admin admin = admin()) {
            ConfigResource changelog = new ConfigResource(ConfigResource.Type.TOPIC, words.name + "-counts-changelog");
            ConfigResource repartition = new ConfigResource(ConfigResource.Type.TOPIC, words.name + "-words-repartition");
            var found = admin.describeConfigs(List.of(changelog, repartition)).all().get();
            Cases.same(found.get(changelog).get("cleanup.policy").value(), "compact", "cleanup.policy of the changelog");
            Cases.same(found.get(repartition).get("cleanup.policy").value(), "delete", "cleanup.policy of the repartition topic");
            Cases.same(found.get(repartition).get("retention.ms").value(), "-1", "retention.ms of the repartition topic");
            Map<TopicPartition, OffsetSpec> starts = new HashMap<>();
            for (int i = 0; i < 3; i++) {
                starts.put(new TopicPartition(repartition.name(), i), OffsetSpec.earliest());
            }
            Cases.eventually(() -> "six deleted records of the repartition topic", PATIENCE,
                () -> admin.listOffsets(starts).all().get().values().stream().mapToLong(start -> start.offset()).sum() == 6);
        }
        close(streams);
    }

    public static void main(String[] arguments) {
        Cases cases = new Cases(arguments);
        cases.beside("streams/word-count-and-restart", 180, StreamsSuite::words);
        cases.beside("streams/instances-share-and-take-over", 180, StreamsSuite::instances);
        cases.beside("streams/internal-topics", 120, StreamsSuite::internalTopics);
        cases.end();
    }
}
