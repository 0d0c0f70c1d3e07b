# SPDX-License-Identifier: MIT
"""poetry.py PROGRAMS POEMS [TEST...]: the poetry programs against Twisted's idea of them.

Both clients against Twisted servers, a Twisted client against both servers, and the faults. Both
clients are asked the same each time, and must do the same. Servers choose their ports and are
waited for by the line that tells it. The last line counts the tests, as doctest does.
"""

import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).parent
PATIENCE = 60  # seconds for a program that should have ended by itself long before

programs = poems = None


class Server:
    """A running server: its host and port, and what it wrote to standard error after stop()."""

    def __init__(self, *command):
        self.errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            list(map(str, command)), stdout=subprocess.PIPE, stderr=self.errors
        )
        self.line = self.process.stdout.readline().decode()
        if not self.line:
            raise AssertionError(f"{command} did not start: {self.stop()}")
        self.host, _, port = self.line.split(" on ")[-1].strip().rpartition(":")
        self.port = int(port)

    def stop(self, by=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(by)
        self.status = self.process.wait(PATIENCE)
        self.process.stdout.close()
        self.errors.seek(0)
        text = self.errors.read().decode()
        self.errors.seek(0, 2)
        return text


def run(*command, stdin=b""):
    """(standard output, standard error as text, status)"""
    done = subprocess.run(
        list(map(str, command)), input=stdin, capture_output=True, timeout=PATIENCE
    )
    return done.stdout, done.stderr.decode(), done.returncode


class Poetry(unittest.TestCase):
    """What the tests below ask with."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.road = poems / "road.txt"
        self.science = poems / "science.txt"

    def start(self, *command):
        server = Server(*command)
        self.addCleanup(server.errors.close)
        self.addCleanup(server.stop)
        return server

    def twisted(self, kind, *arguments):
        return self.start(sys.executable, HERE / "twisted_server.py", kind, *arguments).port

    def poetry_server(self, poem, *options):
        return self.start(programs / "poetry_server", poem, *options)

    def transform_server(self, *options):
        return self.start(programs / "transform_server", *options)

    def twisted_client(self, server, kind, *arguments, stdin=b""):
        script = HERE / "twisted_client.py"
        return run(sys.executable, script, server.host.strip("[]"), server.port, kind, *arguments,
                   stdin=stdin)

    def file(self, contents, name="file"):
        path = pathlib.Path(self.folder.name, name)
        path.write_bytes(contents)
        return path

    def unused_port(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            return taken.getsockname()[1]

    def both(self, *arguments, race=""):
        """What get_poetry printed, complained and ended with, and get_poetry_chain as well. After `race` the
        complaints may differ: it depends on the kernel which of two system calls hears of an end first."""
        out, err, status = run(programs / "get_poetry", *arguments)
        other_out, other_err, other_status = run(programs / "get_poetry_chain", *arguments)
        self.assertEqual(other_out, out)
        same = re.escape(race) + ".*" if race else "$^"
        self.assertEqual(*(sorted(re.sub(same, race, line) for line in text.splitlines()) for text in (other_err, err)))
        self.assertEqual(other_status, status)
        return out, err, status

    def printed(self, *texts):
        return b"".join(text + b"\n" for text in texts)


class ClientsAndTwistedServers(Poetry):
    def test_a_poem_is_downloaded_transformed_and_printed(self):
        got = self.both(self.twisted("transform"), self.twisted("poem", self.road, 10, 1))

        self.assertEqual(got, (self.printed(self.road.read_bytes().lower()), "", 0))

    def test_poems_are_printed_as_they_come(self):
        slow = self.twisted("poem", self.road, 30, 60)
        fast = self.twisted("poem", self.science, 1000, 0)

        out, err, status = self.both(self.twisted("transform"), slow, f"localhost:{fast}")

        expected = self.science.read_bytes().lower(), self.road.read_bytes().lower()
        self.assertEqual((out, err, status), (self.printed(*expected), "", 0))

    def test_many_poems_come_at_once(self):
        poem = self.twisted("poem", self.road, 30, 10)

        out, err, status = self.both(self.twisted("transform"), *[f"127.0.0.1:{poem}"] * 60)

        self.assertEqual(out, self.printed(*[self.road.read_bytes().lower()] * 60))
        self.assertEqual((err, status), ("", 0))

    def test_any_byte_may_be_in_a_poem(self):
        poem = bytes(range(256)) * 300
        server = self.twisted("poem", self.file(poem), 5000, 0)

        got = self.both(self.twisted("transform"), server)

        self.assertEqual(got, (self.printed(poem.lower()), "", 0))

    def test_a_poem_may_be_empty(self):
        got = self.both(self.twisted("transform"), self.twisted("poem", self.file(b""), 10, 0))

        self.assertEqual(got, (b"\n", "", 0))

    def test_a_long_poem_comes_whole_though_it_is_too_long_to_transform(self):
        poem = b"Row, row, row your boat.\n" * 100_000
        server = self.twisted("poem", self.file(poem), 50_000, 0)

        out, err, status = self.both(self.twisted("transform"), server, race="Cummingsify failed: ")

        self.assertEqual(out, self.printed(poem))
        self.assertIn("Cummingsify failed: ", err)
        self.assertEqual(status, 0)

    def test_a_download_that_is_refused_is_reported_and_the_others_come(self):
        nobody = self.unused_port()
        poem = self.twisted("poem", self.road, 100, 0)

        got = self.both(self.twisted("transform"), nobody, poem)

        complaint = (
            f"The poem download failed: connect to 127.0.0.1:{nobody}: Connection refused\n"
        )
        self.assertEqual(got, (self.printed(self.road.read_bytes().lower()), complaint, 1))

    def test_a_download_that_is_reset_is_reported_and_the_others_come(self):
        broken = self.twisted("broken-poem", self.road)
        poem = self.twisted("poem", self.science, 100, 0)

        got = self.both(self.twisted("transform"), broken, poem)

        complaint = (
            f"The poem download failed: read from 127.0.0.1:{broken}: Connection reset by peer\n"
        )
        self.assertEqual(got, (self.printed(self.science.read_bytes().lower()), complaint, 1))

    def test_a_server_that_closes_early_has_sent_a_shorter_poem(self):
        got = self.both(self.twisted("transform"), self.twisted("short-poem", self.road))

        poem = self.road.read_bytes()
        self.assertEqual(got, (self.printed(poem[: len(poem) // 2].lower()), "", 0))

    def test_a_download_that_takes_too_long_is_given_up(self):
        silent = self.twisted("silent")

        got = self.both(self.twisted("transform"), silent, "--timeout-ms", 200)

        complaint = f"The poem download failed: 127.0.0.1:{silent} took longer than 200 ms\n"
        self.assertEqual(got, (b"", complaint, 1))

    def test_without_a_transform_server_the_original_is_printed(self):
        nobody = self.unused_port()

        got = self.both(nobody, self.twisted("poem", self.road, 100, 0))

        complaint = f"Cummingsify failed: connect to 127.0.0.1:{nobody}: Connection refused\n"
        self.assertEqual(got, (self.printed(self.road.read_bytes()), complaint, 0))

    def test_a_transform_server_that_fails_leaves_the_original(self):
        poem = self.twisted("poem", self.road, 1000, 0)
        servers = {
            "closes": (self.twisted("answer", self.file(b"", "nothing")), "the peer closed"),
            "cuts": (self.twisted("answer", self.file(b"9:abc", "cut")), "the peer closed"),
            "chatters": (self.twisted("answer", self.file(b"HTTP/1.1", "http")), "netstring: "),
            "boasts": (self.twisted("answer", self.file(b"99999999999:", "much")), "the limit of"),
            "resets": (self.twisted("broken-transform"), "Connection reset by peer"),
            "is silent": (self.twisted("silent"), "took longer than 300 ms"),
        }
        for what, (transform, complaint) in servers.items():
            with self.subTest(what):
                out, err, status = self.both(transform, poem, "--timeout-ms", 300)

                self.assertEqual(out, self.printed(self.road.read_bytes()))
                self.assertRegex(err, f"^Cummingsify failed: .*127.0.0.1:{transform}.*{complaint}")
                self.assertEqual(status, 0)

    def test_it_ends_with_1_when_nothing_works(self):
        out, err, status = self.both(self.unused_port(), self.unused_port(), self.unused_port())

        self.assertEqual((out, err.count("The poem download failed: "), status), (b"", 2, 1))

    def test_a_host_that_can_be_no_name_is_reported(self):
        out, err, status = self.both(10001, "1.2.3:10002")

        self.assertEqual((out, status), (b"", 1))
        self.assertIn("look up '1.2.3': it ends in a number: no host can have this name", err)


class Arguments(Poetry):
    def test_wrong_arguments_are_explained_and_end_with_2(self):
        table = [
            ([], "transform-server is required"),
            ([10001], "poetry-server"),
            (["x", 10002], "'x' is not a port: ports are integers"),
            ([10001, "10002x"], "'10002x' is not a port: ports are integers"),
            ([10001, 10002, "localhost:"], "'' is not a port: ports are integers"),
            ([10001, "localhost:-1"], "'-1' is not a port: ports are integers"),
            ([10001, ":10002"], "':10002' has no host before its colon"),
            ([10001, "::1:10002"], "an IPv6 address stands in brackets"),
            ([10001, "65536"], "'65536' is not a port: ports end at 65535"),
            ([10001, "0"], "nobody can be reached at port 0"),
            ([10001, 10002, "--timeout-ms", "soon"], "--timeout-ms"),
            ([10001, 10002, "--timeout-ms", "0"], "--timeout-ms"),
            ([10001, 10002, "--verbose"], "--verbose"),
        ]
        for arguments, complaint in table:
            with self.subTest(arguments=arguments):
                out, err, status = self.both(*arguments)

                self.assertEqual((out, status), (b"", 2))
                self.assertIn(complaint, err)

    def test_help_is_printed_and_ends_with_0(self):
        for name in ["get_poetry", "get_poetry_chain", "poetry_server", "transform_server"]:
            with self.subTest(name):
                out, err, status = run(programs / name, "--help")

                self.assertIn(b"Usage: ", out)
                self.assertEqual((err, status), ("", 0))

    def test_servers_explain_wrong_arguments_and_end_with_2(self):
        table = [
            (["poetry_server"], "poem-file"),
            (["poetry_server", "no/such/poem"], "no/such/poem"),
            (["poetry_server", self.road, "--port", "x"], "'x' is not a port"),
            (["poetry_server", self.road, "--num-bytes", "0"], "--num-bytes"),
            (["poetry_server", self.road, "--delay-ms", "-1"], "--delay-ms"),
            (["transform_server", "--port", "65536"], "'65536' is not a port"),
            (["transform_server", "extra"], "extra"),
        ]
        for (name, *arguments), complaint in table:
            with self.subTest(name=name, arguments=arguments):
                out, err, status = run(programs / name, *arguments)

                self.assertEqual((out, status), (b"", 2))
                self.assertIn(complaint, err)

    def test_a_server_that_cannot_listen_says_where_and_ends_with_1(self):
        server = self.transform_server()
        taken = server.port

        of_port = run(programs / "transform_server", "--port", taken)
        of_host = run(programs / "poetry_server", self.road, "--iface", "example.org")

        in_use = f"listen on {server.host}:{taken}: Address already in use\n"
        self.assertEqual(of_port, (b"", in_use, 1))
        self.assertEqual(of_host[2], 1)
        self.assertIn("listen on example.org:0: it is neither", of_host[1])


class ServersAndTwistedClients(Poetry):
    def test_a_poem_comes_byte_for_byte_at_any_pace(self):
        poem = bytes(range(256)) * 20
        for num_bytes in [1, 7, 1000, 1_000_000]:
            with self.subTest(num_bytes=num_bytes):
                options = ["--num-bytes", num_bytes, "--delay-ms", 0]
                server = self.poetry_server(self.file(poem), *options)

                self.assertEqual(self.twisted_client(server, "poem"), (poem, "", 0))

    def test_a_poem_server_has_its_own_pace_for_each_reader(self):
        server = self.poetry_server(self.road, "--delay-ms", 2)
        host = server.host.strip("[]")
        command = [sys.executable, HERE / "twisted_client.py", host, str(server.port), "poem"]

        readers = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(5)]

        for reader in readers:
            self.assertEqual(reader.communicate(timeout=PATIENCE)[0], self.road.read_bytes())

    def test_an_empty_poem_is_an_end(self):
        server = self.poetry_server(self.file(b""))

        self.assertEqual(self.twisted_client(server, "poem"), (b"", "", 0))

    def test_a_request_is_answered_in_lower_case(self):
        got = self.twisted_client(
            self.transform_server(), "transform", stdin=b"cummingsify.Who? Me. YOU\xc3\x84\x00"
        )

        self.assertEqual(got, (b"who? me. you\xc3\x84\x00", "", 0))

    def test_a_request_may_come_in_pieces(self):
        request = b"26:cummingsify.To Be Or Not..,"
        server = self.transform_server()
        for num_bytes in [1, 2, 3, 5, 13, 25, 26, 27]:
            with self.subTest(num_bytes=num_bytes):
                got = self.twisted_client(server, "raw", num_bytes, stdin=request)

                self.assertEqual(got, (b"14:to be or not..,", "", 0))

    def test_the_longest_request_is_answered(self):
        poem = b"A" * (99_999 - len("cummingsify."))

        got = self.twisted_client(
            self.transform_server(), "transform", stdin=b"cummingsify." + poem
        )

        self.assertEqual(got, (poem.lower(), "", 0))

    def test_a_request_for_nothing_that_is_known_is_answered_by_closing(self):
        server = self.transform_server()
        for request in [b"rot13.Poem", b"cummingsify", b"", b".", b"Cummingsify.Poem"]:
            with self.subTest(request=request):
                got = self.twisted_client(server, "transform", stdin=request)

                self.assertEqual(got, (b"", "", 0))
        self.assertIn(server.host + ":", server.stop())

    def test_what_is_no_netstring_is_answered_by_closing(self):
        server = self.transform_server()
        for sent in [b"GET / HTTP/1.1\r\n\r\n", b"03:abc,", b"100000:", b"99999999999999999999:",
                     b"13:cummingsify.A;", b"13 cummingsify.A,"]:
            with self.subTest(sent=sent):
                out, _, status = self.twisted_client(server, "raw", 1000, stdin=sent)

                self.assertEqual(out, b"")
                # Closing with bytes unread is a reset to the other side.
                self.assertIn(status, (0, 3))
        self.assertEqual(server.process.poll(), None)

    def test_one_answer_is_given_on_a_connection(self):
        request = b"13:cummingsify.A,13:cummingsify.B,"

        out, _, _ = self.twisted_client(self.transform_server(), "raw", 1000, stdin=request)

        self.assertEqual(out, b"1:a,")

    def test_clients_that_vanish_disturb_nobody(self):
        poetry = self.poetry_server(self.road, "--delay-ms", 1)
        transform = self.transform_server()
        for server in [poetry, transform]:
            for _ in range(3):
                self.twisted_client(server, "vanish")

        self.assertEqual(self.twisted_client(poetry, "poem"), (self.road.read_bytes(), "", 0))
        got = self.twisted_client(transform, "transform", stdin=b"cummingsify.A")
        self.assertEqual(got, (b"a", "", 0))

    def test_a_signal_ends_a_server_in_good_order_whatever_it_does(self):
        for by in [signal.SIGINT, signal.SIGTERM]:
            with self.subTest(by):
                server = self.poetry_server(self.road, "--delay-ms", 60_000)
                with socket.create_connection(("127.0.0.1", server.port)) as reader:
                    first = reader.recv(1)

                    complaints = server.stop(by)

                self.assertEqual((first, server.status, complaints), (b"T", 0, ""))

    def test_servers_and_clients_speak_ipv6(self):
        try:
            with socket.socket(socket.AF_INET6) as probe:
                probe.bind(("::1", 0))
        except OSError as error:
            self.skipTest(f"no IPv6 here: {error}")
        poetry = self.poetry_server(self.road, "--iface", "::1", "--delay-ms", 0)
        transform = self.transform_server("--iface", "::1")
        self.assertEqual(poetry.host, "[::1]")

        by_twisted = self.twisted_client(poetry, "poem")
        by_ours = self.both(f"[::1]:{transform.port}", f"[::1]:{poetry.port}")

        self.assertEqual(by_twisted, (self.road.read_bytes(), "", 0))
        self.assertEqual(by_ours, (self.printed(self.road.read_bytes().lower()), "", 0))


def main():
    global programs, poems
    programs, poems = map(pathlib.Path, sys.argv[1:3])
    outcome = unittest.main(argv=sys.argv[:1] + sys.argv[3:], exit=False, verbosity=2).result
    bad = {case for case, _ in outcome.failures + outcome.errors}
    bad = {getattr(case, "test_case", case) for case in bad}  # of a subtest, its test
    passed = outcome.testsRun - len(bad) - len(outcome.skipped)
    print(
        f"[doctest] test cases: {outcome.testsRun - len(outcome.skipped)} | {passed} passed"
        f" | {len(bad)} failed | {len(outcome.skipped)} skipped"
    )
    return not outcome.wasSuccessful()


if __name__ == "__main__":
    sys.exit(main())
