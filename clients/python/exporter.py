"""What watches lag from outside: kafkatop asks for groups, their offsets and the ends of their topics."""

import json
import re
import subprocess
import sys

from confluent_kafka import ConsumerGroupTopicPartitions, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from cases import BOOTSTRAP, case, eventually, main, same, topic

ADMIN = AdminClient({"bootstrap.servers": BOOTSTRAP})


def group_behind(name, lags):
    """A group named like its topic that is so many records behind in each partition."""
    new = NewTopic(name, num_partitions=len(lags), replication_factor=1)
    ADMIN.create_topics([new], request_timeout=10)[name].result(15)
    client = Producer({"bootstrap.servers": BOOTSTRAP, "linger.ms": 5})
    for partition in range(len(lags)):
        for i in range(30):
            client.produce(name, str(i).encode(), partition=partition)
    same(client.flush(20), 0, "records not acknowledged")
    rows = [TopicPartition(name, partition, 30 - lag) for partition, lag in enumerate(lags)]

    def commit():
        change = ConsumerGroupTopicPartitions(name, rows)
        done = ADMIN.alter_consumer_group_offsets([change], request_timeout=10)[name].result(15)
        return not any(row.error for row in done.topic_partitions)

    # The first commit of all may find a coordinator that is still loading.
    eventually(commit, what="the commit")


def kafkatop(*arguments):
    command = [sys.executable, "-m", "kafkatop", "--kafka-broker", BOOTSTRAP, "--all", *arguments]
    done = subprocess.run(command, capture_output=True, timeout=40, text=True)
    # librdkafka's own notes of level 6 and 7 are no complaints.
    complaints = [line for line in done.stderr.splitlines() if not line.startswith(("%6|", "%7|"))]
    same((done.returncode, complaints), (0, []), "exit code and complaints")
    return done.stdout


@case("exporter/lag-of-groups", 60)
def lag():
    one, two = topic("one"), topic("two")
    group_behind(one, [0, 7, 30])
    group_behind(two, [5])
    shown = json.loads(kafkatop("--summary-json", "--group-filter-pattern", f"^({re.escape(one)}|{re.escape(two)})$"))
    figures = {group: {name: (row["partitions"], row["lag_min"], row["lag_max"]) for name, row in found["topics"].items()}
               for group, found in shown.items()}
    same(figures, {one: {one: (3, 0, 30)}, two: {two: (1, 5, 5)}}, "lags")
    same({found["state"] for found in shown.values()}, {"ConsumerGroupState.EMPTY"}, "states")


main()
