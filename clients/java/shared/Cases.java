import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;

/**
 * The small runner that the Java suites share: each case has an id and a bound in seconds, and prints one line,
 * {@code id: ok} or {@code id: failed REASON}. A failure never stops the cases after it.
 */
final class Cases {
    static final String BOOTSTRAP = System.getenv("BOOTSTRAP");
    private static final String RUN = System.getenv().getOrDefault("RUN_ID", Long.toString(System.currentTimeMillis()));

    /** How many of the cases that only wait are run beside each other. */
    private static final int AT_ONCE = 6;

    /** What a case does; it may fail in any way. */
    interface Body {
        void run() throws Exception;
    }

    private final java.io.PrintStream lines = System.out;
    private final List<String> wanted;
    private final AtomicInteger failed = new AtomicInteger();
    private final ExecutorService beside = Executors.newFixedThreadPool(AT_ONCE);

    Cases(String[] arguments) {
        wanted = new ArrayList<>(List.of(arguments));
    }

    /** As {@code run}, beside others of its kind: for cases that spend their time waiting. They have run at the end. */
    void beside(String id, int seconds, Body body) {
        beside.execute(() -> run(id, seconds, body));
    }

    void run(String id, int seconds, Body body) {
        if (!wanted.isEmpty() && !wanted.contains(id)) {
            return;
        }
        ExecutorService one = Executors.newSingleThreadExecutor(task -> {
            Thread thread = new Thread(task, id);
            thread.setDaemon(true);
            return thread;
        });
        try {
            one.submit((Callable<Void>) () -> {
                body.run();
                return null;
            }).get(seconds, TimeUnit.SECONDS);
            lines.println(id + ": ok");
        } catch (ExecutionException problem) {
            failed(id, problem.getCause().toString());
            problem.getCause().printStackTrace();
        } catch (TimeoutException problem) {
            failed(id, "its " + seconds + " seconds passed");
        } catch (InterruptedException problem) {
            failed(id, "interrupted");
        } finally {
            one.shutdownNow();
            lines.flush();
        }
    }

    private void failed(String id, String reason) {
        failed.incrementAndGet();
        String line = reason.replace('\n', ' ');
        lines.println(id + ": failed " + line.substring(0, Math.min(500, line.length())));
    }

    /** Waits for the cases beside, and ends the process: clients may leave threads behind, and cases processes. */
    void end() {
        beside.shutdown();
        try {
            beside.awaitTermination(1, TimeUnit.HOURS);
        } catch (InterruptedException problem) {
            failed("the cases beside", "interrupted");
        }
        lines.flush();
        ProcessHandle.current().descendants().forEach(ProcessHandle::destroyForcibly);
        Runtime.getRuntime().halt(failed.get() == 0 ? 0 : 1);
    }

    static String topic(String name) {
        return "java-" + name + "-" + RUN;
    }

    static void same(Object got, Object wanted, String what) {
        if (!Objects.equals(got, wanted)) {
            throw new AssertionError(what + ": got " + got + ", wanted " + wanted);
        }
    }

    static void holds(boolean condition, String reason) {
        if (!condition) {
            throw new AssertionError(reason);
        }
    }

    /** For effects that a broker may publish after it answered. */
    static void eventually(String what, Callable<Boolean> probe) throws Exception {
        eventually(() -> what, 10, probe);
    }

    /** As above, with its own bound and a reason that is told as it is at the end. */
    static void eventually(Supplier<String> what, int seconds, Callable<Boolean> probe) throws Exception {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
        while (System.nanoTime() < end) {
            if (probe.call()) {
                return;
            }
            Thread.sleep(50);
        }
        throw new AssertionError("did not come within " + seconds + " s: " + what.get());
    }

    /** The failure inside a future must be of this kind. */
    static void refused(Class<? extends Throwable> kind, Callable<?> call) throws Exception {
        try {
            call.call();
        } catch (Exception problem) {
            for (Throwable cause = problem; cause != null; cause = cause.getCause()) {
                if (kind.isInstance(cause)) {
                    return;
                }
            }
            throw problem;
        }
        throw new AssertionError("it was accepted; wanted " + kind.getSimpleName());
    }
}
