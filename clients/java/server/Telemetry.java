import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.InvalidConfigurationException;

/** Clients that offer their own metrics (KIP-714). */
final class Telemetry {
    private Telemetry() {
    }

    private static void clients() throws Exception {
        String topic = ClientSuite.create(Cases.topic("telemetry"), 1);
        String name = Cases.topic("telemetry");
        GroupSuite.configure(ConfigResource.Type.CLIENT_METRICS, name, "metrics", "*", "interval.ms", "1000", "match", "client_id=" + name + ".*");
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", Cases.BOOTSTRAP, "enable.metrics.push", "true", "client.id", name + "-admin"));
             KafkaProducer<byte[], byte[]> producer = ClientSuite.producer("client.id", name + "-producer");
             KafkaConsumer<byte[], byte[]> consumer = ClientSuite.consumer("client.id", name + "-consumer", "group.id", name)) {
            System.err.println("admin " + admin.clientInstanceId(Duration.ofSeconds(5)));
            System.err.println("producer " + producer.clientInstanceId(Duration.ofSeconds(5)));
            consumer.subscribe(List.of(topic));
            consumer.poll(Duration.ofMillis(500));
            System.err.println("consumer " + consumer.clientInstanceId(Duration.ofSeconds(5)));
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
            Cases.refused(InvalidConfigurationException.class, () -> {
                GroupSuite.configure(resource.type(), resource.name(), "interval.ms", "50");
                return null;
            });
            Cases.refused(InvalidConfigurationException.class, () -> {
                GroupSuite.configure(resource.type(), resource.name(), "match", "nonsense");
                return null;
            });
        }
        Cases.holds(!Uuid.ZERO_UUID.equals(Uuid.randomUuid()), "x");
    }

    static void cases(Cases cases) {
        cases.beside("java-groups/telemetry-of-clients", 60, Telemetry::clients);
        cases.beside("java-groups/telemetry-subscriptions", 60, Telemetry::subscriptions);
    }
}
