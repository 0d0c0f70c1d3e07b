# SPDX-License-Identifier: MIT
"""Runs a program of this folder under callgrind and reads its dumps: instructions by work and function.

Counts repeat exactly from run to run and do not depend on the machine's load. What they would depend on is held: symbols
are bound before the start, addresses are not random, and libc is told not to choose its memcpy and the like by what the
processor offers."""

import dataclasses
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from programs import output

# glibc's names of what its string functions choose by.
PROCESSOR = 'AVX512F,AVX512VL,AVX512BW,AVX2,AVX,ERMS,FSRM,BMI2,SSE4_2,SSSE3,Fast_Unaligned_Copy'


@dataclasses.dataclass
class Dump:
    """What was counted between two requests. `functions` holds what each function's own instructions are."""

    trigger: str
    total: int
    functions: dict


def environment():
    tunables = 'glibc.cpu.hwcaps=' + ','.join('-' + name for name in PROCESSOR.split(','))
    return {**os.environ, 'LD_BIND_NOW': '1', 'GLIBC_TUNABLES': tunables}


def at_fixed_addresses():
    """setarch, where it may be used; a container may forbid it."""
    setarch = shutil.which('setarch')
    if setarch and subprocess.run([setarch, '-R', 'true'], stderr=subprocess.DEVNULL, check=False).returncode == 0:
        return [setarch, '-R']
    return []


def without_arguments(name):
    """A function's name without what stands in <> and (), which changes more often than the function does."""
    name = name.replace('(anonymous namespace)', '{anonymous}')
    name = re.sub(r'operator(<=>|<<=?|>>=?|->\*?|[<>]=?|\(\))', lambda m: 'operator' + m[1].translate(HIDDEN), name)
    kept, depth = [], 0
    for letter in name:
        if letter in '<(':
            depth += 1
        elif letter in '>)':
            depth -= 1
        elif depth == 0:
            kept.append(letter)
    return ''.join(kept).translate(SHOWN)


HIDDEN = {ord(letter): ord(mark) for letter, mark in zip('<>()', '\1\2\3\4')}
SHOWN = {ord(mark): ord(letter) for letter, mark in zip('<>()', '\1\2\3\4')}


def short(name):
    """'deferred::detail::run' for 'void deferred::detail::run<int>(Chain&)', and 'serve.actor' for a coroutine's part."""
    if 'std::_Function_handler' in name:  # the harness keeps each work in a std::function, and all is inlined there
        return 'the work itself'
    clone = re.search(r' \[clone (\.\w+)[^]]*\]', name)
    name = without_arguments(name.replace('{lambda', '{lambda ').replace("'", ''))
    name = re.sub(r' \[clone .*', '', name).replace('{lambda ', '{lambda').replace('{anonymous}::', '')
    name = re.sub(r'( const| &&?)+$', '', name.strip())
    conversion = re.search(r'(\S*operator .*)$', name)
    name = conversion[1] if conversion else name.split(' ')[-1]
    return name + (clone[1] if clone else '')


def read(text):
    """A dump, written with --compress-strings=no."""
    trigger = re.search(r'^desc: Trigger: Client Request: (.*)$', text, re.MULTILINE)
    # Not the summary: that of a dump out of a signal handler goes on from the dump before.
    total = re.search(r'^totals: (\d+)', text, re.MULTILINE)
    functions, current, called = {}, None, False
    for line in text.splitlines():
        if line.startswith('fn='):
            current = short(line[3:])
        elif line.startswith('calls='):
            called = True  # the next line is what the callee costs
        elif line[:1].isdigit() or line[:1] in ('+', '-', '*'):
            if called:
                called = False
            elif current is not None:
                functions[current] = functions.get(current, 0) + int(line.split()[1])
    return Dump(trigger[1] if trigger else '', int(total[1]) if total else 0, functions)


def counted(name, command):
    """The rows of one run with --count, each with its instructions an operation, all and by function; how it ended."""
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / 'dump'
        valgrind = [*at_fixed_addresses(), 'valgrind', '-q', '--tool=callgrind', '--instr-atstart=no',
                    '--compress-strings=no', f'--callgrind-out-file={out}']
        rows, ended_well = output(name, [*valgrind, *command, '--count'], environment())
        # One dump a row, numbered in the order of the rows; the last, at exit, belongs to nobody.
        for number, row in enumerate(rows, start=1):
            dump = read(pathlib.Path(f'{out}.{number}').read_text(errors='replace'))
            if dump.trigger != row['work']:
                print(f'{name}: dump {number} is not that of {row["work"]}', file=sys.stderr)
                return [], False
            ops = row.pop('ops')
            row['instructions'] = round(dump.total / ops, 1)
            row['functions'] = {function: count / ops for function, count in dump.functions.items()}
        return rows, ended_well
