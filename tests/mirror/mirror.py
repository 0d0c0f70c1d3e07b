# SPDX-License-Identifier: MIT
"""mirror.py PROGRAM [TEST...]: how README's server, samples/mirror, serves and ends as a process.

The last line counts the tests, as doctest does.
"""

import signal
import socket
import subprocess
import sys
import unittest

PATIENCE = 60  # seconds for what should take far less

program = None


class Mirror(unittest.TestCase):
    def start(self, endpoint):
        server = subprocess.Popen([program, endpoint], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(server.communicate)
        self.addCleanup(server.kill)
        return server

    def address_of(self, server):
        host, _, port = server.stdout.readline().removeprefix("listening on ").strip().rpartition(":")
        return host.strip("[]"), int(port)

    def test_clients_are_answered_beside_each_other(self):
        address = self.address_of(self.start("tcp:localhost:0"))
        with socket.create_connection(address, PATIENCE) as first, socket.create_connection(address, PATIENCE) as second:
            first.sendall(b"stre")
            second.sendall(b"live\n")
            self.assertEqual(second.makefile().readline(), "evil\n")
            first.sendall(b"ssed\n")
            self.assertEqual(first.makefile().readline(), "desserts\n")

    def test_a_signal_lets_clients_come_to_their_end_and_ends_it_with_0(self):
        for by in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(by=by):
                server = self.start("tcp:127.0.0.1:0")
                address = self.address_of(server)
                with socket.create_connection(address, PATIENCE) as client:
                    client.sendall(b"one\n")
                    lines = client.makefile()
                    self.assertEqual(lines.readline(), "eno\n")

                    server.send_signal(by)

                    client.sendall(b"two\n")
                    self.assertEqual(lines.readline(), "owt\n")
                self.assertEqual(server.communicate(timeout=PATIENCE), ("", ""))
                self.assertEqual(server.returncode, 0)

    def test_where_it_cannot_listen_it_says_why_and_ends_with_1(self):
        server = self.start("tcp:nowhere")

        out, err = server.communicate(timeout=PATIENCE)

        self.assertEqual((server.returncode, out), (1, ""))
        self.assertIn("endpoint 'tcp:nowhere'", err)


def main():
    global program
    program = sys.argv[1]
    outcome = unittest.main(argv=sys.argv[:1] + sys.argv[2:], exit=False, verbosity=2).result
    bad = {case for case, _ in outcome.failures + outcome.errors}
    print(f"[doctest] test cases: {outcome.testsRun} | {outcome.testsRun - len(bad)} passed"
          f" | {len(bad)} failed | 0 skipped")
    return not outcome.wasSuccessful()


if __name__ == "__main__":
    sys.exit(main())
