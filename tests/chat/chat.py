# SPDX-License-Identifier: MIT
"""chat.py PROGRAM [TEST...]: how samples/chat begins and ends as a process.

What its clients see is tested in chat.cpp.
"""

import pathlib
import signal
import socket
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
sys.dont_write_bytecode = True
import servers
from servers import PATIENCE


class Client:
    def __init__(self, address):
        self.socket = socket.create_connection(address, timeout=PATIENCE)
        self.lines = self.socket.makefile("r", newline="\n")

    def close(self):
        self.lines.close()
        self.socket.close()

    def say(self, text):
        self.socket.sendall(f"{text}\n".encode())

    def hear(self):
        return self.lines.readline()


class Chat(servers.Server):
    def client(self, address, name):
        client = Client(address)
        self.addCleanup(client.close)
        client.say(name)
        self.assertEqual(client.hear(), "* What is your name?\n")
        self.assertTrue(client.hear().startswith(f"* Welcome, {name}."))
        return client

    def test_a_signal_ends_it_with_a_goodbye_to_all_and_status_0(self):
        for by in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(by=by):
                server = self.start("tcp:127.0.0.1:0")
                address = self.address_of(server)
                ann = self.client(address, "Ann")
                bob = self.client(address, "Bob")
                self.assertEqual(ann.hear(), "* Bob is here.\n")

                server.send_signal(by)

                for one in (ann, bob):
                    self.assertEqual(one.hear(), "* The chat ends here. Goodbye.\n")
                    self.assertEqual(one.hear(), "")
                    one.close()
                self.assertEqual(self.ends(server), "")

    def test_without_clients_a_signal_ends_it_too(self):
        server = self.start()
        self.address_of(server)

        server.send_signal(signal.SIGTERM)

        self.assertEqual(self.ends(server), "")

    def test_where_it_cannot_listen_it_says_why_and_ends_with_1(self):
        server = self.start("tcp:127.0.0.1:0:no=thing")

        self.assertIn("no=", self.ends(server, status=1))


if __name__ == "__main__":
    sys.exit(servers.main())
