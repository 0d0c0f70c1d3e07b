# SPDX-License-Identifier: MIT
"""What tests of a sample that serves, and runs as a process, have in common."""

import subprocess
import sys
import unittest

PATIENCE = 60  # seconds for what should take far less


class Server(unittest.TestCase):
    """Its tests start the program that main() was given."""

    program = None

    def start(self, *arguments):
        server = subprocess.Popen([self.program, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(server.communicate)
        self.addCleanup(server.kill)
        return server

    def address_of(self, server):
        """(host, port) by its first line, which ends with them."""
        host, _, port = server.stdout.readline().strip().rpartition(" ")[2].rpartition(":")
        return host.strip("[]"), int(port)

    def ends(self, server, status=0, out=""):
        """What it says by its standard error."""
        said, error = server.communicate(timeout=PATIENCE)
        self.assertEqual((server.returncode, said), (status, out))
        return error


def main():
    """FILE PROGRAM [TEST...]. The last line counts the tests, as doctest does."""
    Server.program = sys.argv[1]
    outcome = unittest.main(argv=sys.argv[:1] + sys.argv[2:], exit=False, verbosity=2).result
    bad = {case for case, _ in outcome.failures + outcome.errors}
    print(f"[doctest] test cases: {outcome.testsRun} | {outcome.testsRun - len(bad)} passed"
          f" | {len(bad)} failed | 0 skipped")
    return not outcome.wasSuccessful()
