# SPDX-License-Identifier: MIT
"""10,000 connections to one server, from two other processes: what tests/load/connections.cpp prints."""

import programs

PROGRAM = 'bench_connections'
COUNT = 10_000
MOST_BYTES = 1_280
LEGEND = ('One process serves them all, two others make them, say three messages of 1 KiB on each and stay. Seconds until '
          'all are answered; bytes of heap of one that waits in serve(), malloc\'s own among them, without a buffer')


def measure(build):
    """The row, if it was built, and whether all went well."""
    rows, well = [], True
    for name, command in programs.find(build, [PROGRAM]).items():
        found, ended_well = programs.output(name, [*command, str(COUNT), str(MOST_BYTES)])
        rows += found
        well &= ended_well
    return rows, well


def table(rows):
    """Lines of cells, the heading first."""
    lines = [['connections', 'seconds', 'bytes', 'target']]
    for row in rows:
        kept = 'OK' if row['bytes'] <= MOST_BYTES else 'MISSED'
        lines.append([str(row['connections']), f'{row["seconds"]:.2f}', str(row['bytes']), f'{kept}: <= {MOST_BYTES} bytes'])
    return lines
