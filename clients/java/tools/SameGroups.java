import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** What kafka-consumer-groups tells of all groups, kept when a part of the swap ends and compared when the next begins. */
public final class SameGroups {
    private static final String GROUPS = "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand";
    private static final Path STATE = Path.of(System.getenv("SCRATCH"), "groups.txt");

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
        switch (String.join(" ", arguments[0], arguments[1])) {
            case "before middle" -> cases.run(ours ? "swap/consumer-groups-of-kafka-tell-the-same-of-ours" : "swap/consumer-groups-of-the-broker-tell-the-same", 60, SameGroups::compare);
            case "before last" -> cases.run(ours ? "swap/consumer-groups-of-ours-tell-the-same" : "swap/consumer-groups-of-kafka-tell-the-same", 60, SameGroups::compare);
            case "after first", "after middle" -> cases.run(ours ? "swap/consumer-groups-describe-all-of-ours" : "swap/consumer-groups-describe-all", 60, SameGroups::keep);
            default -> { }
        }
        cases.end();
    }
}
