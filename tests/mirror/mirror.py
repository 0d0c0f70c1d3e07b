# SPDX-License-Identifier: MIT
"""mirror.py PROGRAM [TEST...]: how README's server, samples/mirror, serves and ends as a process."""

import pathlib
import signal
import socket
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
sys.dont_write_bytecode = True
import servers
from servers import PATIENCE


class Mirror(servers.Server):
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
                self.assertEqual(self.ends(server), "")

    def test_where_it_cannot_listen_it_says_why_and_ends_with_1(self):
        server = self.start("tcp:nowhere")

        self.assertIn("endpoint 'tcp:nowhere'", self.ends(server, status=1))


if __name__ == "__main__":
    sys.exit(servers.main())
