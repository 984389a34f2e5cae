import java.util.List;
import java.util.Set;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.MemberToRemove;
import org.apache.kafka.clients.admin.RemoveMembersFromConsumerGroupOptions;
import org.apache.kafka.clients.consumer.CloseOptions;
import org.apache.kafka.clients.consumer.CommitFailedException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.FencedInstanceIdException;
import org.apache.kafka.common.errors.UnknownMemberIdException;
import org.apache.kafka.common.errors.UnreleasedInstanceIdException;

/** Members with a group.instance.id, of both protocols. */
final class StaticMembers {
    private StaticMembers() {
    }

    private static Member join(String protocol, String group, String topic, String instance) {
        return Member.join(protocol, group, List.of(topic), "group.instance.id", instance);
    }

    /** Within its session a static member finds its partitions again, and nobody else notices. */
    private static void returns(String protocol) throws Exception {
        String topic = ClientSuite.create(Cases.topic("static-" + protocol), 4);
        Set<TopicPartition> all = GroupSuite.partitions(topic, 0, 4);
        String group = GroupSuite.group("static-" + protocol);
        try (Member one = join(protocol, group, topic, "one"); Member two = join(protocol, group, topic, "two")) {
            Member.share(all, one, two);
            GroupSuite.write(topic, 4, 5);
            Member.consumedOnce(20, one, two);
            Set<TopicPartition> ones = one.owned();
            List<String> changes = two.changes();
            int generation = two.generation();
            String id = one.id();
            one.close();
            GroupSuite.write(topic, 4, 5);
            try (Member again = join(protocol, group, topic, "one")) {
                again.owns(ones);
                Member.consumedOnce(40, one, two, again);
                Cases.same(again.generation(), generation, "generation after the return");
                Cases.same(two.generation(), generation, "generation of the other");
                Cases.same(two.changes(), changes, "changes of the other");
                Cases.holds(!again.id().equals(id), "a new member id");
            }
        }
    }

    private static void secondIsTheOneClassic() throws Exception {
        String topic = ClientSuite.create(Cases.topic("fenced-classic"), 2);
        String group = GroupSuite.group("fenced-classic");
        try (Member first = join("classic", group, topic, "same")) {
            first.owns(GroupSuite.partitions(topic, 0, 2));
            try (Member second = join("classic", group, topic, "same")) {
                second.owns(GroupSuite.partitions(topic, 0, 2));
                first.fails(FencedInstanceIdException.class);
                Cases.refused(CommitFailedException.class, () -> first.ask(consumer -> {
                    consumer.commitSync();
                    return null;
                }));
            }
        }
    }

    private static void secondIsRefusedConsumer() throws Exception {
        String topic = ClientSuite.create(Cases.topic("fenced-consumer"), 2);
        String group = GroupSuite.group("fenced-consumer");
        try (Member first = join("consumer", group, topic, "same")) {
            first.owns(GroupSuite.partitions(topic, 0, 2));
            try (Member second = join("consumer", group, topic, "same")) {
                second.fails(UnreleasedInstanceIdException.class);
            }
            GroupSuite.write(topic, 2, 5);
            Member.consumedOnce(10, first);
            Cases.same(first.changes().size(), 1, "changes of " + first);
        }
    }

    private static int members(Admin admin, String group) throws Exception {
        return admin.describeConsumerGroups(List.of(group)).all().get().get(group).members().size();
    }

    /** A static member that went silently is taken out by an administrator, then all members that are left. */
    private static void removed(String protocol) throws Exception {
        String topic = ClientSuite.create(Cases.topic("removed-" + protocol), 4);
        Set<TopicPartition> all = GroupSuite.partitions(topic, 0, 4);
        String group = GroupSuite.group("removed-" + protocol);
        GroupSuite.configure(org.apache.kafka.common.config.ConfigResource.Type.GROUP, group, "consumer.session.timeout.ms", "60000");
        String[] patient = protocol.equals("classic") ? new String[] {"session.timeout.ms", "60000"} : new String[0];
        try (Member one = Member.join(protocol, group, List.of(topic), patient); Admin admin = ClientSuite.admin()) {
            String[] instance = java.util.Arrays.copyOf(patient, patient.length + 2);
            instance[patient.length] = "group.instance.id";
            instance[patient.length + 1] = "two";
            try (Member two = Member.join(protocol, group, List.of(topic), instance)) {
                Member.share(all, one, two);
            }
            Cases.same(members(admin, group), 2, "members after the silent close");
            admin.removeMembersFromConsumerGroup(group, new RemoveMembersFromConsumerGroupOptions(List.of(new MemberToRemove("two")))).all().get();
            one.owns(all);
            Cases.same(members(admin, group), 1, "members after the removal");
            MemberToRemove unknown = new MemberToRemove("three");
            Cases.refused(UnknownMemberIdException.class, () -> admin.removeMembersFromConsumerGroup(group,
                new RemoveMembersFromConsumerGroupOptions(List.of(unknown))).memberResult(unknown).get());
            String before = one.id();
            admin.removeMembersFromConsumerGroup(group, new RemoveMembersFromConsumerGroupOptions()).all().get();
            Cases.eventually(() -> "another life of " + one, Member.SETTLE, () -> one.owned().equals(all) && one.changes().stream().anyMatch(change -> change.startsWith("lost ")));
            if (protocol.equals("classic")) {
                Cases.holds(!one.id().equals(before), "a new member id");
            }
        }
    }

    /** What a member says when it closes decides, not its kind (KIP-1092). */
    private static void leavesOrStays(String protocol) throws Exception {
        String topic = ClientSuite.create(Cases.topic("leaves-" + protocol), 2);
        String group = GroupSuite.group("leaves-" + protocol);
        try (Admin admin = ClientSuite.admin()) {
            Member leaver = join(protocol, group, topic, "leaver");
            leaver.owns(GroupSuite.partitions(topic, 0, 2));
            leaver.close(CloseOptions.groupMembershipOperation(CloseOptions.GroupMembershipOperation.LEAVE_GROUP));
            Cases.same(members(admin, group), 0, "members after a static member left for good");
            Member stayer = Member.join(protocol, group, List.of(topic));
            stayer.owns(GroupSuite.partitions(topic, 0, 2));
            stayer.close(CloseOptions.groupMembershipOperation(CloseOptions.GroupMembershipOperation.REMAIN_IN_GROUP));
            // Without an instance id the client of the consumer protocol leaves all the same.
            Cases.same(members(admin, group), protocol.equals("classic") ? 1 : 0, "members after one went");
            Cases.eventually(() -> "the end of its session", Member.SETTLE, () -> members(admin, group) == 0);
        }
    }

    static void cases(Cases cases) {
        cases.beside("java-groups/static-member-returns-classic", 60, () -> returns("classic"));
        cases.beside("java-groups/static-member-returns-consumer", 60, () -> returns("consumer"));
        cases.beside("java-groups/second-instance-fences-the-first-classic", 60, StaticMembers::secondIsTheOneClassic);
        cases.beside("java-groups/second-instance-is-refused-consumer", 60, StaticMembers::secondIsRefusedConsumer);
        cases.beside("java-groups/members-removed-by-admin-classic", 60, () -> removed("classic"));
        cases.beside("java-groups/members-removed-by-admin-consumer", 60, () -> removed("consumer"));
        cases.beside("java-groups/leaves-or-stays-classic", 60, () -> leavesOrStays("classic"));
        cases.beside("java-groups/leaves-or-stays-consumer", 60, () -> leavesOrStays("consumer"));
    }
}
