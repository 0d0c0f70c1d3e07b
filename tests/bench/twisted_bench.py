#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Twisted, the model: the same works and the same JSON lines as the programs beside this file. W2, W3 and W5 use
inlineCallbacks, its like of a microthread; allocations are not counted."""

import argparse
import json
import random
import time

from twisted.internet import reactor
from twisted.internet.defer import Deferred, inlineCallbacks, succeed


class Oops(Exception):
    pass


def inc(value):
    return value + 1


def trapped(failure):
    failure.trap(Oops)
    return 2


def raises(value):
    raise Oops()


def pending_chain(n):
    for _ in range(n):
        d = Deferred()
        d.addCallback(inc).addCallback(inc).addCallback(inc)
        d.callback(1)


def ready_chain(n):
    for _ in range(n):
        succeed(1).addCallback(inc).addCallback(inc).addCallback(inc)


def error_chain(n):
    for _ in range(n):
        d = Deferred()
        d.addCallback(inc).addCallback(inc).addErrback(trapped)
        d.errback(Oops())


def throwing_chain(n):
    for _ in range(n):
        d = Deferred()
        d.addCallback(raises).addCallback(inc).addErrback(trapped)
        d.callback(1)


@inlineCallbacks
def await_ready(n):
    for _ in range(n):
        yield succeed(1)


def await_pending(n):
    ends = []

    @inlineCallbacks
    def waiting():
        for _ in range(n):
            d = Deferred()
            ends.append(d)
            yield d

    waiting()
    while ends:
        ends.pop().callback(1)


@inlineCallbacks
def leaf(value):
    if False:
        yield
    return value


@inlineCallbacks
def call_leaf(n):
    for _ in range(n):
        yield leaf(1)


def switch(tasks):
    def run(n):
        left = [n // tasks] * tasks
        live = [tasks]

        def turn(task):
            left[task] -= 1
            if left[task]:
                reactor.callLater(0, turn, task)
            else:
                live[0] -= 1

        for task in range(tasks):
            reactor.callLater(0, turn, task)
        while live[0]:
            reactor.iterate(0)

    return run


def spawn(n):
    for _ in range(n):
        leaf(1)


MANY = 100_000
DELAYS = [random.Random(1).random() for _ in range(MANY)]
now = [0.0]


def stopped_clock():
    """Time stands still, so that nothing fires by itself and nothing is waited for."""
    reactor.seconds = lambda: now[0]


def nothing():
    pass


def set_and_cancel(n):
    calls = [reactor.callLater(DELAYS[i], nothing) for i in range(n)]
    for call in calls:
        call.cancel()
    reactor.runUntilCurrent()


def set_and_cancel_alone(n):
    for _ in range(n):
        reactor.callLater(1, nothing).cancel()
    reactor.runUntilCurrent()


def set_and_fire(n):
    for i in range(n):
        reactor.callLater(DELAYS[i], nothing)
    now[0] += 2
    reactor.runUntilCurrent()


# work: function of n, n, note
WORKS = {
    'W1': (pending_chain, 5_000, ''),
    'W1b': (ready_chain, 5_000, ''),
    'W1c': (error_chain, 5_000, ''),
    'W1c-throw': (throwing_chain, 5_000, ''),
    'W2': (await_ready, 5_000, 'inlineCallbacks'),
    'W2p': (await_pending, 5_000, 'inlineCallbacks, goes on inside callback()'),
    'W3': (call_leaf, 5_000, 'inlineCallbacks'),
    'W4': (switch(2), 2_000, 'callLater(0), a poll each turn'),
    'W4-1000': (switch(1_000), 20_000, 'callLater(0), a poll each turn'),
    'W5': (spawn, 5_000, 'inlineCallbacks, runs inside the call'),
    'W6-alone': (set_and_cancel_alone, 5_000, 'the clock stands still'),
    'W6-cancel': (set_and_cancel, MANY, 'only 1e5 live; the clock stands still'),
    'W6-fire': (set_and_fire, MANY, 'only 1e5; the clock is put forward by hand'),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--only', default='', help='works to run, separated by commas (default: all)')
    parser.add_argument('--budget-ms', type=float, default=40, help='time for each work')
    options = parser.parse_args()
    only = set(filter(None, options.only.split(',')))
    for work, (run, n, note) in WORKS.items():
        if only and work not in only:
            continue
        if work.startswith('W6'):
            stopped_clock()
        fastest = float('inf')
        started = time.perf_counter()
        while True:
            start = time.perf_counter()
            run(n)
            end = time.perf_counter()
            fastest = min(fastest, end - start)
            if (end - started) * 1000 > options.budget_ms:
                break
        row = {'work': work, 'peer': 'twisted', 'ns': round(fastest / n * 1e9, 1), 'allocs': None, 'note': note}
        print(json.dumps(row), flush=True)


if __name__ == '__main__':
    main()
