import java.nio.file.Files;
import java.nio.file.Path;

/** Kafka's own command-line tools of 4.3.1, by main class, as an operator calls them. */
public final class ToolsSuite {
    private static final String TOPICS = "org.apache.kafka.tools.TopicCommand";
    private static final String CONFIGS = "kafka.admin.ConfigCommand";
    private static final String PRODUCER = "org.apache.kafka.tools.ConsoleProducer";
    private static final String CONSUMER = "org.apache.kafka.tools.consumer.ConsoleConsumer";
    private static final String OFFSETS = "org.apache.kafka.tools.GetOffsetShell";
    private static final String QUORUM = "org.apache.kafka.tools.MetadataQuorumCommand";
    private static final String CONTROLLER = System.getenv("CONTROLLER");

    private ToolsSuite() {
    }

    static String create(String name, String... more) throws Exception {
        String topic = Cases.topic("tools-" + name);
        String[] all = new String[more.length + 3];
        all[0] = "--create";
        all[1] = "--topic";
        all[2] = topic;
        System.arraycopy(more, 0, all, 3, more.length);
        Tool.online(TOPICS, all).succeeded().says("Created topic " + topic);
        return topic;
    }

    static void write(String topic, String text) throws Exception {
        Tool.given(text, PRODUCER, "--bootstrap-server", Cases.BOOTSTRAP, "--topic", topic).succeeded().saysNot("ERROR");
    }

    static void topics() throws Exception {
        String topic = create("plain");
        Tool.online(TOPICS, "--list").succeeded().says(topic);
        Tool.online(TOPICS, "--describe", "--topic", topic).succeeded().says("PartitionCount: 1").says("ReplicationFactor: 1")
            .says("Leader: 1").says("Isr: 1");
        Tool.online(TOPICS, "--describe", "--topic", topic, "--under-replicated-partitions").succeeded().saysNot("Leader");
        Tool.online(TOPICS, "--describe", "--topic", topic, "--unavailable-partitions").succeeded().saysNot("Leader");
        Tool.online(TOPICS, "--alter", "--topic", topic, "--partitions", "4").succeeded();
        Cases.eventually("four partitions", () -> Tool.online(TOPICS, "--describe", "--topic", topic).out().contains("PartitionCount: 4"));
        Tool.online(TOPICS, "--alter", "--topic", topic, "--partitions", "2").failed("Error while executing");
        Tool.online(TOPICS, "--create", "--topic", topic).failed("Error while executing");
        Tool.online(TOPICS, "--create", "--topic", topic, "--if-not-exists").succeeded();
        Tool.online(TOPICS, "--create", "--topic", "no/slash").failed("Error while executing");
        Tool.online(TOPICS, "--create", "--topic", topic + "r", "--replication-factor", "3").failed("Error while executing");
        Tool.online(TOPICS, "--delete", "--topic", topic).succeeded();
        Cases.eventually("deletion", () -> !Tool.online(TOPICS, "--list").out().contains(topic));
        Tool.online(TOPICS, "--delete", "--topic", topic).failed("does not exist");
    }

    static void configs() throws Exception {
        String topic = create("configs", "--config", "retention.ms=4242", "--partitions", "2");
        Tool.online(TOPICS, "--describe", "--topics-with-overrides", "--topic", topic).succeeded().says("retention.ms=4242");
        Tool.online(CONFIGS, "--describe", "--topic", topic).succeeded().says("retention.ms=4242");
        Tool.online(CONFIGS, "--describe", "--topic", topic, "--all").succeeded().says("cleanup.policy=delete").says("DEFAULT_CONFIG:log.cleanup.policy=delete");
        Tool.online(CONFIGS, "--alter", "--topic", topic, "--add-config", "cleanup.policy=[compact,delete],segment.bytes=1048576").succeeded();
        Cases.eventually("new settings", () -> Tool.online(CONFIGS, "--describe", "--topic", topic).out().contains("cleanup.policy=compact,delete"));
        Tool.online(CONFIGS, "--alter", "--topic", topic, "--delete-config", "retention.ms").succeeded();
        Cases.eventually("deletion", () -> !Tool.online(CONFIGS, "--describe", "--topic", topic).out().contains("retention.ms=4242"));
        Tool.online(CONFIGS, "--alter", "--topic", topic, "--add-config", "retention.ms=soon").failed("InvalidConfiguration");
        Tool.online(CONFIGS, "--describe", "--broker", "1", "--all").succeeded().says("log.segment.bytes=1073741824").says("node.id=1");
        Tool.online(CONFIGS, "--alter", "--entity-type", "brokers", "--entity-default", "--add-config", "log.retention.ms=99999999").succeeded();
        Cases.eventually("cluster default", () -> Tool.online(CONFIGS, "--describe", "--entity-type", "brokers", "--entity-default").out().contains("log.retention.ms=99999999"));
        Tool.online(CONFIGS, "--alter", "--entity-type", "brokers", "--entity-default", "--delete-config", "log.retention.ms").succeeded();
    }

    static void console() throws Exception {
        String topic = create("console", "--partitions", "2");
        Tool.given("k1:one\nk2:two\n", PRODUCER, "--bootstrap-server", Cases.BOOTSTRAP, "--topic", topic, "--command-property", "acks=all",
            "--compression-codec", "lz4", "--reader-property", "parse.key=true", "--reader-property", "key.separator=:").succeeded();
        write(topic, "three\n");
        StringBuilder all = new StringBuilder();
        for (String partition : new String[] {"0", "1"}) {
            all.append(Tool.online(CONSUMER, "--topic", topic, "--partition", partition, "--offset", "earliest", "--timeout-ms", "1500",
                "--formatter-property", "print.key=true").out());
        }
        String found = all.toString();
        Cases.holds(found.contains("k1\tone") && found.contains("k2\ttwo") && found.contains("null\tthree"), "read " + found);
        String offset = create("console-offset");
        write(offset, "zero\none\ntwo\n");
        Cases.same(Tool.online(CONSUMER, "--topic", offset, "--partition", "0", "--offset", "1", "--max-messages", "1").succeeded().out().strip(), "one", "from offset 1");
    }

    static void offsets() throws Exception {
        String topic = create("offsets", "--partitions", "2");
        Tool.given("a\nb\nc\n", PRODUCER, "--bootstrap-server", Cases.BOOTSTRAP, "--topic", topic, "--command-property", "partitioner.ignore.keys=true");
        int sum = 0;
        for (String line : Tool.online(OFFSETS, "--topic", topic).succeeded().out().strip().split("\n")) {
            sum += Integer.parseInt(line.substring(line.lastIndexOf(':') + 1));
        }
        Cases.same(sum, 3, "sum of the ends");
        Tool.online(OFFSETS, "--topic", topic, "--time", "earliest").succeeded().says(topic + ":0:0").says(topic + ":1:0");
        Tool.online(OFFSETS, "--topic", topic, "--time", "max-timestamp").succeeded();
        Tool.online(OFFSETS, "--topic", topic, "--time", "earliest-local").succeeded().says(topic + ":0:0");
        Tool.online(OFFSETS, "--topic", topic, "--time", "latest-tiered").succeeded();
        Tool.online(OFFSETS, "--topic", topic, "--time", "9999999999999").succeeded();
    }

    static void logDirs() throws Exception {
        String topic = create("dirs");
        write(topic, "x\n");
        Tool.online("org.apache.kafka.tools.LogDirsCommand", "--describe", "--topic-list", topic).succeeded()
            .says("\"partition\":\"" + topic + "-0\"").says("\"error\":null").says("\"isFuture\":false");
    }

    static void deleteRecords() throws Exception {
        String topic = create("deleted");
        write(topic, "zero\none\ntwo\n");
        Path file = Files.createTempFile("offsets", ".json");
        Files.writeString(file, "{\"partitions\":[{\"topic\":\"" + topic + "\",\"partition\":0,\"offset\":2}],\"version\":1}");
        Tool.online("org.apache.kafka.tools.DeleteRecordsCommand", "--offset-json-file", file.toString()).succeeded().says("low_watermark: 2");
        Tool.online(OFFSETS, "--topic", topic, "--time", "earliest").succeeded().says(topic + ":0:2");
        Files.delete(file);
    }

    static void performance() throws Exception {
        String topic = create("perf");
        Tool.run("org.apache.kafka.tools.ProducerPerformance", "--topic", topic, "--num-records", "20000", "--record-size", "512", "--throughput", "-1",
            "--bootstrap-server", Cases.BOOTSTRAP, "--command-property", "acks=all").succeeded().says("20000 records sent");
        Tool.online(OFFSETS, "--topic", topic).succeeded().says(topic + ":0:20000");
    }

    static void versions() throws Exception {
        Tool.online("org.apache.kafka.tools.BrokerApiVersionsCommand").succeeded().says("(id: 1 rack: null").says("Produce(0): 0 to 13 [usable: 13]")
            .says("Fetch(1): 4 to 18").says("ApiVersions(18): 0 to 5").saysNot("ERROR");
    }

    static void quorum() throws Exception {
        Tool.online(QUORUM, "describe", "--status").succeeded().says("LeaderId:").says("CurrentVoters:").says("ClusterId:");
        Tool.online(QUORUM, "describe", "--replication").succeeded().says("Leader");
        if (CONTROLLER != null) {
            Tool.run(QUORUM, "--bootstrap-controller", CONTROLLER, "describe", "--status").succeeded().says("LeaderId:               1");
        }
    }

    static void features() throws Exception {
        String features = "org.apache.kafka.tools.FeatureCommand";
        Tool.online(features, "describe").succeeded().says("Feature: metadata.version").says("FinalizedVersionLevel").says("Feature: transaction.version");
        Tool.online(features, "upgrade", "--feature", "metadata.version=999").failed("999");
        if (CONTROLLER != null) {
            Tool.run(features, "--bootstrap-controller", CONTROLLER, "describe").succeeded().says("Feature: metadata.version");
        }
    }

    static void cluster() throws Exception {
        Tool.run("org.apache.kafka.tools.ClusterTool", "cluster-id", "--bootstrap-server", Cases.BOOTSTRAP).succeeded().says("Cluster ID: ");
        Tool.run("org.apache.kafka.tools.ClusterTool", "list-endpoints", "--bootstrap-server", Cases.BOOTSTRAP).succeeded().says("127.0.0.1");
    }

    public static void main(String[] arguments) {
        Cases cases = new Cases(arguments);
        cases.run("tools/topics", 60, ToolsSuite::topics);
        cases.run("tools/configs", 60, ToolsSuite::configs);
        cases.run("tools/console-producer-and-consumer", 60, ToolsSuite::console);
        cases.run("tools/get-offsets", 30, ToolsSuite::offsets);
        cases.run("tools/log-dirs", 30, ToolsSuite::logDirs);
        cases.run("tools/delete-records", 30, ToolsSuite::deleteRecords);
        cases.run("tools/producer-perf-test", 40, ToolsSuite::performance);
        cases.run("tools/broker-api-versions", 30, ToolsSuite::versions);
        cases.run("tools/metadata-quorum", 30, ToolsSuite::quorum);
        cases.run("tools/features", 30, ToolsSuite::features);
        cases.run("tools/cluster", 30, ToolsSuite::cluster);
        cases.end();
    }
}
