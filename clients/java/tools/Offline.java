import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** Kafka's dump-log and metadata shell on the files of a stopped broker; the arguments are its log directories. */
public final class Offline {
    private static final String DUMP = "org.apache.kafka.tools.DumpLogSegments";
    private static final List<Path> DIRECTORIES = new ArrayList<>();

    private Offline() {
    }

    /** Files of all partitions, or only of the metadata log, whose names end so. */
    private static List<Path> files(boolean metadata, String ending) throws IOException {
        List<Path> found = new ArrayList<>();
        for (Path directory : DIRECTORIES) {
            try (Stream<Path> all = Files.walk(directory)) {
                all.filter(path -> path.getFileName().toString().endsWith(ending) && Files.isRegularFile(path))
                    .filter(path -> path.getParent().getFileName().toString().equals("__cluster_metadata-0") == metadata)
                    .filter(path -> !path.getParent().equals(directory) && !path.getParent().getFileName().toString().endsWith("-delete"))
                    .sorted().forEach(found::add);
            }
        }
        return found;
    }

    /** A few files for each call: the tool says which file each part of its output is about. */
    private static String dump(List<Path> files, String... options) throws Exception {
        StringBuilder all = new StringBuilder();
        for (Path file : files) {
            List<String> arguments = new ArrayList<>(List.of(options));
            arguments.add("--files");
            arguments.add(file.toString());
            Tool.Run run = Tool.run(DUMP, arguments.toArray(new String[0])).succeeded();
            for (String complaint : List.of("isvalid: false", "Mismatches in", "Found timestamp mismatch", "Found out of order", "Index offset", "corrupt", "Could not")) {
                Cases.holds(!(run.out() + run.err()).contains(complaint), file + ": " + complaint + ": " + run.all());
            }
            all.append(run.out());
        }
        return all.toString();
    }

    private static int count(String text, String part) {
        return text.split(java.util.regex.Pattern.quote(part), -1).length - 1;
    }

    private static void logs() throws Exception {
        List<Path> files = files(false, ".log");
        Cases.holds(files.size() > 15, "only " + files.size() + " segments");
        String text = dump(files, "--deep-iteration", "--print-data-log");
        for (String codec : List.of("none", "gzip", "snappy", "lz4", "zstd")) {
            Cases.holds(text.contains("compresscodec: " + codec), "no batch with " + codec);
        }
        Cases.holds(count(text, "payload: swap-") > 15_000, "only " + count(text, "payload: swap-") + " records");
    }

    /** Every record of the coordinator's log has a type that the decoder knows, and all kinds of group records are there. */
    private static void offsets() throws Exception {
        List<Path> files = files(false, ".log").stream().filter(path -> path.getParent().getFileName().toString().startsWith("__consumer_offsets-")).toList();
        String text = dump(files, "--offsets-decoder");
        System.err.println(text.substring(0, Math.min(20000, text.length())));
        Cases.same(text.toLowerCase().contains("unknown"), false, "a record of unknown type");
        Cases.same(count(text, "key: {"), count(text, "keySize: "), "records that were decoded");
        for (int type : new int[] {1, 2, 3, 5, 6, 7, 8, 16}) {
            Cases.holds(text.contains("key: {\"type\":\"" + type + "\""), "no record of type " + type);
        }
    }

    private static void indexes() throws Exception {
        for (String ending : List.of(".index", ".timeindex")) {
            List<Path> files = files(false, ending);
            dump(files);
            String text = dump(files, "--index-sanity-check");
            Cases.same(count(text, "passed sanity check") + count(text, "is empty."), files.size(), "indexes that pass");
            Cases.holds(text.contains("passed sanity check"), "all indexes are empty");
            dump(files, "--verify-index-only");
        }
    }

    private static void snapshots() throws Exception {
        List<Path> files = files(false, ".snapshot");
        Cases.holds(!files.isEmpty(), "no producer snapshot");
        Cases.holds(dump(files).contains("producerId: "), "no producer in the snapshots");
    }

    private static void metadata() throws Exception {
        List<Path> files = new ArrayList<>(files(true, ".log"));
        files.addAll(files(true, ".checkpoint"));
        String text = dump(files.stream().filter(path -> !path.getFileName().toString().startsWith("leader-epoch")).toList(),
            "--cluster-metadata-decoder");
        for (String part : List.of("LeaderChange", "FEATURE_LEVEL_RECORD", "REGISTER_BROKER_RECORD", "TOPIC_RECORD", "PARTITION_RECORD",
            "CONFIG_RECORD", "REMOVE_TOPIC_RECORD", "PRODUCER_IDS_RECORD", "swap-configured")) {
            Cases.holds(text.contains(part), "no " + part + " in the metadata log");
        }
    }

    private static void shell() throws Exception {
        String log = files(true, "00000000000000000000.log").get(0).toString();
        String main = "org.apache.kafka.shell.MetadataShell";
        // The shell may run its command before it has shown all that it has read.
        Cases.eventually("swap-zstd and swap-configured, without swap-gone", () -> {
            String names = Tool.run(main, "--snapshot", log, "ls", "/image/topics/byName").succeeded().out();
            return names.contains("swap-configured") && names.contains("swap-zstd") && !names.contains("swap-gone");
        });
        Cases.eventually("the partition", () -> {
            String partition = Tool.run(main, "--snapshot", log, "cat", "/image/topics/byName/swap-grown/2").succeeded().out();
            return partition.contains("replicas=[1]") && partition.contains("leaderEpoch=");
        });
        Cases.eventually("retention.ms", () -> Tool.run(main, "--snapshot", log, "find", "/image/configs").out().contains("retention.ms"));
    }

    /** Arguments: whose directory it was at first (kafka, ours), then the log directories. */
    public static void main(String[] arguments) {
        boolean ours = arguments[0].equals("ours");
        for (String directory : List.of(arguments).subList(1, arguments.length)) {
            DIRECTORIES.add(Path.of(directory));
        }
        Cases cases = new Cases(new String[0]);
        cases.run(ours ? "swap/dump-log-reads-logs-of-ours" : "swap/dump-log-reads-logs", 120, Offline::logs);
        cases.run(ours ? "swap/dump-log-decodes-group-records-of-ours" : "swap/dump-log-decodes-group-records", 60, Offline::offsets);
        cases.run(ours ? "swap/dump-log-reads-indexes-of-ours" : "swap/dump-log-reads-indexes", 120, Offline::indexes);
        cases.run(ours ? "swap/dump-log-reads-producer-snapshots-of-ours" : "swap/dump-log-reads-producer-snapshots", 60, Offline::snapshots);
        cases.run(ours ? "swap/dump-log-reads-the-metadata-log-of-ours" : "swap/dump-log-reads-the-metadata-log", 60, Offline::metadata);
        cases.run(ours ? "swap/metadata-shell-reads-the-metadata-log-of-ours" : "swap/metadata-shell-reads-the-metadata-log", 60, Offline::shell);
        cases.end();
    }
}
