# SPDX-License-Identifier: MIT
"""What an item costs when there are many: the rows of bench_deferred_scaling, a column for each power of ten."""

import callgrind
import programs

LEGEND = 'Instructions an item; bytes of heap an item while all are there'


def measure(build):
    """The rows, WORK@ITEMS, and whether all went well."""
    by_key, well = {}, True
    for name, command in programs.find(build, [programs.SCALING]).items():
        counts, counted_well = callgrind.counted(name, command)
        grown, grown_well = programs.output(name, [*command, '--bytes'])
        well &= counted_well and grown_well
        for row in counts + grown:
            by_key.setdefault(row['work'], {}).update(row)
    return list(by_key.values()), well


def table(rows):
    """Lines of cells, the heading first."""
    cells, sizes = {}, {}
    for row in rows:
        work, _, items = row['work'].partition('@')
        sizes[int(items)] = True
        cells.setdefault(work, {})[int(items)] = f'{row["instructions"]:.0f}, {row["bytes"]:.0f} B'
    lines = [['items', ''] + [f'10^{len(str(items)) - 1}' for items in sorted(sizes)]]
    for work, found in cells.items():
        lines.append([work, 'an item'] + [found.get(items, '-') for items in sorted(sizes)])
    return lines
