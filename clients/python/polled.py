"""Consumers of three clients in the shape that `members.Members` wants; each commits what it polled.

`poll` and `close` of one object are called from one thread only.
"""

import asyncio

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener
from confluent_kafka import Consumer, KafkaException
from kafka import KafkaConsumer

from cases import BOOTSTRAP

TIMES = {"session_timeout_ms": 6000, "heartbeat_interval_ms": 300}


class Confluent:
    """confluent-kafka."""

    def __init__(self, group, names, **settings):
        dotted = {key.replace("_", "."): value for key, value in {**TIMES, **settings}.items()}
        base = {"bootstrap.servers": BOOTSTRAP, "group.id": group, "enable.auto.commit": False, "auto.offset.reset": "earliest"}
        self.client = Consumer({**base, **dotted})
        self.client.subscribe(list(names))

    def poll(self):
        messages = self.client.consume(100, 0.1)
        for message in messages:
            if message.error():
                raise KafkaException(message.error())
        if messages:
            self.client.commit(asynchronous=False)
        return [(message.topic(), message.partition(), message.offset()) for message in messages]

    def owned(self):
        return sorted((part.topic, part.partition) for part in self.client.assignment())

    def close(self):
        self.client.close()


class KafkaPython:
    """kafka-python."""

    def __init__(self, group, names=(), **settings):
        base = dict(bootstrap_servers=BOOTSTRAP, group_id=group, enable_auto_commit=False, auto_offset_reset="earliest",
                    metadata_max_age_ms=500, **TIMES)
        self.client = KafkaConsumer(**{**base, **settings})
        if names:
            self.client.subscribe(list(names))

    def poll(self):
        found = self.client.poll(timeout_ms=100)
        rows = [(part.topic, part.partition, record.offset) for part, records in found.items() for record in records]
        if rows:
            self.client.commit()
        return rows

    def owned(self):
        return sorted((part.topic, part.partition) for part in self.client.assignment())

    def close(self):
        self.client.close(autocommit=False)


class Counted(ConsumerRebalanceListener):
    """Counts how often partitions were taken away."""

    def __init__(self):
        self.revoked = 0

    def on_partitions_revoked(self, revoked):
        self.revoked += 1

    def on_partitions_assigned(self, assigned):
        pass


class AioKafka:
    """aiokafka, in a loop of its own."""

    def __init__(self, group, names=(), pattern=None, **settings):
        self.loop, self.listener = asyncio.new_event_loop(), Counted()
        self.run(self.started(group, names, pattern, settings))

    async def started(self, group, names, pattern, settings):
        base = dict(bootstrap_servers=BOOTSTRAP, group_id=group, enable_auto_commit=False, auto_offset_reset="earliest",
                    metadata_max_age_ms=500, **TIMES)
        self.client = AIOKafkaConsumer(**{**base, **settings})
        self.client.subscribe(topics=list(names), pattern=pattern, listener=self.listener)
        await self.client.start()

    def run(self, work):
        return self.loop.run_until_complete(work)

    def poll(self):
        return self.run(self.polled())

    async def polled(self):
        found = await self.client.getmany(timeout_ms=100)
        rows = [(part.topic, part.partition, record.offset) for part, records in found.items() for record in records]
        if rows:
            await self.client.commit()
        return rows

    def owned(self):
        return sorted((part.topic, part.partition) for part in self.client.assignment())

    def close(self):
        self.run(self.client.stop())
