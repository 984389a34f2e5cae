import java.io.IOException;
import java.net.ConnectException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.GroupListing;
import org.apache.kafka.common.config.ConfigResource;

/**
 * Kafka Connect of 4.3.1 as operators run it: a worker in a JVM of its own, started by its command, steered by REST, with
 * the connectors that read and write files.
 */
public final class ConnectSuite {
    private static final HttpClient HTTP = HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(5)).build();
    /** How long a worker may take to start or to follow. */
    private static final int PATIENCE = 60;

    private ConnectSuite() {
    }

    private record Answer(int status, String body) {
    }

    /** A running worker. */
    private static final class Worker implements AutoCloseable {
        final Process process;
        final String url;
        private final Path log;

        private Worker(Process process, String url, Path log) {
            this.process = process;
            this.url = url;
            this.log = log;
        }

        static Worker start(String mainClass, Path folder, Map<String, String> settings) throws Exception {
            String url = "http://127.0.0.1:" + freePort();
            Path properties = folder.resolve("worker.properties");
            String text = "bootstrap.servers=" + Cases.BOOTSTRAP + "\nlisteners=" + url + "\nkey.converter=org.apache.kafka.connect.storage.StringConverter\n"
                + "value.converter=org.apache.kafka.connect.storage.StringConverter\noffset.flush.interval.ms=500\nplugin.discovery=service_load\n"
                + settings.entrySet().stream().map(one -> one.getKey() + "=" + one.getValue() + "\n").collect(Collectors.joining());
            Files.writeString(properties, text);
            Path log = Files.createTempFile(folder, "worker", ".log");
            Process process = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
                "-Xmx384m", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", System.getProperty("java.class.path"), mainClass, properties.toString())
                .redirectErrorStream(true).redirectOutput(log.toFile()).start();
            Worker worker = new Worker(process, url, log);
            Cases.eventually(worker::told, PATIENCE, () -> {
                Cases.holds(process.isAlive(), "the worker ended: " + worker.told());
                return worker.ask("GET", "/connectors", "").status() == 200;
            });
            return worker;
        }

        String told() {
            try {
                String text = Files.readString(log);
                return text.substring(Math.max(0, text.length() - 400));
            } catch (IOException problem) {
                return problem.toString();
            }
        }

        /** Status 0 stands for a worker that does not listen yet. */
        Answer ask(String method, String path, String body) throws Exception {
            HttpRequest request = HttpRequest.newBuilder(URI.create(url + path)).timeout(Duration.ofSeconds(20)).header("Content-Type", "application/json")
                .method(method, HttpRequest.BodyPublishers.ofString(body)).build();
            try {
                HttpResponse<String> answer = HTTP.send(request, HttpResponse.BodyHandlers.ofString());
                return new Answer(answer.statusCode(), answer.body());
            } catch (ConnectException problem) {
                return new Answer(0, problem.toString());
            }
        }

        /** Creates a connector and waits until it and its task run. */
        void create(String name, String kind, String settings) throws Exception {
            Answer made = ask("POST", "/connectors", "{\"name\":\"" + name + "\",\"config\":{\"connector.class\":\"org.apache.kafka.connect.file." + kind
                + "\",\"tasks.max\":\"1\"," + settings + "}}");
            Cases.same(made.status(), 201, "creation of " + name + ": " + made.body());
            runs(name);
        }

        void runs(String name) throws Exception {
            Cases.eventually(() -> name + " running: " + told(), PATIENCE, () -> {
                String status = ask("GET", "/connectors/" + name + "/status", "").body();
                Cases.holds(!status.contains("FAILED"), status);
                return status.split("\"state\":\"RUNNING\"", -1).length == 3;
            });
        }

        /** The end by a signal, as of a container. */
        @Override
        public void close() throws Exception {
            process.destroy();
            if (!process.waitFor(PATIENCE, TimeUnit.SECONDS)) {
                process.destroyForcibly();
                throw new AssertionError("the worker did not stop: " + told());
            }
        }
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }

    private static void append(Path file, int from, int to) throws IOException {
        StringBuilder text = new StringBuilder();
        for (int i = from; i < to; i++) {
            text.append("line ").append(i).append('\n');
        }
        Files.writeString(file, text, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    }

    private static List<String> wanted(int to) {
        List<String> all = new ArrayList<>();
        for (int i = 0; i < to; i++) {
            all.add("line " + i);
        }
        return all;
    }

    private static void arrives(Worker worker, Path file, int count) throws Exception {
        Cases.eventually(() -> count + " lines in the sink's file: " + worker.told(), PATIENCE, () -> Files.exists(file) && Files.readAllLines(file).size() >= count);
        Cases.same(Files.readAllLines(file), wanted(count), "lines in the sink's file");
    }

    private static void holds(String topic, int count) throws Exception {
        try (Member reader = Member.join("classic", Cases.topic("connect-reader"), List.of(topic))) {
            Member.consumedOnce(count, reader);
            Cases.same(reader.records().stream().map(record -> new String(record.value(), java.nio.charset.StandardCharsets.UTF_8)).toList(), wanted(count), "values in the topic");
        }
    }

    private static void fileToFile(Worker worker, String topic, Path source, Path sink) throws Exception {
        worker.create(topic + "-source", "FileStreamSourceConnector", "\"file\":\"" + source + "\",\"topic\":\"" + topic + "\"");
        worker.create(topic + "-sink", "FileStreamSinkConnector", "\"file\":\"" + sink + "\",\"topics\":\"" + topic + "\"");
    }

    static void standalone() throws Exception {
        Path folder = Files.createTempDirectory("connect");
        Path source = folder.resolve("source.txt");
        Path sink = folder.resolve("sink.txt");
        String topic = Cases.topic("connect-standalone");
        append(source, 0, 50);
        try (Worker worker = Worker.start("org.apache.kafka.connect.cli.ConnectStandalone", folder, Map.of("offset.storage.file.filename", folder.resolve("offsets").toString()))) {
            fileToFile(worker, topic, source, sink);
            arrives(worker, sink, 50);
            append(source, 50, 100);
            arrives(worker, sink, 100);
            holds(topic, 100);
        }
    }

    private static Map<String, String> cluster(String name) {
        Map<String, String> settings = new HashMap<>(Map.of("group.id", name, "session.timeout.ms", "6000", "heartbeat.interval.ms", "1000",
            "scheduled.rebalance.max.delay.ms", "1000", "offset.storage.partitions", "5"));
        for (String kind : List.of("config", "offset", "status")) {
            settings.put(kind + ".storage.topic", name + "-" + kind);
            settings.put(kind + ".storage.replication.factor", "1");
        }
        return settings;
    }

    private static void compacted(String name) throws Exception {
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", Cases.BOOTSTRAP))) {
            List<ConfigResource> topics = List.of("-config", "-offset", "-status").stream().map(end -> new ConfigResource(ConfigResource.Type.TOPIC, name + end)).toList();
            admin.describeConfigs(topics).all().get().forEach((topic, config) -> Cases.same(config.get("cleanup.policy").value(), "compact", "cleanup.policy of " + topic));
            Map<String, GroupListing> groups = admin.listGroups().all().get().stream().collect(Collectors.toMap(GroupListing::groupId, group -> group));
            Cases.same(groups.get(name).protocol(), "connect", "protocol of the workers' group");
            Cases.same(admin.describeClassicGroups(List.of(name)).all().get().get(name).members().size(), 1, "workers");
        }
    }

    static void distributed() throws Exception {
        Path folder = Files.createTempDirectory("connect");
        Path source = folder.resolve("source.txt");
        Path sink = folder.resolve("sink.txt");
        String name = Cases.topic("connect-distributed");
        String topic = name + "-lines";
        Map<String, String> settings = cluster(name);
        String main = "org.apache.kafka.connect.cli.ConnectDistributed";
        append(source, 0, 50);
        try (Worker worker = Worker.start(main, folder, settings)) {
            fileToFile(worker, topic, source, sink);
            arrives(worker, sink, 50);
            compacted(name);
        }
        append(source, 50, 100);
        try (Worker worker = Worker.start(main, folder, settings)) {
            worker.runs(topic + "-source");
            worker.runs(topic + "-sink");
            arrives(worker, sink, 100);
            holds(topic, 100);
            Cases.same(worker.ask("GET", "/connectors", "").body().contains(topic + "-sink"), true, "the connector is listed");
            Cases.same(worker.ask("PUT", "/connectors/" + topic + "-sink/stop", "").status(), 204, "stop");
            Cases.eventually(() -> "the offsets of the sink, reset: " + worker.told(), PATIENCE, () -> worker.ask("DELETE", "/connectors/" + topic + "-sink/offsets", "").status() == 200);
            Files.delete(sink);
            Cases.same(worker.ask("PUT", "/connectors/" + topic + "-sink/resume", "").status(), 202, "resume");
            arrives(worker, sink, 100);
            Cases.same(worker.ask("DELETE", "/connectors/" + topic + "-source", "").status(), 204, "deletion");
        }
    }

    public static void main(String[] arguments) {
        Cases cases = new Cases(arguments);
        cases.beside("connect/standalone", 150, ConnectSuite::standalone);
        cases.beside("connect/distributed", 200, ConnectSuite::distributed);
        cases.end();
    }
}
