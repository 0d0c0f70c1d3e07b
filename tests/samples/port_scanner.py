# SPDX-License-Identifier: MIT
"""port_scanner.py PROGRAM [TEST...]: samples/port_scanner, interrupted."""

import pathlib
import re
import signal
import socket
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
sys.dont_write_bytecode = True
import servers


HOST = "127.3.2.1"  # this machine, and no other test's: the ports that are scanned are whoever's they may be


class PortScanner(servers.Server):
    def silent(self):
        """A port of HOST that neither takes nor refuses: as many wait there already as its queue has room for."""
        listener = socket.create_server((HOST, 0), backlog=0)
        self.addCleanup(listener.close)
        address = listener.getsockname()
        while True:
            waiting = socket.socket()
            self.addCleanup(waiting.close)
            waiting.settimeout(0.1)
            try:
                waiting.connect(address)
            except TimeoutError:
                return address[1]

    def test_an_interrupt_ends_it_with_what_it_has_found(self):
        last = self.silent()
        scanner = self.start(HOST, str(last - 150), str(last))
        self.assertEqual(scanner.stderr.readline(), "100 tried\n")

        scanner.send_signal(signal.SIGINT)

        said, _ = scanner.communicate(timeout=servers.PATIENCE)
        self.assertEqual(scanner.returncode, 0)
        first, *found, tried = said.splitlines()
        self.assertEqual(first, "interrupted")
        self.assertTrue(all(peer.startswith(HOST + ":") for peer in found), found)
        tried, of_all = map(int, re.fullmatch(r"(\d+) of (\d+) tried", tried).groups())
        self.assertEqual(of_all, 151)
        self.assertTrue(100 <= tried < of_all, tried)


if __name__ == "__main__":
    sys.exit(servers.main())
