"""confluent-kafka (librdkafka) in groups of both protocols, and its group administration.

Members of a case are polled in turns by one thread; librdkafka's own threads keep them alive.
"""

from collections import Counter

from confluent_kafka import Consumer, ConsumerGroupState, ConsumerGroupTopicPartitions, ConsumerGroupType, KafkaError
from confluent_kafka import KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from cases import BOOTSTRAP, case, eventually, holds, main, same, topic

ADMIN = AdminClient({"bootstrap.servers": BOOTSTRAP})
CLASSIC = {"group.protocol": "classic", "session.timeout.ms": 6000, "heartbeat.interval.ms": 300}
NEWER = {"group.protocol": "consumer"}


def create(name, partitions=4):
    new = NewTopic(name, num_partitions=partitions, replication_factor=1)
    ADMIN.create_topics([new], request_timeout=10)[name].result(15)
    return name


def produce(name, count, partitions=4):
    """Numbers, spread over the partitions in turn."""
    client = Producer({"bootstrap.servers": BOOTSTRAP, "linger.ms": 5, "topic.metadata.propagation.max.ms": 10_000})
    for i in range(count):
        client.produce(name, str(i).encode(), partition=i % partitions)
    same(client.flush(20), 0, "records not acknowledged")


class Member:
    """A consumer that commits what it consumed when it loses partitions and when it leaves."""

    def __init__(self, group, topics, settings=CLASSIC, **more):
        base = {"bootstrap.servers": BOOTSTRAP, "group.id": group, "enable.auto.commit": False, "auto.offset.reset": "earliest",
                "topic.metadata.refresh.interval.ms": 500}
        extra = {key.replace("_", "."): value for key, value in more.items()}
        self.client = Consumer({**base, **settings, **extra})
        self.got, self.revocations, self.commits = [], 0, True
        self.client.subscribe(topics, on_revoke=self.revoked, on_lost=lambda *_: None)

    def revoked(self, _client, _partitions):
        self.revocations += 1
        if self.commits:
            self.commit()

    def commit(self):
        try:
            self.client.commit(asynchronous=False)
        except KafkaException as problem:
            if problem.args[0].code() != KafkaError._NO_OFFSET:
                raise

    def poll(self):
        message = self.client.poll(0.02)
        while message is not None:
            if message.error():
                raise KafkaException(message.error())
            self.got.append((message.topic(), message.partition(), message.offset()))
            message = self.client.poll(0)

    def owned(self):
        return sorted((part.topic, part.partition) for part in self.client.assignment())

    def leave(self):
        self.commit()
        self.client.close()


def turns(members, condition, what, seconds=20):
    """Polls the members until the condition holds."""

    def probe():
        for member in members:
            member.poll()
        return condition()

    eventually(probe, seconds, what)


def balanced(members, name, count=4):
    """Every partition has one owner and nobody has two more than another."""
    owned = [member.owned() for member in members]
    sizes = [len(parts) for parts in owned]
    return sorted(sum(owned, [])) == [(name, i) for i in range(count)] and max(sizes) - min(sizes) <= 1


def once(members, count):
    """Every record went to exactly one member."""
    seen = Counter(row for member in members for row in member.got)
    same([row for row, times in seen.items() if times > 1], [], "records that came twice")
    same(len(seen), count, "records")


def shares(label, assignor, settings, **more):
    """Two members share, then one hands over; nothing is lost and nothing comes twice."""
    name = create(topic(label))
    group = name
    first = Member(group, [name], settings, **more)
    turns([first], lambda: len(first.owned()) == 4, "all partitions of the only member")
    produce(name, 100)
    turns([first], lambda: len(first.got) == 100, "the first records")
    second = Member(group, [name], settings, **more)
    both = [first, second]
    turns(both, lambda: balanced(both, name), "an even share")
    same(ADMIN.describe_consumer_groups([group], request_timeout=10)[group].result(15).partition_assignor, assignor, "assignor")
    produce(name, 200)
    turns(both, lambda: len(first.got) + len(second.got) >= 300, "records of both")
    holds(second.got, "the second member got nothing")
    second.leave()
    turns([first], lambda: len(first.owned()) == 4, "the partitions of the one that left")
    produce(name, 100)
    turns([first], lambda: len(first.got) + len(second.got) >= 400, "records after it")
    once(both, 400)
    first.leave()
    last = Member(group, [name], settings, **more)
    turns([last], lambda: len(last.owned()) == 4, "all partitions again")
    produce(name, 4)
    turns([last], lambda: len(last.got) >= 4, "the records of a newcomer")
    once([first, second, last], 404)
    last.leave()


def code_of(call):
    try:
        call()
    except KafkaException as problem:
        return problem.args[0].code()
    raise AssertionError("it was accepted")


@case("confluent-groups/range-shares-and-hands-over", 60)
def eager():
    shares("range", "range", CLASSIC, partition_assignment_strategy="range")


@case("confluent-groups/cooperative-sticky-shares-and-hands-over", 60)
def cooperative():
    shares("sticky", "cooperative-sticky", CLASSIC, partition_assignment_strategy="cooperative-sticky")


@case("confluent-groups/newer-members-share-and-hand-over", 60)
def newer():
    shares("newer", "uniform", NEWER)


@case("confluent-groups/newer-members-choose-the-assignor-range", 60)
def newer_range():
    shares("newer-range", "range", NEWER, group_remote_assignor="range")


def restarts(label, settings):
    """A static member comes back within its session: nobody else notices."""
    name = create(topic(label))
    first = Member(name, [name], settings, group_instance_id="one")
    second = Member(name, [name], settings, group_instance_id="two")
    turns([first, second], lambda: balanced([first, second], name), "an even share")
    before, others, revocations = first.owned(), second.owned(), second.revocations
    first.client.close()
    first = Member(name, [name], settings, group_instance_id="one")
    turns([first, second], lambda: first.owned() == before, "the old partitions")
    produce(name, 40)
    turns([first, second], lambda: len(first.got) + len(second.got) >= 40, "records")
    once([first, second], 40)
    same((second.owned(), second.revocations), (others, revocations), "what the other member went through")
    first.leave()
    second.leave()


@case("confluent-groups/a-static-member-restarts-unnoticed", 60)
def static():
    restarts("static", CLASSIC)


@case("confluent-groups/a-newer-static-member-restarts-unnoticed", 60)
def newer_static():
    restarts("newer-static", NEWER)


def commits(label, settings):
    name = create(topic(label))
    produce(name, 40)
    member = Member(name, [name], settings, enable_auto_offset_store=False)
    turns([member], lambda: len(member.got) == 40, "records")
    part = lambda index, offset=-1001, note="": TopicPartition(name, index, offset, note)
    done = member.client.commit(offsets=[part(0, 3, "a note Ω"), part(1, 4)], asynchronous=False)
    same([(row.partition, row.offset, row.error) for row in done], [(0, 3, None), (1, 4, None)], "answer of a commit")
    member.client.commit(offsets=[part(2, 5, "later")], asynchronous=True)
    committed = lambda client: [(row.offset, row.metadata) for row in client.committed([part(i) for i in range(4)], timeout=10)]
    wanted = [(3, "a note Ω"), (4, None), (5, "later"), (-1001, None)]
    plain = lambda rows: [(offset, note or None) for offset, note in rows]
    eventually(lambda: plain(committed(member.client)) == wanted, what="the commits")
    long = lambda: member.client.commit(offsets=[part(0, 9, "x" * 4097)], asynchronous=False)
    same(code_of(long), KafkaError.OFFSET_METADATA_TOO_LARGE, "error of too long a note")
    member.client.close()
    again = Member(name, [name], settings, enable_auto_offset_store=False)
    turns([again], lambda: len(again.got) == 7 + 6 + 5 + 10, "records after the commits")
    same(sorted(again.got)[0], (name, 0, 3), "first record of partition 0")
    same(plain(committed(again.client)), wanted, "what is committed after a restart")
    again.client.close()


@case("confluent-groups/commits-with-notes-survive", 60)
def classic_commits():
    commits("commits", CLASSIC)


@case("confluent-groups/commits-of-newer-members-survive", 60)
def newer_commits():
    commits("newer-commits", NEWER)


@case("confluent-groups/who-does-not-poll-is-out", 60)
def out():
    name = create(topic("out"))
    produce(name, 4)
    lazy = Member(name, [name], max_poll_interval_ms=6000)
    lazy.commits = False
    turns([lazy], lambda: len(lazy.got) == 4, "records")
    keen = Member(name, [name])
    turns([keen], lambda: len(keen.owned()) == 4, "the partitions of the one that is out", 30)
    late = lambda: lazy.client.commit(offsets=[TopicPartition(name, 0, 1)], asynchronous=False)
    codes = (KafkaError.UNKNOWN_MEMBER_ID, KafkaError.ILLEGAL_GENERATION, KafkaError._NO_OFFSET, KafkaError._STATE)
    code = code_of(late)
    holds(code in codes, f"the late commit failed with {code}")
    same(keen.client.committed([TopicPartition(name, 0)], timeout=10)[0].offset, -1001, "what is committed")
    keen.leave()
    lazy.client.close()


@case("confluent-groups/topics-by-pattern", 60)
def patterns():
    base = topic("pattern")
    create(f"{base}-a", 2)
    create(f"other-{base}", 2)
    for label, settings in (("classic", CLASSIC), ("newer", NEWER)):
        member = Member(f"{base}-{label}", [f"^{base}-.*"], settings)
        turns([member], lambda: member.owned() == [(f"{base}-a", 0), (f"{base}-a", 1)], f"the matching topic ({label})")
        member.leave()


@case("confluent-groups/a-pattern-meets-a-new-topic", 60)
def new_topic():
    base = topic("grows")
    create(f"{base}-a", 1)
    member = Member(base, [f"^{base}-.*"])
    turns([member], lambda: len(member.owned()) == 1, "the first topic")
    create(f"{base}-b", 1)
    turns([member], lambda: len(member.owned()) == 2, "the second topic")
    member.leave()


@case("confluent-groups/administration", 60)
def administration():
    name = create(topic("admin"))
    groups = {"classic": (topic("admin-classic"), CLASSIC), "newer": (topic("admin-newer"), NEWER)}
    members = {label: Member(group, [name], settings, group_instance_id="one") for label, (group, settings) in groups.items()}
    for member in members.values():
        turns(members.values(), lambda member=member: len(member.owned()) == 4, "partitions")
    both = sorted(group for group, _ in groups.values())

    def listed(**filters):
        found = ADMIN.list_consumer_groups(request_timeout=10, **filters).result(15)
        same(found.errors, [], "errors of the list")
        return sorted(row.group_id for row in found.valid if row.group_id in both)

    newer_id, classic_id = groups["newer"][0], groups["classic"][0]
    same(listed(), both, "groups")
    eventually(lambda: listed(states={ConsumerGroupState.STABLE}) == both, what="stable ones")
    same(listed(states={ConsumerGroupState.EMPTY}), [], "empty ones")
    same(listed(types={ConsumerGroupType.CLASSIC}), [classic_id], "classic ones")
    same(listed(types={ConsumerGroupType.CONSUMER}), [newer_id], "newer ones")
    for label, (group, _) in groups.items():
        found = ADMIN.describe_consumer_groups([group], request_timeout=10)[group].result(15)
        same((found.state, found.type.name), (ConsumerGroupState.STABLE, "CLASSIC" if label == "classic" else "CONSUMER"), "state and type")
        (row,) = found.members
        same((row.group_instance_id, len(row.assignment.topic_partitions)), ("one", 4), "the member")
        problem = code_of(lambda: ADMIN.delete_consumer_groups([group], request_timeout=10)[group].result(15))
        same(problem, KafkaError.NON_EMPTY_GROUP, "error of delete")
        change = ConsumerGroupTopicPartitions(group, [TopicPartition(name, 0, 2)])
        (row,) = ADMIN.alter_consumer_group_offsets([change], request_timeout=10)[group].result(15).topic_partitions
        same(row.error.code(), KafkaError.UNKNOWN_MEMBER_ID, "error of changing offsets in use")
    unknown = topic("nowhere")
    found = ADMIN.describe_consumer_groups([unknown], request_timeout=10)[unknown].result(15)
    same(found.state, ConsumerGroupState.DEAD, "state of an unknown group")
    problem = code_of(lambda: ADMIN.delete_consumer_groups([unknown], request_timeout=10)[unknown].result(15))
    same(problem, KafkaError.GROUP_ID_NOT_FOUND, "error of deleting an unknown group")
    for member in members.values():
        member.client.close()


@case("confluent-groups/administration-of-offsets", 60)
def offsets():
    name, group = create(topic("offsets")), topic("offsets")
    produce(name, 40)
    member = Member(group, [name])
    turns([member], lambda: len(member.got) == 40, "records")
    member.leave()
    show = lambda parts=None: ADMIN.list_consumer_group_offsets(
        [ConsumerGroupTopicPartitions(group, parts)], request_timeout=10)[group].result(15).topic_partitions
    same(sorted((row.partition, row.offset) for row in show()), [(i, 10) for i in range(4)], "all offsets")
    change = ConsumerGroupTopicPartitions(group, [TopicPartition(name, 1, 2), TopicPartition(name, 3, 7)])
    done = ADMIN.alter_consumer_group_offsets([change], request_timeout=10)[group].result(15)
    same([row.error for row in done.topic_partitions], [None, None], "errors of the change")
    same([row.offset for row in show([TopicPartition(name, 1), TopicPartition(name, 3)])], [2, 7], "changed offsets")
    again = Member(group, [name])
    turns([again], lambda: len(again.got) == 11, "records from the changed offsets")
    again.client.close()
    eventually(lambda: ADMIN.describe_consumer_groups([group])[group].result(15).state == ConsumerGroupState.EMPTY, what="the empty group")
    ADMIN.delete_consumer_groups([group], request_timeout=10)[group].result(15)
    same([row.offset for row in show([TopicPartition(name, 1)])], [-1001], "an offset of the deleted group")


main()
