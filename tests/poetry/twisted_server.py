# SPDX-License-Identifier: MIT
"""twisted_server.py KIND [ARG...]: a small Twisted server, well-behaved or not, on a free port.

Prints "serving KIND on 127.0.0.1:PORT". The kinds:
  poem FILE NUM_BYTES DELAY_MS  sends the poem, so many bytes at a time, and closes
  broken-poem FILE              sends half of it, and resets the connection
  short-poem FILE               sends half of it, and closes
  transform                     answers netstrings NAME.POEM: cummingsify
  answer FILE                   reads a request's first bytes, sends the file as it is, and closes
  broken-transform              reads a request's first bytes, and resets the connection
  silent                        keeps the connection, and never says anything
"""

import pathlib
import sys

from twisted.internet import protocol, reactor
from twisted.protocols.basic import NetstringReceiver


class Poem(protocol.Protocol):
    def __init__(self, poem, num_bytes, delay):
        self.rest, self.num_bytes, self.delay = poem, num_bytes, delay

    def connectionMade(self):
        self.send()

    def send(self):
        self.transport.write(self.rest[: self.num_bytes])
        self.rest = self.rest[self.num_bytes:]
        if self.rest:
            reactor.callLater(self.delay, self.send)
        else:
            self.transport.loseConnection()


class BrokenPoem(protocol.Protocol):
    def __init__(self, poem):
        self.half = poem[: len(poem) // 2]

    def connectionMade(self):
        self.transport.write(self.half)
        reactor.callLater(0.05, self.transport.abortConnection)


class Transform(NetstringReceiver):
    def stringReceived(self, request):
        name, _, poem = request.partition(b".")
        if name == b"cummingsify":
            self.sendString(poem.lower())
        self.transport.loseConnection()


class Answer(protocol.Protocol):
    def __init__(self, answer):
        self.answer = answer

    def dataReceived(self, _):
        self.transport.write(self.answer)
        self.transport.loseConnection()


class BrokenTransform(protocol.Protocol):
    def dataReceived(self, _):
        self.transport.abortConnection()


def contents(name):
    return pathlib.Path(name).read_bytes()


KINDS = {
    "poem": lambda file, num_bytes, delay: Poem(contents(file), int(num_bytes), int(delay) / 1000),
    "broken-poem": lambda file: BrokenPoem(contents(file)),
    "short-poem": lambda file: Poem(contents(file)[: len(contents(file)) // 2], 100, 0),
    "transform": Transform,
    "answer": lambda file: Answer(contents(file)),
    "broken-transform": BrokenTransform,
    "silent": protocol.Protocol,
}


def main(kind, *arguments):
    factory = protocol.Factory.forProtocol(lambda: KINDS[kind](*arguments))
    port = reactor.listenTCP(0, factory, interface="127.0.0.1")
    print(f"serving {kind} on 127.0.0.1:{port.getHost().port}", flush=True)
    reactor.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
