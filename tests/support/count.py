# SPDX-License-Identifier: MIT
"""count.py TESTLOG...: sums up Meson's test logs (testlog.json) in a last line 'N passed, N failed'.

A doctest program counts its test cases, any other test counts one; the conformance kit's cases count
in the place of the test case that ran them, and their lines are repeated here, as is a last line
'N of M' of any test. A program that fails without a failed test case (it crashed, hung, leaked, or
broke off) counts one failure more, and so does a log that is not there, for then nothing was built.
Fails if anything failed.
"""

import json
import pathlib
import re
import sys

CASES = re.compile(
    r"^\[doctest\] test cases: +(\d+) +\| +(\d+) passed +\| +(\d+) failed\b", re.MULTILINE
)

CONFORMANCE = re.compile(
    r"^conformance [^:\n]+: (\d+) passed, (\d+) failed, (\d+) skipped$", re.MULTILINE
)

SHARE = re.compile(r"^\d+ of \d+\n?\Z", re.MULTILINE)


def count(test):
    """(passed, failed) of one entry of the log."""
    if test["result"] == "SKIP":
        return 0, 0
    good = test["result"] in ("OK", "EXPECTEDFAIL")
    stdout = test.get("stdout") or ""
    summaries = CASES.findall(stdout)
    passed, failed = int(good), int(not good)
    if share := SHARE.search(stdout):
        print(f"{test['name'].rpartition(' / ')[2]}: {share[0].rstrip()}")
    if summaries:
        ran, passed, failed = map(int, summaries[-1])
        if ran == 0 or (not good and failed == 0):
            failed += 1
    for run in CONFORMANCE.finditer(stdout):
        right, wrong = int(run[1]), int(run[2])
        print(run[0])
        passed += right - (wrong == 0 and passed > 0)
        failed += wrong - (wrong > 0 and failed > 0)
    return passed, failed


def main(logs):
    passed = failed = 0
    bad = []
    for log in map(pathlib.Path, logs):
        if not log.exists():
            failed += 1
            bad.append(f"{log.parent.parent}: not built")
            continue
        for line in log.read_text().splitlines():
            test = json.loads(line)
            good, wrong = count(test)
            passed += good
            failed += wrong
            if wrong:
                bad.append(f"{log.parent.parent}: {test['name']} ({test['result']})")
    for line in bad:
        print("failed:", line)
    print(f"{passed} passed, {failed} failed")
    return failed != 0 or passed == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
