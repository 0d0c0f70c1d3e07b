#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""budgets.py check|write BUILD...: holds our works to their budgets, or writes down what they take as the new ones.

The file budgets has, for each compiler, the instructions an operation of each work with the functions that take most of
them, or its bytes an item. A work that takes more than a few percent over its budget fails, with the function that has
grown the most; one that takes as much less is told, so that the budget can be lowered. W7, W8 and time have no budget:
they depend on the machine. Builds are those of ./dev check; each says its compiler in tests/bench/compiler."""

import argparse
import dataclasses
import json
import pathlib
import re
import sys

import callgrind
import programs
import works

FILE = programs.HERE / 'budgets'
SLACK = 0.03
FUNCTIONS = 6  # that are written down for each work

# What each of our programs is held to: the variants, to what the first look at the library is about; the shared
# library, to all that a call of it may be in the way of.
CHAINS = ['W1', 'W1b', 'W1c']
PROGRAMS = {
    programs.PROGRAMS[0]: [work for work in works.WORKS if work not in works.LIVE],
    **{variant: CHAINS for variant in programs.VARIANTS},
    'bench_deferred_shared': [work for work in works.WORKS if re.match('W[1-6]|dynamic', work) and
                              works.WORKS[work].bytes is None],
}

# So much of a work by the static library may it cost by the shared one.
SHARED, MOST_OF_STATIC = '-shared', 1.05


@dataclasses.dataclass
class Finding:
    work: str
    passed: bool
    text: str


def rounded(functions):
    """The largest, each to a tenth."""
    largest = sorted(functions.items(), key=lambda item: (-item[1], item[0]))[:FUNCTIONS]
    return {name: round(count, 1) for name, count in largest if count >= 0.05}


def measure(build):
    """By work: 'instructions' and 'functions', or 'bytes'."""
    found = {}
    for name, command in programs.find(build, PROGRAMS, quiet=True).items():
        of_bytes = [work for work in PROGRAMS[name] if works.of(work).bytes is not None]
        counted = [work for work in PROGRAMS[name] if work not in of_bytes]
        rows, _ = callgrind.counted(name, [*command, f'--only={",".join(counted)}'])
        if of_bytes:
            rows += programs.output(name, [*command, '--bytes', f'--only={",".join(of_bytes)}'])[0]
        for row in programs.named(name, rows):
            if row['peer'] == programs.OURS:
                found[row['work']] = {key: row[key] for key in ('instructions', 'functions', 'bytes') if key in row}
    return found


def grown_most(budget, counted):
    """(name, its budget, its count) of the function that has grown the most; None if none that is known has.

    One that is not written down took no more than the least of those that are."""
    known = budget.get('functions', {})
    unknown = min(known.values(), default=0) if len(known) >= FUNCTIONS else 0
    grown = [(count - known.get(name, unknown), name, known.get(name, unknown), count)
             for name, count in counted.get('functions', {}).items()]
    most, name, before, count = max(grown, default=(0, '', 0, 0))
    return (name, before, count) if most > 0 else None


def compare(budgets, counted):
    """A Finding for each work that has a budget or was counted."""
    findings = []
    for work in sorted({*budgets, *counted}):
        if work not in counted:
            findings.append(Finding(work, False, 'has a budget, and was not measured'))
        elif work not in budgets:
            findings.append(Finding(work, False, 'has no budget: ./dev bench --budgets'))
        else:
            findings.append(judged(work, budgets[work], counted[work]))
    return findings + shared_over_static(counted)


def shared_over_static(counted):
    """A Finding for each work that was counted with both libraries."""
    findings = []
    for work in sorted(counted):
        static = counted.get(work.removesuffix(SHARED))
        if work.endswith(SHARED) and static:
            ratio = counted[work]['instructions'] / static['instructions']
            passed = ratio <= MOST_OF_STATIC
            findings.append(Finding(f'{work} over static', passed, '' if passed else f'{ratio:.3f} times the instructions'))
    return findings


def judged(work, budget, counted):
    unit = 'instructions' if 'instructions' in counted else 'bytes'
    if unit not in budget:
        return Finding(work, False, f'has no budget of {unit}: ./dev bench --budgets')
    most, count = budget[unit], counted[unit]
    text = f'{count:g} {unit}, budget {most:g}'
    if count > most * (1 + SLACK):
        text += f': {count / most - 1:.1%} over'
        if function := grown_most(budget, counted):
            text += '; grown the most: {} from {:.1f} to {:.1f}'.format(*function)
        return Finding(work, False, text)
    if count < most * (1 - SLACK):
        text += f': {1 - count / most:.1%} under; lower it: ./dev bench --budgets'
        return Finding(work, True, text)
    return Finding(work, True, '')


def compiler_of(build):
    return (build / 'tests' / 'bench' / 'compiler').read_text().strip()


def read():
    return json.loads(FILE.read_text()) if FILE.exists() else {}


def check(builds, log):
    """Prints what is over, under or unknown, and 'N passed, N failed'; writes them as Meson writes a test log."""
    budgets, entries = read(), []
    for build in builds:
        try:
            compiler = compiler_of(build)
        except OSError as trouble:
            findings, compiler = [Finding('all', False, f'not built: {trouble}')], str(build)
        else:
            if compiler not in budgets:
                print(f'{compiler}: has no budgets, nothing is compared')
                continue
            findings = compare(budgets[compiler], measure(build))
        for finding in findings:
            if finding.text:
                print(f'{compiler} {finding.work}: {finding.text}')
            entries.append({'name': f'{finding.work} by {compiler}', 'result': 'OK' if finding.passed else 'FAIL',
                            'stdout': finding.text})
    if log:
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(''.join(json.dumps(entry) + '\n' for entry in entries))
    failed = sum(entry['result'] != 'OK' for entry in entries)
    print(f'{len(entries) - failed} passed, {failed} failed')
    return int(failed != 0)


def write(builds):
    """The file anew for the compilers of these builds; those of others stay."""
    budgets = read()
    for build in builds:
        budgets[compiler_of(build)] = {
            work: {**counted, 'functions': rounded(counted['functions'])} if 'functions' in counted else counted
            for work, counted in measure(build).items()}
    FILE.write_text(json.dumps(budgets, indent=1, sort_keys=True) + '\n')
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('verb', choices=['check', 'write'])
    parser.add_argument('builds', type=pathlib.Path, nargs='+', metavar='BUILD')
    parser.add_argument('--log', type=pathlib.Path, help='check: write a log for tests/support/count.py')
    options = parser.parse_args()
    return check(options.builds, options.log) if options.verb == 'check' else write(options.builds)


if __name__ == '__main__':
    sys.exit(main())
