import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Set;
import org.apache.kafka.common.TopicPartition;

/** Kafka's own command-line tools of 4.3.1 that are about consumer groups, and about the settings of groups and clients. */
public final class GroupToolsSuite {
    private static final String GROUPS = "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand";
    private static final String ALL_KINDS = "org.apache.kafka.tools.GroupsCommand";
    private static final String METRICS = "org.apache.kafka.tools.ClientMetricsCommand";
    private static final String CONFIGS = "kafka.admin.ConfigCommand";
    private static final String CONSUMER = "org.apache.kafka.tools.consumer.ConsoleConsumer";
    private static final String VERIFIABLE = "org.apache.kafka.tools.VerifiableConsumer";
    private static final String PERFORMANCE = "org.apache.kafka.tools.ConsumerPerformance";

    private GroupToolsSuite() {
    }

    /** Some line of what a tool said begins with these words, whatever the space between them; a star is any word. */
    static boolean hasRow(String text, String... cells) {
        return text.lines().map(line -> line.strip().split("\\s+")).anyMatch(words -> {
            boolean fits = words.length >= cells.length;
            for (int i = 0; fits && i < cells.length; i++) {
                fits = cells[i].equals("*") || cells[i].equals(words[i]);
            }
            return fits;
        });
    }

    private static void row(Tool.Run run, String... cells) {
        Cases.holds(hasRow(run.succeeded().out(), cells), "no row " + List.of(cells) + ": " + run.all());
    }

    private static void noRow(Tool.Run run, String... cells) {
        Cases.holds(!hasRow(run.succeeded().out(), cells), "a row " + List.of(cells) + ": " + run.all());
    }

    private static Set<TopicPartition> both(String topic) {
        return Set.of(new TopicPartition(topic, 0), new TopicPartition(topic, 1));
    }

    /** A topic of two partitions with four records, and a group that has committed them all and is empty. */
    private static String consumed(String name, String group) throws Exception {
        String topic = ToolsSuite.create(name, "--partitions", "2");
        ToolsSuite.write(topic, "a\nb\nc\nd\n");
        try (Member member = Member.join("classic", group, List.of(topic))) {
            Member.consumedOnce(4, member);
        }
        return topic;
    }

    static void list() throws Exception {
        String topic = ToolsSuite.create("group-list", "--partitions", "2");
        String classic = Cases.topic("tools-list-classic");
        String consumer = Cases.topic("tools-list-consumer");
        String empty = Cases.topic("tools-list-empty");
        consumed("group-list-idle", empty);
        try (Member one = Member.join("classic", classic, List.of(topic)); Member two = Member.join("consumer", consumer, List.of(topic))) {
            one.owns(both(topic));
            two.owns(both(topic));
            Tool.online(GROUPS, "--list").succeeded().says(classic).says(consumer).says(empty);
            Tool.Run states = Tool.online(GROUPS, "--list", "--state");
            row(states, classic, "Stable");
            row(states, consumer, "Stable");
            row(states, empty, "Empty");
            noRow(Tool.online(GROUPS, "--list", "--state", "Empty"), classic);
            row(Tool.online(GROUPS, "--list", "--state", "stable,empty"), empty, "Empty");
            Tool.Run types = Tool.online(GROUPS, "--list", "--type");
            row(types, classic, "Classic");
            row(types, consumer, "Consumer");
            noRow(Tool.online(GROUPS, "--list", "--type", "consumer"), classic);
            row(Tool.online(GROUPS, "--list", "--type", "consumer", "--state", "Stable"), consumer, "Consumer", "Stable");
            Tool.online(GROUPS, "--list", "--state", "Sleepy").failed("Invalid state list");
            Tool.Run all = Tool.online(ALL_KINDS, "--list");
            row(all, classic, "Classic", "consumer");
            row(all, consumer, "Consumer", "consumer");
            noRow(Tool.online(ALL_KINDS, "--list", "--group-type", "consumer"), classic);
            row(Tool.online(ALL_KINDS, "--list", "--group-type", "classic"), classic, "Classic");
            row(Tool.online(ALL_KINDS, "--list", "--consumer"), consumer, "Consumer");
            row(Tool.online(ALL_KINDS, "--list", "--protocol", "consumer"), empty, "Classic");
            noRow(Tool.online(ALL_KINDS, "--list", "--share"), classic);
            noRow(Tool.online(ALL_KINDS, "--list", "--streams"), consumer);
        }
    }

    static void describe(String protocol) throws Exception {
        String group = Cases.topic("tools-describe-" + protocol);
        String topic = ToolsSuite.create("group-describe-" + protocol, "--partitions", "2");
        ToolsSuite.write(topic, "a\n");
        try (Member member = Member.join(protocol, group, List.of(topic), "client.id", "mine", "group.instance.id", "fixed", "auto.commit.interval.ms", "100")) {
            Member.consumedOnce(1, member);
            boolean classic = protocol.equals("classic");
            String assignor = classic ? "range" : "uniform";
            String epoch = classic ? "-" : Integer.toString(member.generation());
            String all = topic + ":0,1";
            String id = member.id();
            Cases.eventually("two commits", () -> {
                String said = Tool.online(GROUPS, "--describe", "--group", group).succeeded().out();
                return hasRow(said, group, topic, "0", "*", "*", "0", id) && hasRow(said, group, topic, "1", "*", "*", "0", id);
            });
            Tool.Run offsets = Tool.online(GROUPS, "--describe", "--group", group, "--offsets");
            row(offsets, "GROUP", "TOPIC", "PARTITION", "CURRENT-OFFSET", "LOG-END-OFFSET", "LAG", "CONSUMER-ID", "HOST", "CLIENT-ID");
            row(offsets, group, topic, "*", "1", "1", "0", id, "/127.0.0.1", "mine");
            row(offsets, group, topic, "*", "0", "0", "0", id, "/127.0.0.1", "mine");
            row(Tool.online(GROUPS, "--describe", "--group", group, "--offsets", "--verbose"), group, topic, "*", "0", "1", "1", "0", id);
            row(Tool.online(GROUPS, "--describe", "--group", group, "--members"), group, id, "fixed", "/127.0.0.1", "mine", "2");
            Tool.Run members = Tool.online(GROUPS, "--describe", "--group", group, "--members", "--verbose");
            row(members, group, id, "fixed", "/127.0.0.1", "mine", "2", epoch, all, epoch, classic ? "-" : all);
            row(Tool.online(GROUPS, "--describe", "--group", group, "--state"), group, "*", "(1)", assignor, "Stable", "1");
            row(Tool.online(GROUPS, "--describe", "--group", group, "--state", "--verbose"), group, "*", "(1)", assignor, "Stable", epoch, epoch, "1");
            row(Tool.online(GROUPS, "--describe", "--all-groups", "--state"), group, "*", "(1)", assignor, "Stable", "1");
            row(Tool.online(GROUPS, "--describe", "--all-groups"), group, topic, "*", "1", "1", "0", id);
        }
        Tool.online(GROUPS, "--describe", "--group", group, "--members").succeeded().says("fixed");
    }

    static void unknownGroup() throws Exception {
        String group = Cases.topic("tools-nobody");
        Tool.online(GROUPS, "--describe", "--group", group).succeeded().says("GroupIdNotFoundException: Group " + group + " not found.");
        Tool.online(GROUPS, "--delete", "--group", group).succeeded().says("GroupIdNotFoundException: The group id does not exist.");
        String topic = ToolsSuite.create("group-unknown");
        Tool.online(GROUPS, "--delete-offsets", "--group", group, "--topic", topic).succeeded().says("Error: The group id does not exist.");
    }

    private static void reset(String group, String scope, String[] how, String first, String second) throws Exception {
        String[] all = new String[how.length + 5];
        System.arraycopy(new String[] {"--reset-offsets", "--group", group, "--topic", scope}, 0, all, 0, 5);
        System.arraycopy(how, 0, all, 5, how.length);
        Tool.Run run = Tool.online(GROUPS, all);
        row(run, "GROUP", "TOPIC", "PARTITION", "NEW-OFFSET");
        row(run, group, scope, "0", first);
        row(run, group, scope, "1", second);
    }

    static void resetOffsets() throws Exception {
        String group = Cases.topic("tools-reset");
        String topic = ToolsSuite.create("group-reset", "--partitions", "2");
        for (int i = 0; i < 2; i++) {
            Tool.given("0:a\n1:b\n2:c\n3:d\n4:e\n5:f\n6:g\n7:h\n", "org.apache.kafka.tools.ConsoleProducer", "--bootstrap-server", Cases.BOOTSTRAP, "--topic", topic,
                "--reader-property", "parse.key=true", "--reader-property", "key.separator=:").succeeded();
        }
        try (Member member = Member.join("classic", group, List.of(topic))) {
            Member.consumedOnce(16, member);
        }
        Tool.Run ends = Tool.online("org.apache.kafka.tools.GetOffsetShell", "--topic", topic);
        String[] end = new String[2];
        for (String line : ends.out().strip().split("\n")) {
            String[] words = line.split(":");
            end[Integer.parseInt(words[1])] = words[2];
        }
        String now = DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss.SSS").withZone(ZoneOffset.UTC).format(Instant.now().plusSeconds(60));
        String before = DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss.SSS").withZone(ZoneOffset.UTC).format(Instant.now().minusSeconds(3600));
        reset(group, topic, new String[] {"--to-earliest", "--dry-run"}, "0", "0");
        reset(group, topic, new String[] {"--to-current", "--dry-run"}, end[0], end[1]);
        reset(group, topic, new String[] {"--to-earliest", "--execute"}, "0", "0");
        reset(group, topic, new String[] {"--to-current", "--dry-run"}, "0", "0");
        reset(group, topic, new String[] {"--shift-by", "2", "--execute"}, "2", "2");
        reset(group, topic, new String[] {"--shift-by", "-1", "--execute"}, "1", "1");
        reset(group, topic, new String[] {"--shift-by", "1000", "--dry-run"}, end[0], end[1]);
        reset(group, topic, new String[] {"--to-offset", "3", "--execute"}, "3", "3");
        reset(group, topic, new String[] {"--to-latest", "--execute"}, end[0], end[1]);
        reset(group, topic, new String[] {"--by-duration", "PT1H", "--execute"}, "0", "0");
        reset(group, topic, new String[] {"--to-datetime", now, "--execute"}, end[0], end[1]);
        reset(group, topic, new String[] {"--to-datetime", before, "--execute"}, "0", "0");
        Tool.Run one = Tool.online(GROUPS, "--reset-offsets", "--group", group, "--topic", topic + ":1", "--to-offset", "2", "--execute");
        row(one, group, topic, "1", "2");
        noRow(one, group, topic, "0");
        row(Tool.online(GROUPS, "--reset-offsets", "--group", group, "--all-topics", "--to-current", "--dry-run"), group, topic, "1", "2");
        Tool.Run export = Tool.online(GROUPS, "--reset-offsets", "--group", group, "--all-topics", "--to-offset", "1", "--export").succeeded();
        Cases.same(Set.copyOf(export.out().strip().lines().toList()), Set.of("\"" + topic + "\",0,1", "\"" + topic + "\",1,1"), "exported");
        Path file = Files.createTempFile("offsets", ".csv");
        Files.writeString(file, export.out());
        Tool.Run from = Tool.online(GROUPS, "--reset-offsets", "--group", group, "--from-file", file.toString(), "--execute");
        row(from, group, topic, "0", "1");
        row(from, group, topic, "1", "1");
        Files.delete(file);
        row(Tool.online(GROUPS, "--describe", "--group", group), group, topic, "0", "1", end[0], Integer.toString(Integer.parseInt(end[0]) - 1), "-", "-", "-");
        try (Member member = Member.join("consumer", group, List.of(topic))) {
            Member.consumedOnce(14, member);
            Tool.online(GROUPS, "--reset-offsets", "--group", group, "--topic", topic, "--to-earliest", "--execute").says("Error: Assignments can only be reset if the group '" + group + "' is inactive, but the current state is Stable.");
        }
    }

    static void delete() throws Exception {
        String group = Cases.topic("tools-delete");
        String topic = consumed("group-delete", group);
        try (Member member = Member.join("consumer", group, List.of(topic))) {
            member.owns(both(topic));
            Tool.online(GROUPS, "--delete", "--group", group).says("Error: Deletion of some consumer groups failed").says("GroupNotEmptyException: The group is not empty.");
            Tool.online(GROUPS, "--delete-offsets", "--group", group, "--topic", topic).says("GroupSubscribedToTopicException: Deleting offsets of a topic is forbidden");
        }
        row(Tool.online(GROUPS, "--delete-offsets", "--group", group, "--topic", topic + ":0"), topic, "0", "Successful");
        noRow(Tool.online(GROUPS, "--describe", "--group", group), group, topic, "0");
        row(Tool.online(GROUPS, "--describe", "--group", group), group, topic, "1");
        Tool.online(GROUPS, "--delete", "--group", group).succeeded().says("Deletion of requested consumer groups ('" + group + "') was successful.");
        Tool.online(GROUPS, "--list").succeeded().saysNot(group);
    }

    static void regex() throws Exception {
        Tool.run(GROUPS, "--validate-regex", "a(b|c).*").succeeded().says("`a(b|c).*` is valid.");
        Tool.run(GROUPS, "--validate-regex", "(broken").succeeded().says("`(broken` is invalid: missing closing ).");
    }

    static void console(String protocol) throws Exception {
        String group = Cases.topic("tools-console-" + protocol);
        String topic = ToolsSuite.create("group-console-" + protocol, "--partitions", "2");
        ToolsSuite.write(topic, "one\ntwo\nthree\n");
        String chosen = "group.protocol=" + protocol;
        Tool.Run first = Tool.online(CONSUMER, "--topic", topic, "--group", group, "--from-beginning", "--max-messages", "3", "--timeout-ms", "20000", "--command-property", chosen).succeeded();
        Cases.same(Set.copyOf(first.out().lines().toList()), Set.of("one", "two", "three"), "read first");
        ToolsSuite.write(topic, "four\n");
        Tool.Run second = Tool.online(CONSUMER, "--topic", topic, "--group", group, "--from-beginning", "--max-messages", "1", "--timeout-ms", "20000", "--command-property", chosen).succeeded();
        Cases.same(second.out().strip(), "four", "read next");
        Tool.Run third = Tool.online(CONSUMER, "--include", topic + ".*", "--group", group + "-pattern", "--from-beginning", "--max-messages", "4", "--timeout-ms", "20000", "--command-property", chosen).succeeded();
        Cases.same(third.out().lines().count(), 4L, "read by pattern");
        row(Tool.online(GROUPS, "--list", "--type"), group, protocol.equals("classic") ? "Classic" : "Consumer");
    }

    static void verifiable(String protocol) throws Exception {
        String group = Cases.topic("tools-verifiable-" + protocol);
        String topic = ToolsSuite.create("group-verifiable-" + protocol);
        ToolsSuite.write(topic, "one\ntwo\nthree\n");
        Tool.online(VERIFIABLE, "--topic", topic, "--group-id", group, "--group-protocol", protocol, "--max-messages", "3").succeeded()
            .says("\"name\":\"partitions_assigned\"").says("\"count\":3").says("\"name\":\"offsets_committed\"").says("\"success\":true").says("\"name\":\"shutdown_complete\"");
        row(Tool.online(GROUPS, "--describe", "--group", group), group, topic, "0", "3", "3", "0");
    }

    static void performance() throws Exception {
        String group = Cases.topic("tools-consumer-perf");
        String topic = ToolsSuite.create("group-perf");
        Tool.run("org.apache.kafka.tools.ProducerPerformance", "--topic", topic, "--num-records", "5000", "--record-size", "100", "--throughput", "-1",
            "--bootstrap-server", Cases.BOOTSTRAP).succeeded();
        Tool.online(PERFORMANCE, "--topic", topic, "--group", group, "--num-records", "5000", "--timeout", "20000", "--hide-header").succeeded().says(", 5000, ");
    }

    static void clientMetrics() throws Exception {
        String name = Cases.topic("tools-metrics");
        Tool.online(METRICS, "--alter", "--name", name, "--metrics", "org.apache.kafka.producer.", "--interval", "30000", "--match", "client_id=abc").succeeded();
        Cases.eventually("it is listed", () -> Tool.online(METRICS, "--list").succeeded().out().contains(name));
        Tool.online(METRICS, "--describe", "--name", name).succeeded().says("interval.ms=30000").says("metrics=org.apache.kafka.producer.").says("match=client_id=abc");
        Tool.online(METRICS, "--describe").succeeded().says(name);
        Tool.online(METRICS, "--alter", "--name", name, "--interval", "50").failed("Invalid value 50 for interval.ms");
        Tool.online(METRICS, "--delete", "--name", name).succeeded();
        Cases.eventually("it is gone", () -> !Tool.online(METRICS, "--list").succeeded().out().contains(name));
    }

    static void configs() throws Exception {
        String group = Cases.topic("tools-configs");
        Tool.online(CONFIGS, "--alter", "--entity-type", "groups", "--entity-name", group, "--add-config", "consumer.session.timeout.ms=50000,consumer.heartbeat.interval.ms=6000").succeeded();
        Cases.eventually("the settings", () -> Tool.online(CONFIGS, "--describe", "--entity-type", "groups", "--entity-name", group).succeeded().out().contains("consumer.session.timeout.ms=50000"));
        Tool.online(CONFIGS, "--describe", "--group", group, "--all").succeeded()
            .says("consumer.heartbeat.interval.ms=6000 sensitive=false synonyms={DYNAMIC_GROUP_CONFIG:consumer.heartbeat.interval.ms=6000, DEFAULT_CONFIG:group.consumer.heartbeat.interval.ms=5000}")
            .says("consumer.assignment.interval.ms=1000 sensitive=false synonyms={DEFAULT_CONFIG:group.consumer.assignment.interval.ms=1000}");
        Tool.online(CONFIGS, "--describe", "--entity-type", "groups").succeeded().says(group);
        Tool.online(CONFIGS, "--alter", "--group", group, "--add-config", "consumer.session.timeout.ms=1").failed("InvalidConfiguration");
        Tool.online(CONFIGS, "--alter", "--group", group, "--delete-config", "consumer.session.timeout.ms").succeeded();
        Cases.eventually("deletion", () -> !Tool.online(CONFIGS, "--describe", "--group", group).out().contains("consumer.session.timeout.ms=50000"));
    }

    public static void main(String[] arguments) {
        Cases cases = new Cases(arguments);
        cases.run("tools-groups/list", 60, GroupToolsSuite::list);
        cases.run("tools-groups/describe-classic", 60, () -> describe("classic"));
        cases.run("tools-groups/describe-consumer", 60, () -> describe("consumer"));
        cases.run("tools-groups/unknown-group", 60, GroupToolsSuite::unknownGroup);
        cases.run("tools-groups/reset-offsets", 90, GroupToolsSuite::resetOffsets);
        cases.run("tools-groups/delete", 60, GroupToolsSuite::delete);
        cases.run("tools-groups/validate-regex", 30, GroupToolsSuite::regex);
        cases.run("tools-groups/console-consumer-classic", 60, () -> console("classic"));
        cases.run("tools-groups/console-consumer-consumer", 60, () -> console("consumer"));
        cases.run("tools-groups/verifiable-consumer-classic", 60, () -> verifiable("classic"));
        cases.run("tools-groups/verifiable-consumer-consumer", 60, () -> verifiable("consumer"));
        cases.run("tools-groups/consumer-perf-test", 60, GroupToolsSuite::performance);
        cases.run("tools-groups/client-metrics", 60, GroupToolsSuite::clientMetrics);
        cases.run("tools-groups/configs", 60, GroupToolsSuite::configs);
        cases.end();
    }
}
