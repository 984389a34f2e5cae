import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.consumer.CloseOptions;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * A consumer of a group that polls in a thread of its own and keeps what happened to it: the partitions it owns, each
 * change of them, its records, and the failure that ended its polling.
 */
final class Member implements AutoCloseable, ConsumerRebalanceListener {
    /** How long a group may take to settle on a busy machine. */
    static final int SETTLE = 30;

    /** What is done with the consumer in its thread. */
    interface Question<T> {
        T ask(KafkaConsumer<byte[], byte[]> consumer) throws Exception;
    }

    /** How a member subscribes. */
    interface Subscription {
        void make(KafkaConsumer<byte[], byte[]> consumer, ConsumerRebalanceListener listener);
    }

    private final KafkaConsumer<byte[], byte[]> consumer;
    private final BlockingQueue<Runnable> asked = new LinkedBlockingQueue<>();
    private final Set<TopicPartition> owned = ConcurrentHashMap.newKeySet();
    private final List<String> changes = new CopyOnWriteArrayList<>();
    private final List<ConsumerRecord<byte[], byte[]>> records = new CopyOnWriteArrayList<>();
    private volatile boolean polls = true;
    private volatile boolean open = true;
    private volatile Exception failure;

    private Member(Map<String, Object> settings, Subscription subscription) {
        consumer = new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer());
        subscription.make(consumer, this);
        Thread thread = new Thread(this::live, "member");
        thread.setDaemon(true);
        thread.start();
    }

    /** Settings of a member: sessions of six seconds, and the beginning where nothing is committed. */
    static Map<String, Object> settings(String protocol, String group, String... more) {
        Map<String, Object> all = new HashMap<>(Map.of("bootstrap.servers", Cases.BOOTSTRAP, "group.id", group, "group.protocol", protocol,
            "auto.offset.reset", "earliest", "allow.auto.create.topics", "false", "metadata.max.age.ms", "1000", "fetch.max.wait.ms", "100",
            "default.api.timeout.ms", "15000", "request.timeout.ms", "12000"));
        if (protocol.equals("classic")) {
            all.put("session.timeout.ms", "6000");
            all.put("heartbeat.interval.ms", "500");
        }
        for (int i = 0; i < more.length; i += 2) {
            all.put(more[i], more[i + 1]);
        }
        return all;
    }

    static Member join(String protocol, String group, Collection<String> topics, String... settings) {
        return join(protocol, group, (consumer, listener) -> consumer.subscribe(topics, listener), settings);
    }

    static Member join(String protocol, String group, Subscription subscription, String... settings) {
        return new Member(settings(protocol, group, settings), subscription);
    }

    private void live() {
        while (open) {
            try {
                Runnable task = polls ? asked.poll() : asked.take();
                if (task != null) {
                    task.run();
                } else {
                    consumer.poll(Duration.ofMillis(100)).forEach(records::add);
                }
            } catch (Exception problem) {
                failure = problem;
                polls = false;
            }
        }
    }

    @Override
    public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
        owned.addAll(partitions);
        changed("+", partitions);
    }

    @Override
    public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
        partitions.forEach(owned::remove);
        changed("-", partitions);
    }

    @Override
    public void onPartitionsLost(Collection<TopicPartition> partitions) {
        partitions.forEach(owned::remove);
        changed("lost ", partitions);
    }

    private void changed(String how, Collection<TopicPartition> partitions) {
        if (!partitions.isEmpty()) {
            changes.add(how + new TreeSet<>(partitions.stream().map(TopicPartition::toString).toList()));
        }
    }

    /** Asks the consumer in its thread and waits for the answer; what it throws is thrown here. */
    <T> T ask(Question<T> question) throws Exception {
        CompletableFuture<T> answer = new CompletableFuture<>();
        asked.add(() -> {
            try {
                answer.complete(question.ask(consumer));
            } catch (Exception problem) {
                answer.completeExceptionally(problem);
            }
        });
        try {
            return answer.get(SETTLE, TimeUnit.SECONDS);
        } catch (ExecutionException problem) {
            throw problem.getCause() instanceof Exception cause ? cause : problem;
        }
    }

    /** Lets it poll, or fall silent: its thread then only answers. */
    void polls(boolean whether) throws Exception {
        polls = whether;
        ask(consumer -> null);
    }

    Set<TopicPartition> owned() {
        return Set.copyOf(owned);
    }

    /** Each change of its partitions: {@code +[...]} assigned, {@code -[...]} revoked, {@code lost [...]}. */
    List<String> changes() {
        return List.copyOf(changes);
    }

    List<ConsumerRecord<byte[], byte[]>> records() {
        return List.copyOf(records);
    }

    int generation() throws Exception {
        return ask(consumer -> consumer.groupMetadata().generationId());
    }

    String id() throws Exception {
        return ask(consumer -> consumer.groupMetadata().memberId());
    }

    /** Its polling ends with a failure of this kind. */
    void fails(Class<? extends Exception> kind) throws Exception {
        Cases.eventually(() -> kind.getSimpleName() + " for " + this, SETTLE, () -> kind.isInstance(failure));
    }

    void owns(Set<TopicPartition> wanted) throws Exception {
        Cases.eventually(() -> wanted + " for " + this, SETTLE, () -> owned.equals(wanted));
    }

    @Override
    public void close() throws Exception {
        close(CloseOptions.timeout(Duration.ofSeconds(10)));
    }

    void close(CloseOptions options) throws Exception {
        if (open) {
            ask(consumer -> {
                open = false;
                consumer.close(options);
                return null;
            });
        }
    }

    @Override
    public String toString() {
        return owned + " after " + changes + " with " + records.size() + " records" + (failure == null ? "" : ", failed: " + failure);
    }

    /** The members own all these partitions, each one of them, as evenly as can be. */
    static void share(Set<TopicPartition> all, Member... members) throws Exception {
        Cases.eventually(() -> "even shares of " + all + " for " + Arrays.toString(members), SETTLE, () -> {
            Set<TopicPartition> together = new HashSet<>();
            List<Integer> sizes = new ArrayList<>();
            for (Member member : members) {
                Set<TopicPartition> own = member.owned();
                together.addAll(own);
                sizes.add(own.size());
            }
            int sum = sizes.stream().mapToInt(Integer::intValue).sum();
            int spread = sizes.stream().max(Integer::compare).orElse(0) - sizes.stream().min(Integer::compare).orElse(0);
            return sum == all.size() && together.equals(all) && spread <= 1;
        });
    }

    /** So many records came to the members together, none of them twice. */
    static void consumedOnce(int count, Member... members) throws Exception {
        Cases.eventually(() -> count + " records for " + Arrays.toString(members), SETTLE,
            () -> Arrays.stream(members).mapToInt(member -> member.records.size()).sum() >= count);
        Set<String> seen = new HashSet<>();
        for (Member member : members) {
            for (ConsumerRecord<byte[], byte[]> record : member.records) {
                String place = record.topic() + "-" + record.partition() + "@" + record.offset();
                Cases.holds(seen.add(place), place + " came twice");
            }
        }
        Cases.same(seen.size(), count, "records");
    }
}
