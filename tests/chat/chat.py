# SPDX-License-Identifier: MIT
"""chat.py PROGRAM [TEST...]: how samples/chat begins and ends as a process.

What its clients see is tested in chat.cpp. The last line counts the tests, as doctest does.
"""

import signal
import socket
import subprocess
import sys
import unittest

PATIENCE = 60  # seconds for what should take far less

program = None


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


class Chat(unittest.TestCase):
    def start(self, *arguments):
        server = subprocess.Popen([program, *arguments], stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, text=True)
        self.addCleanup(server.communicate)
        self.addCleanup(server.kill)
        return server

    def address_of(self, server):
        host, _, port = server.stdout.readline().removeprefix("chatting on ").strip().rpartition(":")
        return host.strip("[]"), int(port)

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
                self.assertEqual(server.communicate(timeout=PATIENCE), ("", ""))
                self.assertEqual(server.returncode, 0)

    def test_without_clients_a_signal_ends_it_too(self):
        server = self.start()
        self.address_of(server)

        server.send_signal(signal.SIGTERM)

        self.assertEqual(server.communicate(timeout=PATIENCE), ("", ""))
        self.assertEqual(server.returncode, 0)

    def test_where_it_cannot_listen_it_says_why_and_ends_with_1(self):
        server = self.start("tcp:127.0.0.1:0:no=thing")

        out, err = server.communicate(timeout=PATIENCE)

        self.assertEqual((server.returncode, out), (1, ""))
        self.assertIn("no=", err)


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
