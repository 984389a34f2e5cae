"""Groups in frames written by hand: the codes and the states that client libraries hide."""

import time

from cases import BOOTSTRAP, case, eventually, holds, main, same, topic
from frames import Connection
from wire import ask, receive, send

SESSION = 6000
# What heartbeats, commits and joins are refused with.
COORDINATOR_LOADING, NOT_COORDINATOR = 14, 16
ILLEGAL_GENERATION, INCONSISTENT_PROTOCOL, INVALID_GROUP, UNKNOWN_MEMBER, INVALID_SESSION, REBALANCE = 22, 23, 24, 25, 26, 27
INVALID_REQUEST, NON_EMPTY_GROUP, GROUP_ID_NOT_FOUND, MEMBER_ID_REQUIRED, FENCED_INSTANCE, SUBSCRIBED = 42, 68, 69, 79, 82, 86
FENCED_EPOCH, UNRELEASED_INSTANCE, UNSUPPORTED_ASSIGNOR, STALE_EPOCH, INVALID_REGEX = 110, 111, 112, 113, 128


def patient(name, version, connection=None, **values):
    """Asks again while the coordinator says that it is not ready: Kafka makes the topic of offsets on the first request."""
    made = []

    def probe():
        made[:] = [ask(name, version, connection, **values)]
        return made[0].ErrorCode not in (COORDINATOR_LOADING, NOT_COORDINATOR, 15)

    eventually(probe, 30, f"a coordinator for {name}")
    return made[0]


def create(name, partitions=1):
    """The topic's id, when it is known to the broker."""
    made = ask("CreateTopics", 7, Topics=[{"Name": name, "NumPartitions": partitions, "ReplicationFactor": 1}])
    same(made.Topics[0].ErrorCode, 0, f"error of create ({made.Topics[0].ErrorMessage})")
    known = lambda: ask("Metadata", 12, Topics=[{"Name": name}], AllowAutoTopicCreation=False).Topics[0].ErrorCode == 0
    eventually(known, what="the topic")
    return made.Topics[0].TopicId


def subscription(*names):
    """ConsumerProtocolSubscription, version 0."""
    listed = b"".join(len(name).to_bytes(2, "big") + name.encode() for name in names)
    return b"\0\0" + len(names).to_bytes(4, "big") + listed + b"\xff\xff\xff\xff"


def join_fields(group, member="", version=5, protocols=("range",), kind="consumer", session=SESSION, names=(), **more):
    rows = [{"Name": name, "Metadata": subscription(*names)} for name in protocols]
    return dict(GroupId=group, SessionTimeoutMs=session, MemberId=member, ProtocolType=kind, Protocols=rows,
                RebalanceTimeoutMs=10_000, **more)


def join(group, member="", version=5, connection=None, **more):
    """One JoinGroup as it is answered."""
    return patient("JoinGroup", version, connection, **join_fields(group, member, version, **more))


def new_member(group, **more):
    """The id that a first join is given."""
    answer = join(group, **more)
    same(answer.ErrorCode, MEMBER_ID_REQUIRED, "error of the first join")
    holds(answer.MemberId, "no member id came with it")
    return answer.MemberId


def sync(group, generation, member, assignments=None, version=3, **more):
    rows = [{"MemberId": key, "Assignment": value} for key, value in (assignments or {}).items()]
    return ask("SyncGroup", version, GroupId=group, GenerationId=generation, MemberId=member, Assignments=rows, **more)


def heartbeat(group, generation, member, **more):
    return ask("Heartbeat", 3, GroupId=group, GenerationId=generation, MemberId=member, **more).ErrorCode


def stable(group, **more):
    """A group of one: its member and generation."""
    member = new_member(group, **more)
    joined = join(group, member, **more)
    same((joined.ErrorCode, joined.Leader, len(joined.Members)), (0, member, 1), "the join with the id")
    same(sync(group, joined.GenerationId, member, {member: b"mine"}).ErrorCode, 0, "error of sync")
    return member, joined.GenerationId


def leave(group, *members, version=3):
    rows = [{"MemberId": member} for member in members]
    return ask("LeaveGroup", version, GroupId=group, Members=rows)


def described(group):
    return ask("DescribeGroups", 5, Groups=[group]).Groups[0]


def state(group):
    return described(group).GroupState


def commit(group, rows, generation=-1, member="", version=7, **more):
    """Rows are (topic, partition, offset, metadata); the codes in their order."""
    topics = [{"Name": name, "Partitions": [{"PartitionIndex": part, "CommittedOffset": offset, "CommittedMetadata": note,
                                             "CommittedLeaderEpoch": more.get("epoch", -1)}]}
              for name, part, offset, note in rows]
    last = []

    def probe():
        answer = ask("OffsetCommit", version, GroupId=group, GenerationIdOrMemberEpoch=generation, MemberId=member, Topics=topics)
        last[:] = [row.ErrorCode for topic in answer.Topics for row in topic.Partitions]
        return not {COORDINATOR_LOADING, NOT_COORDINATOR, 15} & set(last)

    eventually(probe, 30, "a coordinator for the commit")
    return last


def committed(group, name, *partitions):
    """(offset, epoch, metadata, error) of each partition."""
    answer = patient("OffsetFetch", 5, GroupId=group, Topics=[{"Name": name, "PartitionIndexes": list(partitions)}])
    same(answer.ErrorCode, 0, "error of the fetch")
    return [(row.CommittedOffset, row.CommittedLeaderEpoch, row.Metadata, row.ErrorCode) for row in answer.Topics[0].Partitions]


# Kafka 4.4's ranges of everything that groups ask for.
RANGES = {
    8: (2, 10), 9: (1, 10), 10: (0, 6), 11: (0, 9), 12: (0, 4), 13: (0, 5), 14: (0, 5), 15: (0, 6), 16: (0, 5),
    42: (0, 3), 47: (0, 0), 68: (0, 1), 69: (0, 1),
}


@case("raw-groups/advertised-ranges-are-those-of-kafka")
def ranges():
    reply = Connection().ask(18, 0, b"")
    same(reply.take("h"), 0, "error")
    found = {key: (low, high) for key, low, high in reply.array(lambda: reply.take("hhh"))}
    same({key: found.get(key) for key in RANGES}, RANGES, "ranges")


@case("raw-groups/find-coordinator", 40)
def coordinators():
    group = topic("coordinator")
    host, port = BOOTSTRAP.rsplit(":", 1)
    for version in range(0, 4):
        found = patient("FindCoordinator", version, Key=group)
        same((found.ErrorCode, found.NodeId, found.Host, found.Port), (0, 1, host, int(port)), f"version {version}")
    keys = [topic(f"coordinator-{i}") for i in range(20)]
    for version in range(4, 7):
        rows = ask("FindCoordinator", version, CoordinatorKeys=keys).Coordinators
        same([(row.Key, row.ErrorCode, row.NodeId, row.Host, row.Port) for row in rows],
             [(key, 0, 1, host, int(port)) for key in keys], f"batch of version {version}")
    same(ask("FindCoordinator", 6, CoordinatorKeys=[]).Coordinators, [], "an empty batch")
    same(ask("FindCoordinator", 3, Key=group, KeyType=9).ErrorCode, INVALID_REQUEST, "unknown type")
    rows = ask("FindCoordinator", 4, CoordinatorKeys=keys[:2], KeyType=9).Coordinators
    same([row.ErrorCode for row in rows], [INVALID_REQUEST] * 2, "unknown type in a batch")


@case("raw-groups/the-topic-of-offsets-is-internal-and-compacted", 40)
def internal():
    patient("FindCoordinator", 3, Key=topic("internal"))
    found = ask("Metadata", 12, Topics=[{"Name": "__consumer_offsets"}], AllowAutoTopicCreation=False).Topics[0]
    same((found.ErrorCode, found.IsInternal), (0, True), "error and internal")


@case("raw-groups/a-first-join-gets-its-member-id", 40)
def first_join():
    for version in (4, 5, 6, 9):
        group = topic(f"first-{version}")
        member = new_member(group, version=version)
        joined = join(group, member, version)
        same((joined.ErrorCode, joined.GenerationId, joined.Leader, joined.MemberId), (0, 1, member, member), f"version {version}")
        same([row.MemberId for row in joined.Members], [member], "members")


@case("raw-groups/old-joins-need-no-member-id", 40)
def old_join():
    for version in range(0, 4):
        group = topic(f"old-{version}")
        joined = join(group, version=version)
        same((joined.ErrorCode, joined.GenerationId, joined.ProtocolName), (0, 1, "range"), f"version {version}")
        same((joined.Leader, [row.MemberId for row in joined.Members]), (joined.MemberId, [joined.MemberId]), "leader and members")
        synced = sync(group, 1, joined.MemberId, {joined.MemberId: b"all"}, version=min(version, 2))
        same((synced.ErrorCode, synced.Assignment), (0, b"all"), "sync")
        gone = ask("LeaveGroup", min(version, 2), GroupId=group, MemberId=joined.MemberId)
        same(gone.ErrorCode, 0, "error of leave")


@case("raw-groups/join-errors", 40)
def join_errors():
    group = topic("join-errors")
    same(join("").ErrorCode, INVALID_GROUP, "empty group id")
    same(join(group, "stranger").ErrorCode, UNKNOWN_MEMBER, "unknown member of an unknown group")
    for session, wanted in ((5999, INVALID_SESSION), (1_800_001, INVALID_SESSION), (6000, 79), (1_800_000, 79)):
        same(join(topic("bounds"), session=session).ErrorCode, wanted, f"session of {session} ms")
    same(join(topic("none"), protocols=()).ErrorCode, INCONSISTENT_PROTOCOL, "no protocols")
    same(join(topic("none"), kind="").ErrorCode, INCONSISTENT_PROTOCOL, "no type")
    member, generation = stable(group)
    same(join(group, "stranger").ErrorCode, UNKNOWN_MEMBER, "unknown member")
    same(join(group, kind="connect").ErrorCode, INCONSISTENT_PROTOCOL, "another type")
    same(join(group, protocols=("sticky",)).ErrorCode, INCONSISTENT_PROTOCOL, "no common protocol")
    same(heartbeat(group, generation, member), 0, "heartbeat of the member that all this must not disturb")


@case("raw-groups/generations", 40)
def generations():
    group = topic("generations")
    member, generation = stable(group)
    same(heartbeat(group, generation, member), 0, "heartbeat")
    same(heartbeat(group, generation + 1, member), ILLEGAL_GENERATION, "heartbeat of another generation")
    same(heartbeat(group, generation, "stranger"), UNKNOWN_MEMBER, "heartbeat of a stranger")
    same(heartbeat("", generation, member), INVALID_GROUP, "heartbeat without a group")
    same(heartbeat(topic("nowhere"), generation, member), UNKNOWN_MEMBER, "heartbeat of an unknown group")
    same(sync(group, generation + 1, member).ErrorCode, ILLEGAL_GENERATION, "sync of another generation")
    same(sync(group, generation, "stranger").ErrorCode, UNKNOWN_MEMBER, "sync of a stranger")
    again = sync(group, generation, member)
    same((again.ErrorCode, again.Assignment), (0, b"mine"), "a repeated sync")
    odd = ask("SyncGroup", 5, GroupId=group, GenerationId=generation, MemberId=member, ProtocolType="connect", ProtocolName="range")
    same(odd.ErrorCode, INCONSISTENT_PROTOCOL, "sync with another type")
    odd = ask("SyncGroup", 5, GroupId=group, GenerationId=generation, MemberId=member, ProtocolType="consumer", ProtocolName="other")
    same(odd.ErrorCode, INCONSISTENT_PROTOCOL, "sync with another protocol")
    same([row.ErrorCode for row in leave(group, member, "stranger").Members], [0, UNKNOWN_MEMBER], "leave")
    same(heartbeat(group, generation, member), UNKNOWN_MEMBER, "heartbeat after leave")
    same(state(group), "Empty", "state")


@case("raw-groups/followers-wait-for-their-assignment", 40)
def followers():
    group = topic("followers")
    first, generation = stable(group, protocols=("range", "roundrobin"))
    second = new_member(group, protocols=("roundrobin", "other"))
    waiting = Connection()
    send(waiting, "JoinGroup", 5, **join_fields(group, second, protocols=("roundrobin", "other")))
    eventually(lambda: heartbeat(group, generation, first) == REBALANCE, what="the rebalance")
    same(state(group), "PreparingRebalance", "state")
    leader = join(group, first, protocols=("range", "roundrobin"))
    follower = receive(waiting, "JoinGroup", 5)
    same((leader.ErrorCode, follower.ErrorCode), (0, 0), "errors")
    same((leader.GenerationId, follower.GenerationId), (generation + 1, generation + 1), "generations")
    same((leader.Leader, follower.Leader, leader.ProtocolName), (first, first, "roundrobin"), "leader and the common protocol")
    same((sorted(row.MemberId for row in leader.Members), follower.Members), (sorted([first, second]), []), "members")
    same([row.Metadata for row in leader.Members], [subscription()] * 2, "metadata of the chosen protocol")
    same(state(group), "CompletingRebalance", "state")
    send(waiting, "SyncGroup", 3, GroupId=group, GenerationId=generation + 1, MemberId=second, Assignments=[])
    same(heartbeat(group, generation + 1, second), 0, "heartbeat while the leader computes")
    synced = sync(group, generation + 1, first, {first: b"one", second: b"two"})
    same((synced.Assignment, receive(waiting, "SyncGroup", 3).Assignment), (b"one", b"two"), "assignments")
    found = described(group)
    same((found.GroupState, found.ProtocolType, found.ProtocolData), ("Stable", "consumer", "roundrobin"), "description")
    rows = {row.MemberId: (row.MemberMetadata, row.MemberAssignment, row.ClientId) for row in found.Members}
    same(rows, {first: (subscription(), b"one", "raw"), second: (subscription(), b"two", "raw")}, "described members")
    leave(group, first, second)


@case("raw-groups/who-does-not-come-back-is-left-behind", 40)
def left_behind():
    group = topic("left-behind")
    first, generation = stable(group)
    second = new_member(group)
    started = time.monotonic()
    joined = join(group, second)
    same((joined.ErrorCode, joined.Leader, [row.MemberId for row in joined.Members]), (0, second, [second]), "the join alone")
    holds(time.monotonic() - started < 14, "it waited longer than session and rebalance time-out")
    same(heartbeat(group, generation, first), UNKNOWN_MEMBER, "heartbeat of the one left behind")
    leave(group, second)


@case("raw-groups/static-members", 40)
def static():
    group = topic("static")
    first = join(group, GroupInstanceId="one")
    same(first.ErrorCode, 0, "a first join with an instance id")
    generation = first.GenerationId
    same(sync(group, generation, first.MemberId, {first.MemberId: b"kept"}, GroupInstanceId="one").ErrorCode, 0, "error of sync")
    again = join(group, GroupInstanceId="one")
    same((again.ErrorCode, again.GenerationId), (0, generation), "error and generation after a restart")
    holds(again.MemberId != first.MemberId, "the member id is the old one")
    synced = sync(group, generation, again.MemberId, GroupInstanceId="one")
    same((synced.ErrorCode, synced.Assignment), (0, b"kept"), "its assignment")
    same(heartbeat(group, generation, first.MemberId, GroupInstanceId="one"), FENCED_INSTANCE, "heartbeat with the old id")
    same(sync(group, generation, first.MemberId, GroupInstanceId="one").ErrorCode, FENCED_INSTANCE, "sync with the old id")
    same(join(group, first.MemberId, GroupInstanceId="one").ErrorCode, FENCED_INSTANCE, "join with the old id")
    same(heartbeat(group, generation, again.MemberId, GroupInstanceId="two"), UNKNOWN_MEMBER, "heartbeat of another instance")
    same(described(group).Members[0].GroupInstanceId, "one", "described instance")
    gone = ask("LeaveGroup", 3, GroupId=group, Members=[{"MemberId": "", "GroupInstanceId": "one"}, {"MemberId": "", "GroupInstanceId": "two"}])
    same([(row.GroupInstanceId, row.ErrorCode) for row in gone.Members], [("one", 0), ("two", UNKNOWN_MEMBER)], "leave by instance")
    same(state(group), "Empty", "state")


@case("raw-groups/a-silent-member-is-taken-out", 40)
def silent():
    name, group = topic("silent"), topic("silent")
    create(name)
    member, generation = stable(group, names=(name,))
    same(commit(group, [(name, 0, 5, "")], generation, member), [0], "commit of a member")
    eventually(lambda: state(group) == "Empty", 15, "the end of the session")
    same(heartbeat(group, generation, member), UNKNOWN_MEMBER, "heartbeat")
    same(commit(group, [(name, 0, 6, "")], generation, member), [UNKNOWN_MEMBER], "commit")
    same(committed(group, name, 0)[0][0], 5, "what stays committed")


@case("raw-groups/commits-of-members", 40)
def member_commits():
    name, group = topic("commits"), topic("commits")
    create(name)
    member, generation = stable(group)
    same(commit(group, [(name, 0, 1, "")], generation, member), [0], "commit of a member")
    same(commit(group, [(name, 0, 2, "")], generation + 1, member), [ILLEGAL_GENERATION], "another generation")
    same(commit(group, [(name, 0, 2, "")], generation, "stranger"), [UNKNOWN_MEMBER], "a stranger")
    same(commit(group, [(name, 0, 2, "")]), [UNKNOWN_MEMBER], "no member while the group has some")
    same(commit("", [(name, 0, 2, "")]), [0], "the nameless group, which only keeps offsets")
    same(committed(group, name, 0)[0][0], 1, "what is committed")
    leave(group, member)
    same(commit(group, [(name, 0, 3, "")]), [0], "no member when the group is empty")
    same(commit(topic("nowhere"), [(name, 0, 2, "")], 3, "stranger"), [ILLEGAL_GENERATION], "an unknown group with a generation")


@case("raw-groups/offsets-and-their-metadata", 40)
def offsets():
    name, group = topic("offsets"), topic("offsets")
    create(name, 4)
    same(committed(group, name, 0, 3), [(-1, -1, "", 0)] * 2, "offsets of an unknown group")
    notes = [("", ""), ("note Ω", "note Ω"), (None, ""), ("x" * 4096, "x" * 4096)]
    rows = [(name, part, 10 + part, sent) for part, (sent, _) in enumerate(notes)]
    same(commit(group, rows), [0] * 4, "commit")
    same(committed(group, name, 0, 1, 2, 3), [(10 + part, -1, got, 0) for part, (_, got) in enumerate(notes)], "offsets")
    same(commit(group, [(name, 0, 99, "x" * 4097), (name, 1, 20, "")]), [12, 0], "too long a note beside a good one")
    same(commit(group, [(name, 0, 77, "")], epoch=4), [0], "commit with an epoch")
    same(committed(group, name, 0, 1, 9), [(77, 4, "", 0), (20, -1, "", 0), (-1, -1, "", 0)], "offsets after them")
    same(commit(group, [(topic("nowhere"), 0, 1, ""), (name, 9, 1, ""), (name, 2, 1, "")]), [3, 3, 0], "unknown topic and partition")
    listed = ask("OffsetFetch", 7, GroupId=group, Topics=None, RequireStable=True).Topics
    same({row.PartitionIndex: row.CommittedOffset for row in listed[0].Partitions}, {0: 77, 1: 20, 2: 1, 3: 13}, "all topics")


@case("raw-groups/offsets-of-many-groups-in-one-request", 40)
def many_offsets():
    name = topic("batched")
    number = create(name, 2)
    groups = [topic(f"batched-{i}") for i in range(3)]
    for i, group in enumerate(groups[:2]):
        same(commit(group, [(name, 0, 100 + i, "")], version=6), [0], "commit")
    asked = [{"GroupId": group, "Topics": [{"Name": name, "PartitionIndexes": [0, 1]}]} for group in groups]
    found = ask("OffsetFetch", 8, Groups=asked).Groups
    rows = {row.GroupId: (row.ErrorCode, [part.CommittedOffset for part in row.Topics[0].Partitions]) for row in found}
    same(rows, dict(zip(groups, [(0, [100, -1]), (0, [101, -1]), (0, [-1, -1])])), "offsets")
    found = ask("OffsetFetch", 8, Groups=[{"GroupId": group, "Topics": None} for group in groups]).Groups
    same({row.GroupId: len(row.Topics) for row in found}, dict(zip(groups, [1, 1, 0])), "topics of everything")
    asked = {"GroupId": groups[0], "Topics": [{"TopicId": number, "PartitionIndexes": [0]}, {"TopicId": bytes(range(16)), "PartitionIndexes": [0]}]}
    found = ask("OffsetFetch", 10, Groups=[asked]).Groups[0]
    rows = {(row.TopicId, row.Partitions[0].CommittedOffset, row.Partitions[0].ErrorCode) for row in found.Topics}
    same(rows, {(number, 100, 0), (bytes(range(16)), -1, 100)}, "offsets by topic id")
    topics = [{"TopicId": number, "Partitions": [{"PartitionIndex": 1, "CommittedOffset": 7, "CommittedMetadata": "by id"}]},
              {"TopicId": bytes(range(16)), "Partitions": [{"PartitionIndex": 0, "CommittedOffset": 7, "CommittedMetadata": ""}]}]
    done = {row.TopicId: row.Partitions[0].ErrorCode for row in ask("OffsetCommit", 10, GroupId=groups[0], Topics=topics).Topics}
    same(done, {number: 0, bytes(range(16)): 100}, "commit by topic id")
    same(committed(groups[0], name, 1), [(7, -1, "by id", 0)], "what it committed")


@case("raw-groups/a-deleted-topic-takes-its-offsets-along", 40)
def deleted_topic():
    name, group = topic("deleted"), topic("deleted")
    create(name)
    same(commit(group, [(name, 0, 5, "")]), [0], "commit")
    same(ask("DeleteTopics", 5, TopicNames=[name], TimeoutMs=10_000).Responses[0].ErrorCode, 0, "error of delete")
    eventually(lambda: committed(group, name, 0) == [(-1, -1, "", 0)], what="the end of its offsets")


@case("raw-groups/lists-and-descriptions", 40)
def lists():
    name, group, simple = topic("listed"), topic("listed"), topic("listed-simple")
    create(name)
    member, _ = stable(group)
    same(commit(simple, [(name, 0, 5, "")]), [0], "commit")

    def listed(version, **filters):
        rows = patient("ListGroups", version, **filters).Groups
        return {row.GroupId: tuple(value for key, value in row.items() if key != "GroupId") for row in rows}

    same({key: listed(0).get(key) for key in (group, simple)}, {group: ("consumer",), simple: ("",)}, "version 0")
    found = listed(5)
    same((found.get(group), found.get(simple)), (("consumer", "Stable", "classic"), ("", "Empty", "classic")), "version 5")
    only = lambda **filters: sorted({group, simple} & set(listed(5, **filters)))
    same(only(StatesFilter=["Stable"]), [group], "stable ones")
    same(only(StatesFilter=["stable", "EMPTY"]), [group, simple], "two states in other cases")
    same(only(StatesFilter=["NoSuchState"]), [], "an unknown state")
    same(only(TypesFilter=["classic"]), [group, simple], "classic ones")
    same(only(TypesFilter=["consumer"]), [], "newer ones")
    same((described(simple).GroupState, described(simple).ErrorCode), ("Empty", 0), "a group of offsets only")
    nowhere = topic("nowhere")
    for version in (0, 5):
        found = ask("DescribeGroups", version, Groups=[nowhere]).Groups[0]
        same((found.ErrorCode, found.GroupState, found.Members), (0, "Dead", []), f"an unknown group in version {version}")
    found = ask("DescribeGroups", 6, Groups=[nowhere, group]).Groups
    rows = {row.GroupId: (row.ErrorCode, row.GroupState) for row in found}
    same(rows, {nowhere: (GROUP_ID_NOT_FOUND, "Dead"), group: (0, "Stable")}, "version 6")
    same([row.ErrorCode for row in ask("ConsumerGroupDescribe", 1, GroupIds=[nowhere, group]).Groups], [69, 69], "as newer groups")
    leave(group, member)


@case("raw-groups/delete-groups", 40)
def delete_groups():
    name, group = topic("gone"), topic("gone")
    create(name)
    member, generation = stable(group)
    same(commit(group, [(name, 0, 5, "")], generation, member), [0], "commit")
    nowhere = topic("nowhere")
    codes = lambda *groups: {row.GroupId: row.ErrorCode for row in ask("DeleteGroups", 2, GroupsNames=list(groups)).Results}
    same(codes(group, nowhere), {group: NON_EMPTY_GROUP, nowhere: GROUP_ID_NOT_FOUND}, "in use and unknown")
    leave(group, member)
    same(codes(group), {group: 0}, "empty")
    same(codes(group), {group: GROUP_ID_NOT_FOUND}, "once more")
    same(commit("", [(name, 0, 2, "")]), [0], "commit without a name")
    same((codes(""), codes("")), ({"": 0}, {"": GROUP_ID_NOT_FOUND}), "the nameless group")
    same(committed(group, name, 0), [(-1, -1, "", 0)], "its offsets")
    same(state(group), "Dead", "state")


@case("raw-groups/delete-offsets", 40)
def delete_offsets():
    used, spare, group = topic("used"), topic("spare"), topic("offset-delete")
    create(used), create(spare)

    def delete(group, *names):
        rows = [{"Name": name, "Partitions": [{"PartitionIndex": 0}]} for name in names]
        answer = ask("OffsetDelete", 0, GroupId=group, Topics=rows)
        return answer.ErrorCode, [row.Partitions[0].ErrorCode for row in answer.Topics]

    same(delete(topic("nowhere"), used)[0], GROUP_ID_NOT_FOUND, "unknown group")
    member, generation = stable(group, names=(used,))
    same(commit(group, [(used, 0, 5, ""), (spare, 0, 6, "")], generation, member), [0, 0], "commit")
    same(delete(group, used, spare), (0, [SUBSCRIBED, 0]), "one subscribed, one not")
    same((committed(group, used, 0)[0][0], committed(group, spare, 0)[0][0]), (5, -1), "offsets")
    same(delete(group, topic("nowhere")), (0, [3]), "unknown topic")
    leave(group, member)
    same(delete(group, used), (0, [0]), "of an empty group")
    same(committed(group, used, 0)[0][0], -1, "offset")


def beat(group, member, epoch, version=1, connection=None, **more):
    """One ConsumerGroupHeartbeat."""
    return patient("ConsumerGroupHeartbeat", version, connection, GroupId=group, MemberId=member, MemberEpoch=epoch, **more)


def enter(group, member, names, **more):
    """A heartbeat that joins."""
    return beat(group, member, 0, SubscribedTopicNames=list(names), RebalanceTimeoutMs=10_000, TopicPartitions=[], **more)


def partitions(answer, number):
    """The partitions of one topic in an assignment, or None when it says nothing new."""
    if answer.Assignment is None:
        return None
    return [part for row in answer.Assignment.TopicPartitions if row.TopicId == number for part in row.Partitions]


class Member:
    """A member of the newer kind, reconciled by hand: it owns at once what it is told."""

    def __init__(self, group, name, topics, number, **more):
        self.group, self.name, self.number, self.owned = group, name, number, []
        self.take(enter(group, name, topics, **more))

    def take(self, answer):
        same(answer.ErrorCode, 0, f"error of a heartbeat of {self.name} ({answer.ErrorMessage})")
        self.epoch = answer.MemberEpoch
        told = partitions(answer, self.number)
        if told is not None:
            self.owned = told
        return told

    def beat(self):
        rows = [{"TopicId": self.number, "Partitions": self.owned}] if self.owned else []
        return self.take(beat(self.group, self.name, self.epoch, TopicPartitions=rows))

    def until(self, count):
        """Beats until it was told nothing new and owns so many: what it gave up is confirmed then."""
        eventually(lambda: self.beat() is None and len(self.owned) == count, what=f"{count} partitions of {self.name}")

    def leave(self):
        same(beat(self.group, self.name, -1).ErrorCode, 0, "error of leave")


@case("raw-groups/heartbeats-of-newer-groups-are-checked", 40)
def newer_errors():
    name, group = topic("checked"), topic("checked")
    number = create(name)
    join_with = lambda **more: enter(group, "m", [name], **more).ErrorCode
    same(enter("", "m", [name]).ErrorCode, INVALID_REQUEST, "no group id")
    same(enter(group, "", [name]).ErrorCode, INVALID_REQUEST, "no member id")
    same(beat(group, "m", -3).ErrorCode, INVALID_REQUEST, "epoch -3")
    same(beat(group, "m", 0, RebalanceTimeoutMs=10_000, TopicPartitions=[]).ErrorCode, INVALID_REQUEST, "no subscription")
    same(beat(group, "m", 0, RebalanceTimeoutMs=10_000, SubscribedTopicNames=[name]).ErrorCode, INVALID_REQUEST, "no partitions list")
    same(beat(group, "m", 0, TopicPartitions=[], SubscribedTopicNames=[name]).ErrorCode, INVALID_REQUEST, "no time-out")
    same(join_with(InstanceId=""), INVALID_REQUEST, "an empty instance id")
    same(join_with(RackId=""), INVALID_REQUEST, "an empty rack")
    same(join_with(ServerAssignor=""), UNSUPPORTED_ASSIGNOR, "an empty assignor")
    same(join_with(ServerAssignor="mystery"), UNSUPPORTED_ASSIGNOR, "an unknown assignor")
    same(beat(group, "m", 0, RebalanceTimeoutMs=1000, TopicPartitions=[], SubscribedTopicRegex="(").ErrorCode, INVALID_REGEX, "a bad pattern")
    same(beat(group, "m", 5).ErrorCode, GROUP_ID_NOT_FOUND, "a later heartbeat of an unknown group")
    member = Member(group, "m", [name], number)
    same(beat(group, "stranger", 5).ErrorCode, UNKNOWN_MEMBER, "a later heartbeat of a stranger")
    same(beat(group, "m", member.epoch + 1).ErrorCode, FENCED_EPOCH, "an epoch of the future")
    same(beat(group, "m", -2).ErrorCode, INVALID_REQUEST, "epoch -2 without an instance id")
    same(beat(group, "m", member.epoch).ErrorCode, 0, "a good heartbeat")
    member.leave()


@case("raw-groups/newer-members-join-share-and-leave", 40)
def newer_members():
    name, group = topic("shared"), topic("shared")
    number = create(name, 4)
    first = Member(group, "first", [name], number)
    first.until(4)
    second = Member(group, "second", [name], number)
    same(second.owned, [], "partitions before the first one has let go")
    first.until(2)
    second.until(2)
    same(sorted(first.owned + second.owned), [0, 1, 2, 3], "all partitions")
    same(partitions(beat(group, "first", first.epoch), number), None, "assignment of a heartbeat without news")
    again = beat(group, "first", first.epoch, SubscribedTopicNames=[name], RebalanceTimeoutMs=10_000,
                 TopicPartitions=[{"TopicId": number, "Partitions": first.owned}])
    same(sorted(partitions(again, number)), sorted(first.owned), "assignment of a full heartbeat")
    found = ask("ConsumerGroupDescribe", 1, GroupIds=[group]).Groups[0]
    same((found.ErrorCode, found.GroupState, found.AssignorName), (0, "Stable", "uniform"), "description")
    rows = {row.MemberId: (row.Assignment.TopicPartitions[0].Partitions, row.SubscribedTopicNames) for row in found.Members}
    same(rows, {"first": (sorted(first.owned), [name]), "second": (sorted(second.owned), [name])}, "described members")
    second.leave()
    first.until(4)
    first.leave()
    same(ask("ConsumerGroupDescribe", 1, GroupIds=[group]).Groups[0].GroupState, "Empty", "state")


@case("raw-groups/version-0-of-the-newer-heartbeat-names-members", 40)
def version_0():
    name, group = topic("named"), topic("named")
    create(name)
    joined = beat(group, "", 0, version=0, SubscribedTopicNames=[name], RebalanceTimeoutMs=10_000, TopicPartitions=[])
    same(joined.ErrorCode, 0, "error")
    holds(joined.MemberId, "no member id")
    holds(joined.MemberEpoch > 0, f"epoch {joined.MemberEpoch}")
    same(joined.HeartbeatIntervalMs > 0, True, "an interval")


@case("raw-groups/newer-static-members", 40)
def newer_static():
    name, group = topic("newer-static"), topic("newer-static")
    number = create(name, 2)
    first = Member(group, "first", [name], number, InstanceId="one")
    eventually(lambda: len(first.owned) == 2 or first.take(beat(group, "first", first.epoch, InstanceId="one", TopicPartitions=[])), what="both")
    same(enter(group, "second", [name], InstanceId="one").ErrorCode, UNRELEASED_INSTANCE, "a second holder of the instance")
    same(beat(group, "first", -2, InstanceId="one").ErrorCode, 0, "a pause")
    second = enter(group, "second", [name], InstanceId="one")
    same((second.ErrorCode, sorted(partitions(second, number))), (0, [0, 1]), "the assignment waits for its return")
    same(beat(group, "first", 1, InstanceId="one").ErrorCode, 82, "the old member")
    same(beat(group, "second", -1, InstanceId="one").ErrorCode, 0, "leave")


@case("raw-groups/commits-of-newer-members", 40)
def newer_commits():
    name, group = topic("newer-commits"), topic("newer-commits")
    number = create(name)
    member = Member(group, "m", [name], number)
    member.until(1)
    at = lambda epoch, who="m", version=9: commit(group, [(name, 0, 9, "kept")], epoch, who, version)
    same(at(member.epoch), [0], "commit")
    same(at(member.epoch + 1), [STALE_EPOCH], "an epoch of the future")
    same(at(member.epoch, "stranger"), [UNKNOWN_MEMBER], "a stranger")
    same(at(-1, ""), [UNKNOWN_MEMBER], "no member")
    asked = {"GroupId": group, "MemberId": "m", "MemberEpoch": member.epoch, "Topics": [{"Name": name, "PartitionIndexes": [0]}]}
    found = ask("OffsetFetch", 9, Groups=[asked]).Groups[0]
    same((found.ErrorCode, found.Topics[0].Partitions[0].CommittedOffset), (0, 9), "offset")
    same(ask("OffsetFetch", 9, Groups=[{**asked, "MemberEpoch": 77}]).Groups[0].ErrorCode, STALE_EPOCH, "fetch with another epoch")
    same(ask("OffsetFetch", 9, Groups=[{**asked, "MemberId": "stranger"}]).Groups[0].ErrorCode, UNKNOWN_MEMBER, "fetch of a stranger")
    member.leave()


@case("raw-groups/a-pattern-is-resolved-by-the-broker", 40)
def patterns():
    base, group = topic("pattern"), topic("pattern")
    number = create(f"{base}-a", 2)
    create(f"other-{base}")
    joined = beat(group, "m", 0, SubscribedTopicRegex=f"{base}-.*", RebalanceTimeoutMs=10_000, TopicPartitions=[])
    same(joined.ErrorCode, 0, "error")
    told = [joined]

    def probe():
        if partitions(told[-1], number):
            return True
        told.append(beat(group, "m", told[-1].MemberEpoch, TopicPartitions=[]))
        return False

    eventually(probe, what="partitions of the matching topic")
    same([row.TopicId for row in told[-1].Assignment.TopicPartitions], [number], "topics")
    same(beat(group, "m", -1).ErrorCode, 0, "leave")


@case("raw-groups/the-wrong-kind-of-group", 40)
def wrong_kind():
    name, newer, classic = topic("kinds"), topic("kinds-newer"), topic("kinds-classic")
    number = create(name)
    member = Member(newer, "m", [name], number)
    found = ask("DescribeGroups", 6, Groups=[newer]).Groups[0]
    same((found.ErrorCode, found.GroupState), (GROUP_ID_NOT_FOUND, "Dead"), "a newer group described as a classic one")
    same(join(newer, kind="connect").ErrorCode, INCONSISTENT_PROTOCOL, "a join of another type")
    same(heartbeat(newer, 1, "m"), UNKNOWN_MEMBER, "a classic heartbeat")
    rows = ask("ListGroups", 5, TypesFilter=["Consumer"]).Groups
    same([(row.GroupState, row.ProtocolType, row.GroupType) for row in rows if row.GroupId == newer], [("Stable", "consumer", "consumer")], "listed")
    stable(classic, kind="connect")
    same(enter(classic, "m", [name]).ErrorCode, GROUP_ID_NOT_FOUND, "a newer heartbeat in a group of another type")
    member.leave()


main()
