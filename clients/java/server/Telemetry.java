import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.InvalidConfigurationException;
import org.apache.kafka.common.errors.InvalidRequestException;

/** Clients that offer their own metrics (KIP-714). */
final class Telemetry {
    private Telemetry() {
    }

    /** Each client is given an id that it keeps, and works on while it pushes twice a second. */
    private static void clients() throws Exception {
        String topic = ClientSuite.create(Cases.topic("telemetry"), 1);
        String name = Cases.topic("telemetry");
        GroupSuite.configure(ConfigResource.Type.CLIENT_METRICS, name, "metrics", "*", "interval.ms", "500", "match", "client_id=" + name + ".*");
        Duration patience = Duration.ofSeconds(20);
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", Cases.BOOTSTRAP, "enable.metrics.push", "true", "client.id", name + "-admin"));
             KafkaProducer<byte[], byte[]> producer = ClientSuite.producer("client.id", name + "-producer");
             Member classic = Member.join("classic", name + "-classic", List.of(topic), "client.id", name + "-classic");
             Member consumer = Member.join("consumer", name + "-consumer", List.of(topic), "client.id", name + "-consumer")) {
            Uuid ofAdmin = admin.clientInstanceId(patience);
            Uuid ofProducer = producer.clientInstanceId(patience);
            Uuid ofClassic = classic.ask(client -> client.clientInstanceId(patience));
            Uuid ofConsumer = consumer.ask(client -> client.clientInstanceId(patience));
            Cases.same(Set.of(ofAdmin, ofProducer, ofClassic, ofConsumer, Uuid.ZERO_UUID).size(), 5, "ids, and none");
            long end = System.nanoTime() + Duration.ofSeconds(3).toNanos();
            for (int i = 1; System.nanoTime() < end; i++) {
                producer.send(ClientSuite.record(topic, "x")).get();
                Member.consumedOnce(i, classic);
                Member.consumedOnce(i, consumer);
            }
            Cases.same(producer.clientInstanceId(patience), ofProducer, "the producer's id");
            Cases.same(consumer.ask(client -> client.clientInstanceId(patience)), ofConsumer, "the consumer's id");
        }
    }

    private static void subscriptions() throws Exception {
        ConfigResource resource = new ConfigResource(ConfigResource.Type.CLIENT_METRICS, Cases.topic("subscription"));
        GroupSuite.configure(resource.type(), resource.name(), "metrics", "org.apache.kafka.producer.,org.apache.kafka.consumer.", "interval.ms", "30000");
        try (Admin admin = ClientSuite.admin()) {
            Cases.eventually("the subscription", () -> admin.listConfigResources(Set.of(ConfigResource.Type.CLIENT_METRICS),
                new org.apache.kafka.clients.admin.ListConfigResourcesOptions()).all().get().contains(resource));
            var found = admin.describeConfigs(List.of(resource)).all().get().get(resource);
            Cases.same(found.get("interval.ms").value(), "30000", "interval.ms");
            Cases.same(found.get("metrics").value(), "org.apache.kafka.producer.,org.apache.kafka.consumer.", "metrics");
            Cases.refused(InvalidRequestException.class, () -> {
                GroupSuite.configure(resource.type(), resource.name(), "interval.ms", "50");
                return null;
            });
            Cases.refused(InvalidConfigurationException.class, () -> {
                GroupSuite.configure(resource.type(), resource.name(), "match", "nonsense");
                return null;
            });
        }
    }

    static void cases(Cases cases) {
        cases.beside("java-groups/telemetry-of-clients", 60, Telemetry::clients);
        cases.beside("java-groups/telemetry-subscriptions", 60, Telemetry::subscriptions);
    }
}
