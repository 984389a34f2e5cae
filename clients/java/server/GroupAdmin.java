import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ClassicGroupDescription;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.ConsumerGroupDescription;
import org.apache.kafka.clients.admin.GroupListing;
import org.apache.kafka.clients.admin.ListConsumerGroupOffsetsSpec;
import org.apache.kafka.clients.admin.ListConsumerGroupsOptions;
import org.apache.kafka.clients.admin.ListGroupsOptions;
import org.apache.kafka.clients.admin.MemberDescription;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.ClassicGroupState;
import org.apache.kafka.common.GroupState;
import org.apache.kafka.common.GroupType;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.GroupIdNotFoundException;
import org.apache.kafka.common.errors.GroupNotEmptyException;
import org.apache.kafka.common.errors.GroupSubscribedToTopicException;
import org.apache.kafka.common.errors.InvalidConfigurationException;
import org.apache.kafka.common.errors.UnknownMemberIdException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;

/** What an administrator sees of groups and does to them. */
final class GroupAdmin {
    private GroupAdmin() {
    }

    /** The listed groups of this case, by id. */
    private static Map<String, GroupListing> listed(Admin admin, String prefix, ListGroupsOptions options) throws Exception {
        return admin.listGroups(options).all().get().stream().filter(group -> group.groupId().startsWith(prefix))
            .collect(Collectors.toMap(GroupListing::groupId, group -> group));
    }

    @SuppressWarnings({"deprecation", "removal"})
    private static Set<String> listedTheOldWay(Admin admin, String prefix, ListConsumerGroupsOptions options) throws Exception {
        return admin.listConsumerGroups(options).all().get().stream().map(org.apache.kafka.clients.admin.ConsumerGroupListing::groupId)
            .filter(group -> group.startsWith(prefix)).collect(Collectors.toSet());
    }

    private static void lists() throws Exception {
        String topic = ClientSuite.create(Cases.topic("lists"), 1);
        String prefix = Cases.topic("lists-");
        String classic = prefix + "classic";
        String consumer = prefix + "consumer";
        String simple = prefix + "simple";
        try (Admin admin = ClientSuite.admin(); Member one = Member.join("classic", classic, List.of(topic));
             Member two = Member.join("consumer", consumer, List.of(topic))) {
            admin.alterConsumerGroupOffsets(simple, Map.of(new TopicPartition(topic, 0), new OffsetAndMetadata(1))).all().get();
            one.owns(GroupSuite.partitions(topic, 0, 1));
            two.owns(GroupSuite.partitions(topic, 0, 1));
            Map<String, GroupListing> all = listed(admin, prefix, new ListGroupsOptions());
            Cases.same(all, Map.of(classic, new GroupListing(classic, Optional.of(GroupType.CLASSIC), "consumer", Optional.of(GroupState.STABLE)),
                consumer, new GroupListing(consumer, Optional.of(GroupType.CONSUMER), "consumer", Optional.of(GroupState.STABLE)),
                simple, new GroupListing(simple, Optional.of(GroupType.CLASSIC), "", Optional.of(GroupState.EMPTY))), "all groups");
            Cases.same(listed(admin, prefix, ListGroupsOptions.forConsumerGroups()).keySet(), Set.of(classic, consumer, simple), "consumer groups");
            Cases.same(listed(admin, prefix, new ListGroupsOptions().withTypes(Set.of(GroupType.CONSUMER))).keySet(), Set.of(consumer), "of type consumer");
            Cases.same(listed(admin, prefix, new ListGroupsOptions().withTypes(Set.of(GroupType.CLASSIC))).keySet(), Set.of(classic, simple), "of type classic");
            Cases.same(listed(admin, prefix, new ListGroupsOptions().inGroupStates(Set.of(GroupState.STABLE))).keySet(), Set.of(classic, consumer), "stable");
            Cases.same(listed(admin, prefix, new ListGroupsOptions().inGroupStates(Set.of(GroupState.EMPTY))).keySet(), Set.of(simple), "empty");
            Cases.same(listed(admin, prefix, new ListGroupsOptions().inGroupStates(Set.of(GroupState.DEAD))).keySet(), Set.of(), "dead");
            Cases.same(listed(admin, prefix, new ListGroupsOptions().withProtocolTypes(Set.of("consumer"))).keySet(), Set.of(classic, consumer), "protocol consumer");
            Cases.same(listed(admin, prefix, new ListGroupsOptions().withProtocolTypes(Set.of(""))).keySet(), Set.of(simple), "no protocol");
            Cases.same(listed(admin, prefix, new ListGroupsOptions().withTypes(Set.of(GroupType.SHARE))).keySet(), Set.of(), "of type share");
            theOldWay(admin, prefix, classic, consumer, simple);
        }
    }

    @SuppressWarnings({"deprecation", "removal"})
    private static void theOldWay(Admin admin, String prefix, String classic, String consumer, String simple) throws Exception {
        Cases.same(listedTheOldWay(admin, prefix, new ListConsumerGroupsOptions()), Set.of(classic, consumer, simple), "listConsumerGroups");
        Cases.same(listedTheOldWay(admin, prefix, new ListConsumerGroupsOptions().inGroupStates(Set.of(GroupState.EMPTY))), Set.of(simple), "its empty ones");
        Cases.same(listedTheOldWay(admin, prefix, new ListConsumerGroupsOptions().withTypes(Set.of(GroupType.CONSUMER))), Set.of(consumer), "those of type consumer");
    }

    private static MemberDescription only(Collection<MemberDescription> members) {
        Cases.same(members.size(), 1, "members");
        return members.iterator().next();
    }

    private static void describes() throws Exception {
        String topic = ClientSuite.create(Cases.topic("describes"), 2);
        Set<TopicPartition> all = GroupSuite.partitions(topic, 0, 2);
        String classic = GroupSuite.group("describes-classic");
        String consumer = GroupSuite.group("describes-consumer");
        String missing = Cases.topic("describes-missing");
        try (Admin admin = ClientSuite.admin(); Member one = Member.join("classic", classic, List.of(topic), "client.id", "mine", "client.rack", "r1");
             Member two = Member.join("consumer", consumer, List.of(topic), "client.id", "mine", "client.rack", "r1", "group.instance.id", "fixed")) {
            one.owns(all);
            two.owns(all);
            Map<String, ConsumerGroupDescription> both = admin.describeConsumerGroups(List.of(classic, consumer)).all().get();
            ConsumerGroupDescription old = both.get(classic);
            Cases.same(List.of(old.type(), old.groupState(), old.partitionAssignor(), old.coordinator().id(), old.isSimpleConsumerGroup(), old.groupEpoch()),
                List.of(GroupType.CLASSIC, GroupState.STABLE, "range", 1, false, Optional.empty()), "the classic group");
            MemberDescription first = only(old.members());
            Cases.same(List.of(first.consumerId(), first.clientId(), first.host(), first.assignment().topicPartitions(), first.upgraded()),
                List.of(one.id(), "mine", "/127.0.0.1", all, Optional.empty()), "the classic member");
            ConsumerGroupDescription now = both.get(consumer);
            Cases.same(List.of(now.type(), now.groupState(), now.partitionAssignor(), now.coordinator().id(), now.groupEpoch(), now.targetAssignmentEpoch()),
                List.of(GroupType.CONSUMER, GroupState.STABLE, "uniform", 1, Optional.of(two.generation()), Optional.of(two.generation())), "the consumer group");
            MemberDescription second = only(now.members());
            Cases.same(List.of(second.consumerId(), second.clientId(), second.host(), second.groupInstanceId(), second.rackId(), second.upgraded()),
                List.of(two.id(), "mine", "/127.0.0.1", Optional.of("fixed"), Optional.of("r1"), Optional.of(true)), "the member of the consumer protocol");
            Cases.same(List.of(second.assignment().topicPartitions(), second.targetAssignment().orElseThrow().topicPartitions(), second.memberEpoch()),
                List.of(all, all, Optional.of(two.generation())), "its assignment");
            ClassicGroupDescription plain = admin.describeClassicGroups(List.of(classic)).all().get().get(classic);
            Cases.same(List.of(plain.state(), plain.protocol(), plain.protocolData(), plain.coordinator().id(), only(plain.members()).assignment().topicPartitions()),
                List.of(ClassicGroupState.STABLE, "consumer", "range", 1, all), "as a classic group");
            Cases.refused(GroupIdNotFoundException.class, () -> admin.describeClassicGroups(List.of(consumer)).all().get());
            Cases.refused(GroupIdNotFoundException.class, () -> admin.describeConsumerGroups(List.of(missing)).all().get());
            Cases.refused(GroupIdNotFoundException.class, () -> admin.describeClassicGroups(List.of(missing)).all().get());
        }
    }

    private static void offsets() throws Exception {
        String topic = ClientSuite.create(Cases.topic("offsets"), 2);
        TopicPartition zero = new TopicPartition(topic, 0);
        TopicPartition one = new TopicPartition(topic, 1);
        TopicPartition nowhere = new TopicPartition(Cases.topic("nowhere"), 0);
        String first = Cases.topic("offsets-1");
        String second = Cases.topic("offsets-2");
        String missing = Cases.topic("offsets-3");
        GroupSuite.write(topic, 2, 10);
        try (Admin admin = ClientSuite.admin()) {
            OffsetAndMetadata three = new OffsetAndMetadata(3, Optional.of(0), "three");
            admin.alterConsumerGroupOffsets(first, Map.of(zero, three, one, new OffsetAndMetadata(4))).all().get();
            admin.alterConsumerGroupOffsets(second, Map.of(one, new OffsetAndMetadata(5))).all().get();
            Cases.refused(UnknownTopicOrPartitionException.class,
                () -> admin.alterConsumerGroupOffsets(first, Map.of(nowhere, three)).partitionResult(nowhere).get());
            ListConsumerGroupOffsetsSpec everything = new ListConsumerGroupOffsetsSpec();
            Map<String, Map<TopicPartition, OffsetAndMetadata>> found = admin.listConsumerGroupOffsets(Map.of(first, everything, second, everything, missing, everything)).all().get();
            Cases.same(found, Map.of(first, Map.of(zero, three, one, new OffsetAndMetadata(4)), second, Map.of(one, new OffsetAndMetadata(5)), missing, Map.of()), "offsets of three groups");
            Map<TopicPartition, OffsetAndMetadata> some = new HashMap<>();
            some.put(zero, null);
            some.put(one, new OffsetAndMetadata(5));
            Cases.same(admin.listConsumerGroupOffsets(Map.of(second, new ListConsumerGroupOffsetsSpec().topicPartitions(List.of(zero, one)))).all().get(), Map.of(second, some), "asked by partition");
            admin.deleteConsumerGroupOffsets(first, Set.of(zero)).all().get();
            Cases.same(admin.listConsumerGroupOffsets(first).partitionsToOffsetAndMetadata().get(), Map.of(one, new OffsetAndMetadata(4)), "what is left");
            Cases.refused(GroupIdNotFoundException.class, () -> admin.deleteConsumerGroupOffsets(missing, Set.of(zero)).all().get());
            admin.deleteConsumerGroups(List.of(first, second)).all().get();
            Cases.refused(GroupIdNotFoundException.class, () -> admin.deleteConsumerGroups(List.of(first)).all().get());
            Cases.same(listed(admin, Cases.topic("offsets-"), new ListGroupsOptions()), Map.of(), "groups after their deletion");
        }
    }

    /** What members use is not taken from under them. */
    private static void inUse(String protocol) throws Exception {
        String topic = ClientSuite.create(Cases.topic("in-use-" + protocol), 1);
        String other = ClientSuite.create(Cases.topic("in-use-other-" + protocol), 1);
        TopicPartition used = new TopicPartition(topic, 0);
        TopicPartition unused = new TopicPartition(other, 0);
        String group = GroupSuite.group("in-use-" + protocol);
        try (Admin admin = ClientSuite.admin()) {
            admin.alterConsumerGroupOffsets(group, Map.of(used, new OffsetAndMetadata(0), unused, new OffsetAndMetadata(0))).all().get();
            try (Member member = Member.join(protocol, group, List.of(topic))) {
                member.owns(Set.of(used));
                Cases.refused(GroupNotEmptyException.class, () -> admin.deleteConsumerGroups(List.of(group)).all().get());
                Cases.refused(UnknownMemberIdException.class, () -> admin.alterConsumerGroupOffsets(group, Map.of(used, new OffsetAndMetadata(1))).all().get());
                Cases.refused(GroupSubscribedToTopicException.class, () -> admin.deleteConsumerGroupOffsets(group, Set.of(used)).all().get());
                admin.deleteConsumerGroupOffsets(group, Set.of(unused)).all().get();
                Cases.same(admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get().keySet(), Set.of(used), "partitions with a commit");
            }
            admin.deleteConsumerGroupOffsets(group, Set.of(used)).all().get();
            Cases.same(admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get(), Map.of(), "commits of the empty group");
            admin.deleteConsumerGroups(List.of(group)).all().get();
            Cases.refused(GroupIdNotFoundException.class, () -> admin.describeConsumerGroups(List.of(group)).all().get());
        }
    }

    private static void configs() throws Exception {
        String group = GroupSuite.group("configs");
        ConfigResource resource = new ConfigResource(ConfigResource.Type.GROUP, group);
        try (Admin admin = ClientSuite.admin()) {
            Cases.eventually("the group's settings", () -> "6000".equals(value(admin, resource, "consumer.session.timeout.ms")));
            ConfigEntry session = admin.describeConfigs(List.of(resource)).all().get().get(resource).get("consumer.session.timeout.ms");
            Cases.same(session.source(), ConfigEntry.ConfigSource.DYNAMIC_GROUP_CONFIG, "source of what is set");
            Cases.same(value(admin, resource, "consumer.heartbeat.interval.ms"), "500", "heartbeat");
            ConfigEntry interval = admin.describeConfigs(List.of(resource)).all().get().get(resource).get("consumer.assignment.interval.ms");
            Cases.same(List.of(interval.value(), interval.source()), List.of("1000", ConfigEntry.ConfigSource.DEFAULT_CONFIG), "what is not set");
            Cases.holds(admin.listConfigResources(Set.of(ConfigResource.Type.GROUP), new org.apache.kafka.clients.admin.ListConfigResourcesOptions()).all().get().contains(resource), "it is listed");
            Cases.refused(InvalidConfigurationException.class, () -> set(admin, resource, "consumer.session.timeout.ms", "5999"));
            Cases.refused(InvalidConfigurationException.class, () -> set(admin, resource, "consumer.session.timeout.ms", "60001"));
            Cases.refused(InvalidConfigurationException.class, () -> set(admin, resource, "consumer.heartbeat.interval.ms", "often"));
            Cases.refused(InvalidConfigurationException.class, () -> set(admin, resource, "no.such.setting", "1"));
            admin.incrementalAlterConfigs(Map.of(resource, List.of(
                new AlterConfigOp(new ConfigEntry("consumer.session.timeout.ms", null), AlterConfigOp.OpType.DELETE)))).all().get();
            Cases.eventually("the default again", () -> "45000".equals(value(admin, resource, "consumer.session.timeout.ms")));
        }
    }

    private static String value(Admin admin, ConfigResource resource, String key) throws Exception {
        return admin.describeConfigs(List.of(resource)).all().get().get(resource).get(key).value();
    }

    private static Object set(Admin admin, ConfigResource resource, String key, String value) throws Exception {
        return admin.incrementalAlterConfigs(Map.of(resource, List.of(new AlterConfigOp(new ConfigEntry(key, value), AlterConfigOp.OpType.SET)))).all().get();
    }

    static void cases(Cases cases) {
        cases.beside("java-groups/lists", 60, GroupAdmin::lists);
        cases.beside("java-groups/describes", 60, GroupAdmin::describes);
        cases.beside("java-groups/offsets-by-admin", 60, GroupAdmin::offsets);
        cases.beside("java-groups/in-use-classic", 60, () -> inUse("classic"));
        cases.beside("java-groups/in-use-consumer", 60, () -> inUse("consumer"));
        cases.beside("java-groups/group-configs", 60, GroupAdmin::configs);
    }
}
