# SPDX-License-Identifier: MIT
"""fuzz.py FUZZER CORPUS [--seconds N]: lets libFuzzer look for an input that its target fails with.

FUZZER begins with the inputs in CORPUS and with those that it has found in earlier runs, which lie
beside it in FUZZER.grown/; what reaches new code is added there. An input that fails is kept in
FUZZER.failed/, and how it is replayed is the end of what is printed.
"""

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys

MOST_SECONDS_OF_ONE = 10  # a millisecond is much; the machine may be busy
MOST_MEGABYTES = 1024
MOST_BYTES = 1000  # many small inputs find more than a few large ones
# Each exception goes through all of the stack that shows uses after a return. With the least of it
# three times as many inputs are tried.
ASAN_OPTIONS = "max_uar_stack_size_log=16"
# Debian's sanitizers look for the first of these alone.
SYMBOLIZERS = ("llvm-symbolizer-19", "llvm-symbolizer", "addr2line")

PROGRESS = re.compile(r"^#\d+\t.*\n", re.MULTILINE)
KEPT = re.compile(r"Test unit written to (\S+)")
COUNTED = re.compile(r"^Done \d+ runs in \d+ second.*$", re.MULTILINE)


def settings():
    """What the environment of a fuzzer has more than ours."""
    added = {}
    if "ASAN_OPTIONS" not in os.environ:
        added["ASAN_OPTIONS"] = ASAN_OPTIONS
    symbolizers = list(filter(None, map(shutil.which, SYMBOLIZERS)))
    if symbolizers and "ASAN_SYMBOLIZER_PATH" not in os.environ:
        added["ASAN_SYMBOLIZER_PATH"] = symbolizers[0]
    return added


def fuzz(fuzzer, corpus, seconds):
    """Whether no input fails."""
    grown, failed = (fuzzer.with_name(fuzzer.name + suffix) for suffix in (".grown", ".failed"))
    for folder in (grown, failed):
        folder.mkdir(exist_ok=True)
    added = settings()
    run = subprocess.run(
        [fuzzer, f"-max_total_time={seconds}", f"-timeout={MOST_SECONDS_OF_ONE}",
         f"-rss_limit_mb={MOST_MEGABYTES}", f"-max_len={MOST_BYTES}",
         f"-artifact_prefix={failed}/", grown, corpus],
        env={**os.environ, **added}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        errors="replace", check=False)
    counted = COUNTED.findall(run.stdout)
    if run.returncode == 0 and counted:
        print(f"{fuzzer.name}: {counted[-1]}")
        return True
    print(PROGRESS.sub("", run.stdout))
    print(f"{fuzzer.name} has failed: {run.returncode}")
    if kept := KEPT.findall(run.stdout):
        environment = "".join(f"{name}={value} " for name, value in added.items())
        print(f"with the input in    {kept[-1]}\n"
              f"replay it:           {environment}{fuzzer} {kept[-1]}\n"
              f"when it is mended:   mv {kept[-1]} {corpus}/WHAT-IT-IS")
    return False


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("fuzzer", type=pathlib.Path)
    parser.add_argument("corpus", type=pathlib.Path)
    parser.add_argument("--seconds", type=int, default=20)
    options = parser.parse_args()
    return not fuzz(options.fuzzer.resolve(), options.corpus, options.seconds)


if __name__ == "__main__":
    sys.exit(main())
