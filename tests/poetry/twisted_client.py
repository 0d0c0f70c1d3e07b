# SPDX-License-Identifier: MIT
"""twisted_client.py HOST PORT KIND [NUM_BYTES]: a small Twisted client; prints what it receives.

The kinds:
  poem       reads until the server closes
  transform  sends standard input as one netstring, and prints the text of the one it gets
  raw        sends standard input as it is, NUM_BYTES at a time, and reads until the server closes
  vanish     resets the connection as soon as it stands
It ends when the connection does: with status 0 after an orderly end, else with 3.
"""

import sys

from twisted.internet import error, protocol, reactor
from twisted.internet.endpoints import TCP4ClientEndpoint, TCP6ClientEndpoint, connectProtocol
from twisted.protocols.basic import NetstringReceiver

status = 0


def ended(reason):
    global status
    if not reason.check(error.ConnectionDone):
        print(reason.getErrorMessage(), file=sys.stderr)
        status = 3
    reactor.stop()


def receive(text):
    sys.stdout.buffer.write(text)


class Poem(protocol.Protocol):
    def dataReceived(self, data):
        receive(data)

    def connectionLost(self, reason):
        ended(reason)


class Transform(NetstringReceiver):
    MAX_LENGTH = 10_000_000

    def connectionMade(self):
        self.sendString(sys.stdin.buffer.read())

    def stringReceived(self, text):
        receive(text)

    def connectionLost(self, reason):
        ended(reason)


class Raw(Poem):
    def connectionMade(self):
        self.transport.setTcpNoDelay(True)
        self.rest = sys.stdin.buffer.read()
        self.num_bytes = int(sys.argv[4])
        self.send()

    def send(self):
        if self.rest and self.connected:
            self.transport.write(self.rest[: self.num_bytes])
            self.rest = self.rest[self.num_bytes:]
            reactor.callLater(0, self.send)


class Vanish(Poem):
    def connectionMade(self):
        self.transport.abortConnection()


KINDS = {"poem": Poem, "transform": Transform, "raw": Raw, "vanish": Vanish}


def main(host, port, kind, *_):
    endpoint = TCP6ClientEndpoint if ":" in host else TCP4ClientEndpoint
    connecting = connectProtocol(endpoint(reactor, host, int(port)), KINDS[kind]())
    connecting.addErrback(ended)
    reactor.run()
    sys.stdout.flush()
    return status


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
