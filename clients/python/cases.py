"""The small runner that every Python suite shares.

A case is a function with an id and a bound in seconds. Each prints one line, `id: ok` or
`id: failed REASON`, in the order of the file; a failure never stops the ones after it.
The broker's address comes in BOOTSTRAP; names of topics carry the suite's name and a number of
this run, so that suites share a broker and a broker can be used twice.
"""

import os
import signal
import sys
import time
import traceback

BOOTSTRAP = os.environ["BOOTSTRAP"]
# Kafka's own topics may take a moment to be led after their creation is answered; ours may not.
AT_ONCE = os.environ.get("BROKER", "ottla") != "kafka"
_RUN = os.environ.get("RUN_ID") or str(int(time.time()))
_CASES = []


def case(name, seconds=30):
    """Registers a case; the bound covers the whole of it."""

    def keep(function):
        _CASES.append((name, seconds, function))
        return function

    return keep


def topic(name):
    """A topic name that no other suite and no earlier run uses."""
    suite = _CASES[0][0].split("/")[0]
    return f"{suite}-{name}-{_RUN}"


def same(got, wanted, what="value"):
    """Equality with both sides in the reason, cut short for large values."""
    if got != wanted:
        raise AssertionError(f"{what}: got {str(got)[:200]!r}, wanted {str(wanted)[:200]!r}")


def holds(condition, reason):
    """An assertion that survives `python -O`."""
    if not condition:
        raise AssertionError(reason)


def eventually(probe, seconds=10, what="condition"):
    """Polls until the probe is true: for effects that a broker may publish after it answered."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        got = probe()
        if got:
            return got
        time.sleep(0.05)
    raise AssertionError(f"{what} did not come within {seconds} s")


def payload(size, seed=0):
    """Bytes that compress somewhat, as real records do."""
    block = bytes((i * 31 + seed * 7 + (i >> 5)) & 0xFF for i in range(min(size, 4096)))
    return (block * (size // max(1, len(block)) + 1))[:size]


def _expired(_signal, _frame):
    raise TimeoutError("its bound in time passed")


def main():
    """Runs the cases (or those named on the command line); exit code 1 when one failed."""
    wanted = set(sys.argv[1:])
    signal.signal(signal.SIGALRM, _expired)
    failed = 0
    for name, seconds, function in _CASES:
        if wanted and name not in wanted:
            continue
        signal.alarm(seconds)
        try:
            function()
            line = f"{name}: ok"
        except BaseException as problem:  # noqa: BLE001 - a case may fail in any way
            failed += 1
            reason = f"{type(problem).__name__}: {problem}".replace("\n", " ")[:400]
            line = f"{name}: failed {reason}"
            traceback.print_exc(file=sys.stderr)
        finally:
            signal.alarm(0)
        print(line, flush=True)
    sys.stdout.flush()
    # Some clients leave threads behind that never end; everything worth saying is said.
    os._exit(1 if failed else 0)
