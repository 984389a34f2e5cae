import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.consumer.CloseOptions;
import org.apache.kafka.clients.consumer.CommitFailedException;
import org.apache.kafka.clients.consumer.CooperativeStickyAssignor;
import org.apache.kafka.clients.consumer.RangeAssignor;
import org.apache.kafka.clients.consumer.RoundRobinAssignor;
import org.apache.kafka.clients.consumer.StickyAssignor;
import org.apache.kafka.clients.consumer.SubscriptionPattern;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.InconsistentGroupProtocolException;
import org.apache.kafka.common.errors.InvalidRegularExpression;
import org.apache.kafka.common.errors.InvalidSessionTimeoutException;
import org.apache.kafka.common.errors.UnsupportedAssignorException;

/** Members of consumer groups, by the Java client of 4.4.0 and both group protocols. */
public final class GroupSuite {
    private GroupSuite() {
    }

    /** A group whose members of the consumer protocol are as quick as those of the classic one. */
    static String group(String name) throws Exception {
        String group = Cases.topic(name);
        configure(ConfigResource.Type.GROUP, group, "consumer.session.timeout.ms", "6000", "consumer.heartbeat.interval.ms", "500");
        return group;
    }

    static void configure(ConfigResource.Type type, String name, String... settings) throws Exception {
        List<AlterConfigOp> all = new ArrayList<>();
        for (int i = 0; i < settings.length; i += 2) {
            all.add(new AlterConfigOp(new ConfigEntry(settings[i], settings[i + 1]), AlterConfigOp.OpType.SET));
        }
        try (Admin admin = ClientSuite.admin()) {
            admin.incrementalAlterConfigs(Map.of(new ConfigResource(type, name), all)).all().get();
        }
    }

    static Set<TopicPartition> partitions(String topic, int from, int to) {
        Set<TopicPartition> all = new HashSet<>();
        for (int i = from; i < to; i++) {
            all.add(new TopicPartition(topic, i));
        }
        return all;
    }

    static Set<TopicPartition> both(Collection<TopicPartition> one, Collection<TopicPartition> two) {
        Set<TopicPartition> all = new HashSet<>(one);
        all.addAll(two);
        return all;
    }

    /** Writes so many records to each of the partitions. */
    static void write(String topic, int partitions, int each) throws Exception {
        List<ProducerRecord<byte[], byte[]>> all = new ArrayList<>();
        for (int i = 0; i < partitions * each; i++) {
            all.add(new ProducerRecord<>(topic, i % partitions, null, ClientSuite.bytes("r" + i)));
        }
        ClientSuite.produce(all);
    }

    static void shares(String protocol) throws Exception {
        String topic = ClientSuite.create(Cases.topic("shares-" + protocol), 6);
        String group = group("shares-" + protocol);
        Set<TopicPartition> all = partitions(topic, 0, 6);
        write(topic, 6, 10);
        try (Member one = Member.join(protocol, group, List.of(topic))) {
            one.owns(all);
            write(topic, 6, 10);
            try (Member two = Member.join(protocol, group, List.of(topic))) {
                Member.share(all, one, two);
                write(topic, 6, 10);
                try (Member three = Member.join(protocol, group, List.of(topic))) {
                    Member.share(all, one, two, three);
                    write(topic, 6, 10);
                    Member.consumedOnce(240, one, two, three);
                    two.close();
                    Member.share(all, one, three);
                    write(topic, 6, 10);
                    Member.consumedOnce(300, one, two, three);
                }
            }
        }
    }

    static void range() throws Exception {
        String first = ClientSuite.create(Cases.topic("range-a"), 3);
        String second = ClientSuite.create(Cases.topic("range-b"), 3);
        String[] by = {"partition.assignment.strategy", RangeAssignor.class.getName()};
        Set<TopicPartition> larger = both(partitions(first, 0, 2), partitions(second, 0, 2));
        Set<TopicPartition> smaller = both(partitions(first, 2, 3), partitions(second, 2, 3));
        apart(larger, smaller, List.of(first, second), by);
    }

    static void roundRobin() throws Exception {
        String first = ClientSuite.create(Cases.topic("round-a"), 3);
        String second = ClientSuite.create(Cases.topic("round-b"), 3);
        String[] by = {"partition.assignment.strategy", RoundRobinAssignor.class.getName()};
        Set<TopicPartition> odd = Set.of(new TopicPartition(first, 0), new TopicPartition(first, 2), new TopicPartition(second, 1));
        Set<TopicPartition> even = Set.of(new TopicPartition(first, 1), new TopicPartition(second, 0), new TopicPartition(second, 2));
        apart(odd, even, List.of(first, second), by);
    }

    /** Two members end with these two sets, whoever has which. */
    private static void apart(Set<TopicPartition> left, Set<TopicPartition> right, List<String> topics, String... by) throws Exception {
        String group = group(topics.get(0));
        try (Member one = Member.join("classic", group, topics, by); Member two = Member.join("classic", group, topics, by)) {
            Cases.eventually(() -> left + " and " + right + " for " + one + " and " + two, Member.SETTLE,
                () -> Set.of(left, right).equals(new HashSet<>(List.of(one.owned(), two.owned()))));
        }
    }

    static void sticky() throws Exception {
        String topic = ClientSuite.create(Cases.topic("sticky"), 6);
        String[] by = {"partition.assignment.strategy", StickyAssignor.class.getName()};
        Set<TopicPartition> all = partitions(topic, 0, 6);
        String group = group("sticky");
        try (Member one = Member.join("classic", group, List.of(topic), by);
             Member two = Member.join("classic", group, List.of(topic), by);
             Member three = Member.join("classic", group, List.of(topic), by)) {
            Member.share(all, one, two, three);
            Set<TopicPartition> ones = one.owned();
            Set<TopicPartition> twos = two.owned();
            three.close();
            Member.share(all, one, two);
            Cases.holds(one.owned().containsAll(ones), "kept " + ones + ": " + one);
            Cases.holds(two.owned().containsAll(twos), "kept " + twos + ": " + two);
        }
    }

    static void cooperative() throws Exception {
        String topic = ClientSuite.create(Cases.topic("cooperative"), 6);
        String[] by = {"partition.assignment.strategy", CooperativeStickyAssignor.class.getName()};
        onlyMoved("classic", topic, by);
    }

    /** When a second member comes and goes, the first gives up only what moves and keeps the rest all the time. */
    private static void onlyMoved(String protocol, String topic, String... settings) throws Exception {
        Set<TopicPartition> all = partitions(topic, 0, 6);
        String group = group("only-moved-" + protocol);
        try (Member one = Member.join(protocol, group, List.of(topic), settings)) {
            one.owns(all);
            try (Member two = Member.join(protocol, group, List.of(topic), settings)) {
                Member.share(all, one, two);
                Cases.same(one.changes().size(), 2, "changes of " + one);
                Cases.holds(one.changes().get(1).startsWith("-"), "a revocation: " + one);
                Cases.same(two.changes().size(), 1, "changes of " + two);
                Cases.same(one.changes().get(1).substring(1), two.changes().get(0).substring(1), "what moved");
            }
            one.owns(all);
            Cases.same(one.changes().size(), 3, "changes of " + one);
            Cases.same(one.changes().get(2).substring(1), one.changes().get(1).substring(1), "what came back");
        }
    }

    static void incremental() throws Exception {
        onlyMoved("consumer", ClientSuite.create(Cases.topic("incremental"), 6));
    }

    static void serverAssignors() throws Exception {
        String first = ClientSuite.create(Cases.topic("server-a"), 3);
        String second = ClientSuite.create(Cases.topic("server-b"), 3);
        List<String> topics = List.of(first, second);
        String group = group("server-range");
        String[] range = {"group.remote.assignor", "range"};
        try (Member one = Member.join("consumer", group, topics, range); Member two = Member.join("consumer", group, topics, range)) {
            Cases.eventually(() -> "range for " + one + " and " + two, Member.SETTLE, () -> Set.of(
                both(partitions(first, 0, 2), partitions(second, 0, 2)), both(partitions(first, 2, 3), partitions(second, 2, 3)))
                .equals(new HashSet<>(List.of(one.owned(), two.owned()))));
            try (Admin admin = ClientSuite.admin()) {
                Cases.same(admin.describeConsumerGroups(List.of(group)).all().get().get(group).partitionAssignor(), "range", "assignor");
            }
        }
        String even = group("server-uniform");
        String[] uniform = {"group.remote.assignor", "uniform"};
        try (Member one = Member.join("consumer", even, topics, uniform); Member two = Member.join("consumer", even, topics, uniform)) {
            Member.share(both(partitions(first, 0, 3), partitions(second, 0, 3)), one, two);
        }
        try (Member unknown = Member.join("consumer", group("server-unknown"), topics, "group.remote.assignor", "nobody")) {
            unknown.fails(UnsupportedAssignorException.class);
        }
    }

    static void patterns(String protocol) throws Exception {
        String prefix = Cases.topic("pattern-" + protocol);
        String first = ClientSuite.create(prefix + "-one", 2);
        Pattern pattern = Pattern.compile(Pattern.quote(prefix) + "-(one|two)");
        try (Member one = Member.join(protocol, group("pattern-" + protocol), (consumer, listener) -> consumer.subscribe(pattern, listener))) {
            one.owns(partitions(first, 0, 2));
            ClientSuite.create(prefix + "-other", 1);
            String second = ClientSuite.create(prefix + "-two", 2);
            write(second, 2, 5);
            one.owns(both(partitions(first, 0, 2), partitions(second, 0, 2)));
            Member.consumedOnce(10, one);
        }
    }

    static void serverPatterns() throws Exception {
        String prefix = Cases.topic("re2j");
        String first = ClientSuite.create(prefix + "-one", 2);
        SubscriptionPattern pattern = new SubscriptionPattern(prefix + "-(one|tw.)");
        try (Member one = Member.join("consumer", group("re2j"), (consumer, listener) -> consumer.subscribe(pattern, listener))) {
            one.owns(partitions(first, 0, 2));
            ClientSuite.create(prefix + "-other", 1);
            String second = ClientSuite.create(prefix + "-two", 2);
            write(second, 2, 5);
            one.owns(both(partitions(first, 0, 2), partitions(second, 0, 2)));
            Member.consumedOnce(10, one);
        }
        try (Member broken = Member.join("consumer", group("re2j-broken"),
            (consumer, listener) -> consumer.subscribe(new SubscriptionPattern("(broken"), listener))) {
            broken.fails(InvalidRegularExpression.class);
        }
    }

    static void partitionsAdded(String protocol) throws Exception {
        String topic = ClientSuite.create(Cases.topic("added-" + protocol), 2);
        String group = group("added-" + protocol);
        try (Member one = Member.join(protocol, group, List.of(topic)); Member two = Member.join(protocol, group, List.of(topic));
             Admin admin = ClientSuite.admin()) {
            Member.share(partitions(topic, 0, 2), one, two);
            admin.createPartitions(Map.of(topic, NewPartitions.increaseTo(6))).all().get();
            Member.share(partitions(topic, 0, 6), one, two);
            write(topic, 6, 5);
            Member.consumedOnce(30, one, two);
        }
    }

    static void topicDeleted(String protocol) throws Exception {
        String kept = ClientSuite.create(Cases.topic("kept-" + protocol), 2);
        String gone = ClientSuite.create(Cases.topic("gone-" + protocol), 2);
        // The classic client holds a rebalance up until its automatic commit is accepted, and one for a deleted topic never is.
        try (Member one = Member.join(protocol, group("deleted-" + protocol), List.of(kept, gone), "enable.auto.commit", "false"); Admin admin = ClientSuite.admin()) {
            one.owns(both(partitions(kept, 0, 2), partitions(gone, 0, 2)));
            admin.deleteTopics(List.of(gone)).all().get();
            one.owns(partitions(kept, 0, 2));
            write(kept, 2, 5);
            Member.consumedOnce(10, one);
            ClientSuite.create(gone, 3);
            one.owns(both(partitions(kept, 0, 2), partitions(gone, 0, 3)));
        }
    }

    /** A member that does not poll loses its partitions, may not commit, and joins again when it polls. */
    static void stopsPolling(String protocol) throws Exception {
        String topic = ClientSuite.create(Cases.topic("silent-" + protocol), 4);
        Set<TopicPartition> all = partitions(topic, 0, 4);
        String group = group("silent-" + protocol);
        try (Member one = Member.join(protocol, group, List.of(topic), "max.poll.interval.ms", "3000", "enable.auto.commit", "false");
             Member two = Member.join(protocol, group, List.of(topic))) {
            Member.share(all, one, two);
            write(topic, 4, 1);
            Member.consumedOnce(4, one, two);
            one.polls(false);
            two.owns(all);
            Cases.refused(CommitFailedException.class, () -> one.ask(consumer -> {
                consumer.commitSync();
                return null;
            }));
            one.polls(true);
            Member.share(all, one, two);
            Cases.holds(one.changes().stream().anyMatch(change -> change.startsWith("lost ")), "its partitions were lost: " + one);
        }
    }

    /** A member that goes without a word keeps its partitions until its session is over. */
    static void sessionExpires(String protocol) throws Exception {
        String topic = ClientSuite.create(Cases.topic("expires-" + protocol), 4);
        Set<TopicPartition> all = partitions(topic, 0, 4);
        String group = group("expires-" + protocol);
        try (Member one = Member.join(protocol, group, List.of(topic)); Member two = Member.join(protocol, group, List.of(topic), "group.instance.id", "two");
             Admin admin = ClientSuite.admin()) {
            Member.share(all, one, two);
            two.close(CloseOptions.groupMembershipOperation(CloseOptions.GroupMembershipOperation.REMAIN_IN_GROUP));
            Cases.same(admin.describeConsumerGroups(List.of(group)).all().get().get(group).members().size(), 2, "members right after it went");
            one.owns(all);
            Cases.same(admin.describeConsumerGroups(List.of(group)).all().get().get(group).members().size(), 1, "members afterwards");
        }
    }

    static void refusedMembers() throws Exception {
        String topic = ClientSuite.create(Cases.topic("refused"), 2);
        String group = group("refused");
        String strategy = "partition.assignment.strategy";
        try (Member one = Member.join("classic", group, List.of(topic), strategy, RangeAssignor.class.getName());
             Member shortLived = Member.join("classic", group("refused-session"), List.of(topic), "session.timeout.ms", "2000")) {
            one.owns(partitions(topic, 0, 2));
            shortLived.fails(InvalidSessionTimeoutException.class);
            try (Member other = Member.join("classic", group, List.of(topic), strategy, RoundRobinAssignor.class.getName())) {
                other.fails(InconsistentGroupProtocolException.class);
            }
            Cases.same(one.changes().size(), 1, "changes of " + one);
        }
    }

    public static void main(String[] arguments) {
        Cases cases = new Cases(arguments);
        cases.beside("java-groups/members-share-classic", 120, () -> shares("classic"));
        cases.beside("java-groups/members-share-consumer", 120, () -> shares("consumer"));
        cases.beside("java-groups/range", 60, GroupSuite::range);
        cases.beside("java-groups/round-robin", 60, GroupSuite::roundRobin);
        cases.beside("java-groups/sticky", 60, GroupSuite::sticky);
        cases.beside("java-groups/cooperative-sticky-moves-only-what-must", 60, GroupSuite::cooperative);
        cases.beside("java-groups/consumer-protocol-moves-only-what-must", 60, GroupSuite::incremental);
        cases.beside("java-groups/server-assignors", 90, GroupSuite::serverAssignors);
        cases.beside("java-groups/pattern-classic", 60, () -> patterns("classic"));
        cases.beside("java-groups/pattern-consumer", 60, () -> patterns("consumer"));
        cases.beside("java-groups/pattern-of-the-server", 90, GroupSuite::serverPatterns);
        cases.beside("java-groups/partitions-added-classic", 60, () -> partitionsAdded("classic"));
        cases.beside("java-groups/partitions-added-consumer", 60, () -> partitionsAdded("consumer"));
        cases.beside("java-groups/topic-deleted-classic", 60, () -> topicDeleted("classic"));
        cases.beside("java-groups/topic-deleted-consumer", 60, () -> topicDeleted("consumer"));
        cases.beside("java-groups/stops-polling-classic", 60, () -> stopsPolling("classic"));
        cases.beside("java-groups/stops-polling-consumer", 60, () -> stopsPolling("consumer"));
        cases.beside("java-groups/session-expires-classic", 60, () -> sessionExpires("classic"));
        cases.beside("java-groups/session-expires-consumer", 60, () -> sessionExpires("consumer"));
        cases.beside("java-groups/refused-members", 60, GroupSuite::refusedMembers);
        StaticMembers.cases(cases);
        Migration.cases(cases);
        Commits.cases(cases);
        GroupAdmin.cases(cases);
        Telemetry.cases(cases);
        cases.end();
    }
}
