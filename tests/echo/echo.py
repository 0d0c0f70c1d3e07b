# SPDX-License-Identifier: MIT
"""echo.py PROGRAM REACTORS [TEST...]: samples/echo_server on each of the reactors, with commas.

The server chooses its port, and is waited for by the line that tells it. The last line counts the
tests, as doctest does.
"""

import os
import resource
import selectors
import signal
import socket
import subprocess
import sys
import unittest

PATIENCE = 60  # seconds for what should take far less
CONNECTIONS = 1000

program = reactors = None


class Server:
    """A running server, until stop()."""

    def __init__(self, *arguments, descriptors=None):
        def limit():
            resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))

        self.process = subprocess.Popen(
            [program, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=limit if descriptors else None,
        )
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError(f"{arguments} did not start: {self.process.communicate()[1]}")
        host, _, port = line.removeprefix("echoing on ").strip().rpartition(":")
        self.address = (host.strip("[]"), int(port))

    def stop(self, by=signal.SIGTERM):
        """(status, what it wrote to standard error)"""
        if self.process.poll() is None:
            self.process.send_signal(by)
            try:
                self.errors = self.process.communicate(timeout=PATIENCE)[1]
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.errors = self.process.communicate()[1]
        return self.process.returncode, self.errors

    def connect(self):
        return socket.create_connection(self.address, timeout=PATIENCE)


def receive(stream, size):
    got = b""
    while len(got) < size and (more := stream.recv(size - len(got))):
        got += more
    return got


class Echo:
    """The tests; each is run with every `reactor`."""

    def start(self):
        server = Server("--reactor", self.reactor)
        self.addCleanup(server.stop)
        return server

    def connect(self, server):
        client = server.connect()
        self.addCleanup(client.close)
        return client

    def test_what_is_sent_comes_back_until_the_client_has_sent_its_last(self):
        client = self.connect(self.start())

        for text in (b"one", b"two"):
            client.sendall(text)
            self.assertEqual(receive(client, len(text)), text)
        client.shutdown(socket.SHUT_WR)

        self.assertEqual(client.recv(1), b"")

    def test_a_client_that_sends_more_than_the_buffers_hold_gets_all_of_it(self):
        client = self.connect(self.start())
        client.setblocking(False)
        sent = os.urandom(1 << 23)

        got, left = bytearray(), memoryview(sent)
        with selectors.DefaultSelector() as ready:
            ready.register(client, selectors.EVENT_READ | selectors.EVENT_WRITE)
            while len(got) < len(sent):
                events = ready.select(PATIENCE)
                self.assertTrue(events, "the server does not go on")
                if events[0][1] & selectors.EVENT_WRITE and left:
                    left = left[client.send(left):]
                    if not left:
                        ready.modify(client, selectors.EVENT_READ)
                if events[0][1] & selectors.EVENT_READ:
                    more = client.recv(1 << 20)
                    self.assertTrue(more, "the server has ended the connection")
                    got += more

        self.assertEqual(got, sent)

    def test_a_thousand_clients_are_served_at_a_time(self):
        server = self.start()
        clients = [self.connect(server) for _ in range(CONNECTIONS)]
        texts = [b"client %d" % number for number in range(CONNECTIONS)]

        for client, text in zip(clients, texts):
            client.sendall(text)

        self.assertEqual([receive(*pair) for pair in zip(clients, map(len, texts))], texts)

    def test_a_client_that_breaks_off_leaves_the_others(self):
        server = self.start()
        other, rude = self.connect(server), self.connect(server)
        rude.sendall(b"never read")
        # With that, close() resets the connection.
        rude.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

        rude.close()
        other.sendall(b"here")

        self.assertEqual(receive(other, 4), b"here")
        self.assertEqual(server.stop(), (0, ""))

    def test_clients_that_say_nothing_do_not_keep_the_others_out(self):
        server = Server("--reactor", self.reactor, "--idle", "1", descriptors=100)
        self.addCleanup(server.stop)
        idle = [self.connect(server) for _ in range(120)]

        client = self.connect(server)
        client.sendall(b"here")

        self.assertEqual(receive(client, 4), b"here")
        for one in idle:
            self.assertEqual(one.recv(1), b"")
        self.assertEqual(server.stop()[0], 0)

    def test_a_signal_ends_it_cleanly_with_clients_connected(self):
        for by in (signal.SIGTERM, signal.SIGINT):
            server = self.start()
            client = self.connect(server)
            client.sendall(b"x")
            self.assertEqual(receive(client, 1), b"x")

            self.assertEqual(server.stop(by), (0, ""))

            self.assertEqual(client.recv(1), b"")


class Arguments(unittest.TestCase):
    def test_a_reactor_that_there_is_not_is_refused_with_those_there_are(self):
        run = subprocess.run([program, "--reactor", "nonesuch"], capture_output=True, text=True)

        self.assertNotEqual(run.returncode, 0)
        for name in reactors:
            self.assertIn(name, run.stderr)


def main():
    global program, reactors
    program, reactors = sys.argv[1], sys.argv[2].split(",")
    for name in reactors:
        case = f"EchoOn{name.capitalize()}"
        globals()[case] = type(case, (Echo, unittest.TestCase), {"reactor": name})
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    outcome = unittest.main(argv=sys.argv[:1] + sys.argv[3:], exit=False, verbosity=2).result
    bad = {case for case, _ in outcome.failures + outcome.errors}
    passed = outcome.testsRun - len(bad) - len(outcome.skipped)
    print(
        f"[doctest] test cases: {outcome.testsRun - len(outcome.skipped)} | {passed} passed"
        f" | {len(bad)} failed | {len(outcome.skipped)} skipped"
    )
    return not outcome.wasSuccessful()


if __name__ == "__main__":
    sys.exit(main())
