import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ConsumerGroupDescription;
import org.apache.kafka.clients.admin.MemberDescription;
import org.apache.kafka.clients.consumer.CooperativeStickyAssignor;
import org.apache.kafka.clients.consumer.RangeAssignor;
import org.apache.kafka.common.GroupState;
import org.apache.kafka.common.GroupType;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.GroupIdNotFoundException;

/** A group that changes its protocol while its members come and go (KIP-848). */
final class Migration {
    private Migration() {
    }

    private static ConsumerGroupDescription describe(Admin admin, String group) throws Exception {
        return admin.describeConsumerGroups(List.of(group)).all().get().get(group);
    }

    /** Type and state of the group, and how many of its members are upgraded or not. */
    private static void is(Admin admin, String group, GroupType type, Map<Optional<Boolean>, Integer> upgraded) throws Exception {
        Cases.eventually(() -> group + " as " + type + " with " + upgraded, Member.SETTLE, () -> {
            ConsumerGroupDescription now = describe(admin, group);
            Map<Optional<Boolean>, Integer> counts = new HashMap<>();
            for (MemberDescription member : now.members()) {
                counts.merge(member.upgraded(), 1, Integer::sum);
            }
            return now.type() == type && now.groupState() == GroupState.STABLE && counts.equals(upgraded);
        });
    }

    private static void thereAndBack(String name, String strategy) throws Exception {
        String topic = ClientSuite.create(Cases.topic("migrates-" + name), 6);
        String group = GroupSuite.group("migrates-" + name);
        Set<TopicPartition> all = GroupSuite.partitions(topic, 0, 6);
        List<String> topics = List.of(topic);
        String[] by = {"partition.assignment.strategy", strategy};
        Optional<Boolean> yes = Optional.of(true);
        Optional<Boolean> no = Optional.of(false);
        try (Admin admin = ClientSuite.admin(); Member one = Member.join("classic", group, topics, by); Member two = Member.join("classic", group, topics, by)) {
            Member.share(all, one, two);
            is(admin, group, GroupType.CLASSIC, Map.of(Optional.empty(), 2));
            GroupSuite.write(topic, 6, 5);
            Member.consumedOnce(30, one, two);
            try (Member three = Member.join("consumer", group, topics)) {
                Member.share(all, one, two, three);
                is(admin, group, GroupType.CONSUMER, Map.of(no, 2, yes, 1));
                Cases.refused(GroupIdNotFoundException.class, () -> admin.describeClassicGroups(List.of(group)).all().get());
                GroupSuite.write(topic, 6, 5);
                Member.consumedOnce(60, one, two, three);
                one.close();
                two.close();
                three.owns(all);
                is(admin, group, GroupType.CONSUMER, Map.of(yes, 1));
                GroupSuite.write(topic, 6, 5);
                Member.consumedOnce(90, one, two, three);
                try (Member four = Member.join("classic", group, topics, by)) {
                    Member.share(all, three, four);
                    is(admin, group, GroupType.CONSUMER, Map.of(no, 1, yes, 1));
                    GroupSuite.write(topic, 6, 5);
                    Member.consumedOnce(120, one, two, three, four);
                    three.close();
                    four.owns(all);
                    is(admin, group, GroupType.CLASSIC, Map.of(Optional.empty(), 1));
                    GroupSuite.write(topic, 6, 5);
                    Member.consumedOnce(150, one, two, three, four);
                }
            }
        }
    }

    /** An empty group takes the protocol of whoever comes, and keeps its commits. */
    private static void empty() throws Exception {
        String topic = ClientSuite.create(Cases.topic("migrates-empty"), 2);
        String group = GroupSuite.group("migrates-empty");
        Set<TopicPartition> all = GroupSuite.partitions(topic, 0, 2);
        try (Admin admin = ClientSuite.admin()) {
            Member[] members = new Member[3];
            String[] protocols = {"classic", "consumer", "classic"};
            for (int i = 0; i < members.length; i++) {
                members[i] = Member.join(protocols[i], group, List.of(topic));
                members[i].owns(all);
                Cases.same(describe(admin, group).type(), GroupType.parse(protocols[i]), "type");
                GroupSuite.write(topic, 2, 5);
                Member.consumedOnce(10, members[i]);
                members[i].close();
                Cases.same(describe(admin, group).groupState(), GroupState.EMPTY, "state");
            }
            Member.consumedOnce(30, members);
        }
    }

    /** A static member comes back with the other protocol within its session, and takes its own place. */
    private static void instance() throws Exception {
        String topic = ClientSuite.create(Cases.topic("migrates-static"), 4);
        String group = GroupSuite.group("migrates-static");
        Set<TopicPartition> all = GroupSuite.partitions(topic, 0, 4);
        try (Admin admin = ClientSuite.admin(); Member other = Member.join("classic", group, List.of(topic), "group.instance.id", "other")) {
            Member before = Member.join("classic", group, List.of(topic), "group.instance.id", "same");
            Member.share(all, before, other);
            before.close();
            try (Member after = Member.join("consumer", group, List.of(topic), "group.instance.id", "same")) {
                Member.share(all, after, other);
                is(admin, group, GroupType.CONSUMER, Map.of(Optional.of(false), 1, Optional.of(true), 1));
            }
        }
    }

    static void cases(Cases cases) {
        cases.beside("java-groups/migration-there-and-back-range", 120, () -> thereAndBack("range", RangeAssignor.class.getName()));
        cases.beside("java-groups/migration-there-and-back-cooperative", 120, () -> thereAndBack("cooperative", CooperativeStickyAssignor.class.getName()));
        cases.beside("java-groups/migration-of-an-empty-group", 60, Migration::empty);
        cases.beside("java-groups/migration-of-a-static-member", 60, Migration::instance);
    }
}
