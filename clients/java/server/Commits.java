import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.CommitFailedException;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.OffsetMetadataTooLarge;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** Committed offsets, by members of both protocols and by consumers that only commit. */
final class Commits {
    private Commits() {
    }

    private static void byMembers(String protocol) throws Exception {
        String topic = ClientSuite.create(Cases.topic("commits-" + protocol), 3);
        TopicPartition zero = new TopicPartition(topic, 0);
        TopicPartition one = new TopicPartition(topic, 1);
        TopicPartition two = new TopicPartition(topic, 2);
        String group = GroupSuite.group("commits-" + protocol);
        GroupSuite.write(topic, 3, 10);
        OffsetAndMetadata fourth = new OffsetAndMetadata(4, Optional.of(0), "four, föur");
        OffsetAndMetadata seventh = new OffsetAndMetadata(7, "");
        try (Member member = Member.join(protocol, group, List.of(topic), "enable.auto.commit", "false")) {
            member.owns(GroupSuite.partitions(topic, 0, 3));
            Map<TopicPartition, OffsetAndMetadata> before = member.ask(consumer -> consumer.committed(Set.of(zero, one)));
            Cases.same(before.get(zero), null, "committed before");
            member.ask(consumer -> {
                consumer.commitSync(Map.of(zero, fourth));
                return null;
            });
            CompletableFuture<Map<TopicPartition, OffsetAndMetadata>> told = new CompletableFuture<>();
            member.ask(consumer -> {
                consumer.commitAsync(Map.of(one, seventh), (offsets, problem) -> {
                    if (problem == null) {
                        told.complete(offsets);
                    } else {
                        told.completeExceptionally(problem);
                    }
                });
                return null;
            });
            Cases.same(told.get(10, TimeUnit.SECONDS), Map.of(one, seventh), "what the callback was told");
            Map<TopicPartition, OffsetAndMetadata> wanted = new HashMap<>(Map.of(zero, fourth, one, seventh));
            wanted.put(two, null);
            Cases.same(member.ask(consumer -> consumer.committed(Set.of(zero, one, two))), wanted, "committed");
            Cases.refused(OffsetMetadataTooLarge.class, () -> member.ask(consumer -> {
                consumer.commitSync(Map.of(zero, new OffsetAndMetadata(5, "m".repeat(4097))));
                return null;
            }));
            member.ask(consumer -> {
                consumer.commitSync(Map.of(one, new OffsetAndMetadata(7, "m".repeat(4096))));
                return null;
            });
            // The client tries again until its time is over: the partition may come.
            Cases.refused(TimeoutException.class, () -> member.ask(consumer -> {
                consumer.commitSync(Map.of(new TopicPartition(topic, 9), seventh), java.time.Duration.ofSeconds(2));
                return null;
            }));
        }
        try (Member next = Member.join(protocol, group, List.of(topic))) {
            Member.consumedOnce(6 + 3 + 10, next);
            Cases.holds(next.records().stream().noneMatch(record -> record.partition() == 0 && record.offset() < 4), "partition 0 from 4");
        }
    }

    /** A consumer that chooses its partitions itself commits into a group without members, and into no other. */
    private static void withoutMembership() throws Exception {
        String topic = ClientSuite.create(Cases.topic("simple"), 1);
        TopicPartition part = new TopicPartition(topic, 0);
        String group = GroupSuite.group("simple");
        GroupSuite.write(topic, 1, 10);
        Map<String, Object> settings = Member.settings("classic", group, "enable.auto.commit", "false");
        try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer());
             Admin admin = ClientSuite.admin()) {
            consumer.assign(List.of(part));
            consumer.commitSync(Map.of(part, new OffsetAndMetadata(6, "simple")));
            Cases.same(consumer.committed(Set.of(part)), Map.of(part, new OffsetAndMetadata(6, "simple")), "committed");
            Cases.same(consumer.position(part), 6L, "position");
            var described = admin.describeConsumerGroups(List.of(group)).all().get().get(group);
            Cases.holds(described.isSimpleConsumerGroup() && described.members().isEmpty(), "a simple group: " + described);
            for (String protocol : List.of("classic", "consumer")) {
                try (Member member = Member.join(protocol, group, List.of(topic))) {
                    member.owns(Set.of(part));
                    Cases.refused(CommitFailedException.class, () -> {
                        consumer.commitSync(Map.of(part, new OffsetAndMetadata(7)));
                        return null;
                    });
                }
            }
        }
    }

    /** What a member has read is committed as it goes and when it closes. */
    private static void automatic(String protocol) throws Exception {
        String topic = ClientSuite.create(Cases.topic("automatic-" + protocol), 1);
        TopicPartition part = new TopicPartition(topic, 0);
        String group = GroupSuite.group("automatic-" + protocol);
        GroupSuite.write(topic, 1, 10);
        try (Member member = Member.join(protocol, group, List.of(topic), "auto.commit.interval.ms", "200"); Admin admin = ClientSuite.admin()) {
            Cases.eventually("the commit of 10", () -> {
                OffsetAndMetadata found = admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get().get(part);
                return found != null && found.offset() == 10;
            });
            GroupSuite.write(topic, 1, 5);
            Member.consumedOnce(15, member);
            member.close();
            Cases.same(admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get().get(part).offset(), 15L, "committed at the close");
        }
    }

    static void cases(Cases cases) {
        cases.beside("java-groups/commits-classic", 60, () -> byMembers("classic"));
        cases.beside("java-groups/commits-consumer", 60, () -> byMembers("consumer"));
        cases.beside("java-groups/automatic-commits-classic", 60, () -> automatic("classic"));
        cases.beside("java-groups/automatic-commits-consumer", 60, () -> automatic("consumer"));
        cases.beside("java-groups/commits-without-membership", 60, Commits::withoutMembership);
    }
}
