import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ConsumerGroupDescription;
import org.apache.kafka.clients.admin.MemberAssignment;
import org.apache.kafka.clients.admin.MemberDescription;
import org.apache.kafka.clients.consumer.CloseOptions;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.consumer.SubscriptionPattern;
import org.apache.kafka.common.GroupState;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;

/**
 * Groups on both sides of the swap. Each part leaves groups behind whose members went without leaving: within their
 * sessions they, their assignments and every commit must be there for whoever starts on the directory next.
 */
final class SwapGroups {
    static final String TOPIC = "swap-grouped";
    static final int PARTITIONS = 4;
    /** How far each commit stays behind what was read. */
    private static final long BEHIND = 3;
    /** The protocols of the two static members of a group, by the last word of its name. */
    private static final Map<String, List<String>> PAIRS = new TreeMap<>(Map.of("classic", List.of("classic", "classic"),
        "consumer", List.of("consumer", "consumer"), "mixed", List.of("classic", "consumer")));

    private static final CloseOptions FOR_GOOD = CloseOptions.groupMembershipOperation(CloseOptions.GroupMembershipOperation.LEAVE_GROUP);

    private final Properties known;

    SwapGroups(Properties known) {
        this.known = known;
    }

    private static Set<TopicPartition> all() {
        return GroupSuite.partitions(TOPIC, 0, PARTITIONS);
    }

    private long end(TopicPartition part) {
        return Long.parseLong(known.getProperty("end." + part, "0"));
    }

    /** Static members keep their place for as long as a broker may take to stop and start. */
    private static Member join(String protocol, String group, String instance) {
        List<String> settings = new ArrayList<>(List.of("enable.auto.commit", "false", "group.instance.id", instance));
        if (protocol.equals("classic")) {
            settings.addAll(List.of("session.timeout.ms", "600000"));
        }
        return Member.join(protocol, group, List.of(TOPIC), settings.toArray(new String[0]));
    }

    private static Member alone(String protocol, String group) {
        return Member.join(protocol, group, List.of(TOPIC), "enable.auto.commit", "false");
    }

    /** Commits a little less than the member has read, with a word for each partition. */
    private void commit(Member member, String word) throws Exception {
        Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>();
        for (TopicPartition part : member.owned()) {
            offsets.put(part, new OffsetAndMetadata(end(part) - BEHIND, Optional.of(0), word + " in " + part.partition() + ": käfer"));
        }
        member.ask(consumer -> {
            consumer.commitSync(offsets);
            return null;
        });
    }

    /** Leaves groups of every kind behind, named after the part. */
    void make(String part) throws Exception {
        try (Admin admin = ClientSuite.admin()) {
            for (Map.Entry<String, List<String>> pair : PAIRS.entrySet()) {
                String group = "swap-" + part + "-" + pair.getKey();
                configure(group, 60_000);
                Map<String, Member> members = new TreeMap<>();
                members.put("one", join(pair.getValue().get(0), group, "one"));
                Cases.eventually(() -> "records for " + members, Member.SETTLE, () -> !members.get("one").records().isEmpty());
                commitAsFarAsRead(members.get("one"));
                members.put("two", join(pair.getValue().get(1), group, "two"));
                Member.share(all(), members.get("one"), members.get("two"));
                members.values().forEach(member -> Cases.holds(member.owned().size() == 2, "two partitions each: " + members));
                for (Map.Entry<String, Member> member : members.entrySet()) {
                    commit(member.getValue(), member.getKey());
                    member.getValue().close();
                }
            }
            for (String protocol : List.of("classic", "consumer")) {
                String empty = "swap-" + part + "-empty-" + protocol;
                try (Member member = alone(protocol, empty)) {
                    member.owns(all());
                    commit(member, "empty");
                }
                String expiring = "swap-" + part + "-expiring-" + protocol;
                configure(expiring, 15_000);
                Member member = protocol.equals("classic") ? Member.join(protocol, expiring, List.of(TOPIC), "enable.auto.commit", "false", "session.timeout.ms", "15000")
                    : join(protocol, expiring, "one");
                member.owns(all());
                commit(member, "expiring");
                member.close(CloseOptions.groupMembershipOperation(CloseOptions.GroupMembershipOperation.REMAIN_IN_GROUP));
            }
            String pattern = "swap-" + part + "-pattern";
            configure(pattern, 60_000);
            try (Member member = byPattern(pattern)) {
                member.owns(all());
                commit(member, "pattern");
            }
            bySimpleMeans(admin, part);
        }
    }

    private static Member byPattern(String group) {
        return Member.join("consumer", group, (consumer, listener) -> consumer.subscribe(new SubscriptionPattern("swap-grou.*"), listener),
            "enable.auto.commit", "false", "group.instance.id", "one");
    }

    private static void commitAsFarAsRead(Member member) throws Exception {
        member.ask(consumer -> {
            consumer.commitSync();
            return null;
        });
    }

    private void configure(String group, int session) throws Exception {
        GroupSuite.configure(ConfigResource.Type.GROUP, group, "consumer.session.timeout.ms", Integer.toString(session), "consumer.heartbeat.interval.ms", "500");
        known.setProperty("config.GROUP." + group + ".consumer.session.timeout.ms", Integer.toString(session));
    }

    private static void bySimpleMeans(Admin admin, String part) throws Exception {
        String simple = "swap-" + part + "-simple";
        String deleted = "swap-" + part + "-deleted";
        Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>();
        all().forEach(one -> offsets.put(one, new OffsetAndMetadata(one.partition() + 1, Optional.empty(), "m".repeat(one.partition() * 1000))));
        admin.alterConsumerGroupOffsets(simple, offsets).all().get();
        admin.alterConsumerGroupOffsets(deleted, offsets).all().get();
        admin.deleteConsumerGroupOffsets(simple, Set.of(new TopicPartition(TOPIC, 1))).all().get();
        admin.deleteConsumerGroups(List.of(deleted)).all().get();
    }

    /** Everything that can be told of a group. */
    private static String told(ConsumerGroupDescription group, Map<TopicPartition, OffsetAndMetadata> offsets) {
        String members = group.members().stream().sorted(Comparator.comparing(MemberDescription::consumerId))
            .map(member -> String.join(" ", member.groupInstanceId().toString(), member.consumerId(), member.clientId(), member.host(), member.memberEpoch().toString(),
                member.upgraded().toString(), sorted(member.assignment()), member.targetAssignment().map(SwapGroups::sorted).toString()))
            .collect(Collectors.joining("; "));
        Map<String, OffsetAndMetadata> commits = new TreeMap<>();
        offsets.forEach((part, offset) -> commits.put(part.toString(), offset));
        return String.join(" ", group.type().toString(), group.groupState().toString(), group.partitionAssignor(), group.groupEpoch().toString(), group.targetAssignmentEpoch().toString(),
            "[" + members + "]", commits.toString());
    }

    private static String sorted(MemberAssignment assignment) {
        return new TreeSet<>(assignment.topicPartitions().stream().map(TopicPartition::toString).toList()).toString();
    }

    /** All groups but those whose members are about to expire. */
    private static Map<String, String> all(Admin admin) throws Exception {
        List<String> ids = admin.listGroups().all().get().stream().map(group -> group.groupId()).filter(id -> !id.contains("expiring")).toList();
        Map<String, String> all = new TreeMap<>();
        for (ConsumerGroupDescription group : admin.describeConsumerGroups(ids).all().get().values()) {
            all.put(group.groupId(), told(group, admin.listConsumerGroupOffsets(group.groupId()).partitionsToOffsetAndMetadata().get()));
        }
        return all;
    }

    /** Keeps what the broker tells of its groups, for the comparison on the other side. */
    void note() throws Exception {
        known.keySet().removeIf(key -> key.toString().startsWith("group."));
        try (Admin admin = ClientSuite.admin()) {
            all(admin).forEach((id, told) -> known.setProperty("group." + id, told));
        }
    }

    /** Groups are told as they were. */
    void kept() throws Exception {
        try (Admin admin = ClientSuite.admin()) {
            Map<String, String> wanted = new TreeMap<>();
            known.stringPropertyNames().stream().filter(key -> key.startsWith("group.")).forEach(key -> wanted.put(key.substring(6), known.getProperty(key)));
            Map<String, String> found = all(admin);
            Cases.same(found.keySet(), wanted.keySet(), "groups");
            for (Map.Entry<String, String> group : wanted.entrySet()) {
                Cases.same(found.get(group.getKey()), group.getValue(), group.getKey());
            }
        }
    }

    /** Groups whose sessions are over are empty, with their commits. */
    private void expired(String part) throws Exception {
        try (Admin admin = ClientSuite.admin()) {
            for (String protocol : List.of("classic", "consumer")) {
                String group = "swap-" + part + "-expiring-" + protocol;
                Cases.eventually(() -> group + " without members", Member.SETTLE, () -> {
                    ConsumerGroupDescription now = admin.describeConsumerGroups(List.of(group)).all().get().get(group);
                    return now.members().isEmpty() && now.groupState() == GroupState.EMPTY;
                });
                Cases.same(admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get().size(), PARTITIONS, "commits of " + group);
            }
        }
    }

    private static Map<String, MemberDescription> members(Admin admin, String group) throws Exception {
        return admin.describeConsumerGroups(List.of(group)).all().get().get(group).members().stream()
            .collect(Collectors.toMap(member -> member.groupInstanceId().orElseThrow(), member -> member));
    }

    /** Members come back to their places and read on from their commits, then leave for good with new ones. */
    void goOn(String part) throws Exception {
        try (Admin admin = ClientSuite.admin()) {
            for (Map.Entry<String, List<String>> pair : PAIRS.entrySet()) {
                String group = "swap-" + part + "-" + pair.getKey();
                Map<String, MemberDescription> before = members(admin, group);
                Map<TopicPartition, OffsetAndMetadata> committed = admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get();
                List<Member> back = new ArrayList<>();
                for (int i = 0; i < 2; i++) {
                    String instance = List.of("one", "two").get(i);
                    Set<TopicPartition> own = before.get(instance).assignment().topicPartitions();
                    Member member = join(pair.getValue().get(i), group, instance);
                    member.owns(own);
                    reads(member, own, committed);
                    Cases.same(member.changes().size(), 1, "changes of " + member);
                    back.add(member);
                }
                Cases.same(members(admin, group).keySet(), before.keySet(), "members of " + group);
                for (Member member : back) {
                    commit(member, "again");
                    member.close(FOR_GOOD);
                }
            }
            resumes(admin, byPattern("swap-" + part + "-pattern"), "swap-" + part + "-pattern");
            expired(part);
            for (String protocol : List.of("classic", "consumer")) {
                resumes(admin, alone(protocol, "swap-" + part + "-empty-" + protocol), "swap-" + part + "-empty-" + protocol);
                resumes(admin, alone(protocol, "swap-" + part + "-expiring-" + protocol), "swap-" + part + "-expiring-" + protocol);
            }
        }
    }

    /** Groups that everybody has left are read on from their commits, by members of the protocol that was not theirs. */
    void goOnEmpty(String part) throws Exception {
        try (Admin admin = ClientSuite.admin()) {
            for (Map.Entry<String, List<String>> pair : PAIRS.entrySet()) {
                String group = "swap-" + part + "-" + pair.getKey();
                resumes(admin, alone(pair.getValue().get(0).equals("classic") ? "consumer" : "classic", group), group);
            }
        }
    }

    private void resumes(Admin admin, Member member, String group) throws Exception {
        Map<TopicPartition, OffsetAndMetadata> committed = admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get();
        member.owns(all());
        reads(member, all(), committed);
        commit(member, "resumed");
        member.close(FOR_GOOD);
    }

    /** The records from the commits to the ends, and no other. */
    private void reads(Member member, Set<TopicPartition> own, Map<TopicPartition, OffsetAndMetadata> committed) throws Exception {
        long wanted = own.stream().mapToLong(part -> end(part) - committed.get(part).offset()).sum();
        Cases.holds(wanted >= own.size() * BEHIND, "something to read: " + wanted);
        Member.consumedOnce((int) wanted, member);
        member.records().forEach(record -> {
            TopicPartition part = new TopicPartition(record.topic(), record.partition());
            Cases.holds(record.offset() >= committed.get(part).offset(), "before the commit: " + part + " at " + record.offset());
        });
    }
}
