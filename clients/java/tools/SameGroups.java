import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** What kafka-consumer-groups tells of all groups, kept when a part of the swap ends and compared when the next begins. */
public final class SameGroups {
    private static final String GROUPS = "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand";
    private static final Path STATE = Path.of(System.getenv("SCRATCH"), "groups.txt");

    /** The cases of a directory that was Kafka's at first; there is nothing before its first part, nobody looks after its last. */
    private static final Map<String, String> KAFKAS = Map.of(
        "after first", "swap/consumer-groups-of-kafka-describe-all",
        "before middle", "swap/consumer-groups-of-the-broker-tell-the-same",
        "after middle", "swap/consumer-groups-of-the-broker-describe-all",
        "before last", "swap/consumer-groups-of-kafka-tell-the-same");
    private static final Map<String, String> OURS = Map.of(
        "after first", "swap/consumer-groups-of-ours-describe-all",
        "before middle", "swap/consumer-groups-of-kafka-tell-the-same-of-ours",
        "after middle", "swap/consumer-groups-of-kafka-describe-all-of-ours",
        "before last", "swap/consumer-groups-of-ours-tell-the-same");

    private SameGroups() {
    }

    /** The rows of all views in order, without their padding, and without groups whose members are about to expire. */
    private static List<String> told() throws Exception {
        StringBuilder all = new StringBuilder();
        for (String[] view : new String[][] {{"--offsets", "--verbose"}, {"--members", "--verbose"}, {"--state", "--verbose"}}) {
            Tool.Run run = Tool.online(GROUPS, "--describe", "--all-groups", view[0], view[1]).succeeded().saysNot("Error");
            all.append(run.out());
        }
        all.append(Tool.online(GROUPS, "--list", "--type").succeeded().out());
        return all.toString().lines().map(line -> line.strip().replaceAll("\\s+", " "))
            .filter(line -> line.contains("swap-") && !line.contains("expiring")).sorted().toList();
    }

    private static void keep() throws Exception {
        Files.write(STATE, told());
    }

    private static void compare() throws Exception {
        List<String> wanted = Files.readAllLines(STATE);
        List<String> found = told();
        List<String> lost = wanted.stream().filter(line -> !found.contains(line)).toList();
        List<String> added = found.stream().filter(line -> !wanted.contains(line)).toList();
        Cases.holds(lost.isEmpty() && added.isEmpty(), "not told: " + lost + ", told instead: " + added);
        Cases.holds(found.size() > 40, "only " + found);
    }

    /** Arguments: before or after a part, the part (first, middle, last), whose directory it was at first (kafka, ours). */
    public static void main(String[] arguments) {
        Cases cases = new Cases(new String[0]);
        boolean ours = arguments[2].equals("ours");
        String id = ours ? OURS.get(arguments[0] + " " + arguments[1]) : KAFKAS.get(arguments[0] + " " + arguments[1]);
        if (id != null) {
            cases.run(id, 60, arguments[0].equals("before") ? SameGroups::compare : SameGroups::keep);
        }
        cases.end();
    }
}
