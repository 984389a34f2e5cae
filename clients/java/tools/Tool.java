import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.apache.kafka.common.utils.Exit;

/**
 * Runs Kafka's own tools by main class inside this process: starting a JVM for each would cost more than the tool.
 * Their exits are turned into an exception, their shutdown hooks run when they end, and what they print is kept.
 */
final class Tool {
    private static final PrintStream OUT = System.out;

    /** What a run of a tool left behind. */
    record Run(int exit, String out, String err) {
        Run succeeded() {
            Cases.holds(exit == 0, "exit " + exit + ": " + all());
            return this;
        }

        Run failed(String part) {
            Cases.holds(exit != 0, "it exited with 0: " + all());
            return says(part);
        }

        Run says(String part) {
            Cases.holds((out + err).contains(part), "it did not say '" + part + "': " + all());
            return this;
        }

        Run saysNot(String part) {
            Cases.holds(!(out + err).contains(part), "it said '" + part + "': " + all());
            return this;
        }

        String all() {
            String text = (err + " " + out).trim();
            return text.length() > 700 ? text.substring(0, 350) + " ... " + text.substring(text.length() - 350) : out + " " + err;
        }
    }

    private static final class Left extends RuntimeException {
        private static final long serialVersionUID = 1;

        final int code;

        Left(int code) {
            super("exit " + code, null, false, false);
            this.code = code;
        }
    }

    private Tool() {
    }

    static Run run(String mainClass, String... arguments) throws Exception {
        return given("", mainClass, arguments);
    }

    static Run given(String input, String mainClass, String... arguments) throws Exception {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        PrintStream oldErr = System.err;
        InputStream oldIn = System.in;
        // A tool may catch what the first exit throws and exit again: the first code is what a process would end with.
        int[] first = {-1};
        java.util.List<Runnable> hooks = new java.util.ArrayList<>();
        Exit.setExitProcedure((code, message) -> {
            first[0] = first[0] < 0 ? code : first[0];
            throw new Left(first[0]);
        });
        Exit.setHaltProcedure((code, message) -> {
            first[0] = first[0] < 0 ? code : first[0];
            throw new Left(first[0]);
        });
        Exit.setShutdownHookAdder((name, hook) -> hooks.add(hook));
        int code = 0;
        try (PrintStream newOut = new PrintStream(out, true); PrintStream newErr = new PrintStream(err, true)) {
            System.setOut(newOut);
            System.setErr(newErr);
            System.setIn(new ByteArrayInputStream(input.getBytes(StandardCharsets.UTF_8)));
            // Scala's Console keeps the streams of its first use; the tools that print through it are given ours.
            scala.Console$.MODULE$.setOutDirect(newOut);
            scala.Console$.MODULE$.setErrDirect(newErr);
            Class.forName(mainClass).getMethod("main", String[].class).invoke(null, (Object) arguments);
            hooks.forEach(Runnable::run);
        } catch (InvocationTargetException problem) {
            Throwable cause = problem.getCause();
            if (cause instanceof Left left) {
                code = left.code;
                hooks.forEach(Runnable::run);
            } else {
                code = 1;
                cause.printStackTrace(new PrintStream(err, true));
            }
        } finally {
            System.setOut(OUT);
            System.setErr(oldErr);
            System.setIn(oldIn);
            Exit.resetExitProcedure();
            Exit.resetHaltProcedure();
            Exit.resetShutdownHookAdder();
        }
        return new Run(first[0] < 0 ? code : first[0], out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
    }

    /** The arguments with the bootstrap server before them. */
    static Run online(String mainClass, String... arguments) throws Exception {
        String[] all = new String[arguments.length + 2];
        all[0] = "--bootstrap-server";
        all[1] = Cases.BOOTSTRAP;
        System.arraycopy(arguments, 0, all, 2, arguments.length);
        return run(mainClass, all);
    }

    static String lastLine(String text) {
        String[] lines = text.strip().split("\n");
        return Arrays.asList(lines).get(lines.length - 1);
    }
}
