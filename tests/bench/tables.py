# SPDX-License-Identifier: MIT
"""Rows as tables: a line a work, a column a peer, then our ratios and whether we keep to the target. A row is a dictionary
with 'work' and 'peer', what was measured ('ns' and 'allocs', 'instructions', 'bytes'), and 'note'."""

import works
from programs import FLOOR, OURS, PEERS, base_of


def number(value):
    return f'{value:.1f}' if value < 100 else f'{value:.0f}'


def columns_of(rows):
    """Peers in the order of the columns; a peer nobody listed comes behind its own, or last."""
    columns = list(PEERS)
    for row in rows:
        if row['peer'] not in columns:
            base = base_of(row['peer'])
            columns.insert(columns.index(base) + 1 if base in columns else len(columns), row['peer'])
    return [peer for peer in columns if any(row['peer'] == peer for row in rows)]


def works_of(rows):
    """Works in the order of the table, each before its variants."""
    listed = list(works.WORKS)
    seen = list(dict.fromkeys(row['work'] for row in rows))
    place = {work: listed.index(works.plain(work)) if works.plain(work) in listed else len(listed) for work in seen}
    return sorted(seen, key=lambda work: (place[work], work != works.plain(work)))


class Quantity:
    """One kind of figure: a table of its own."""

    def __init__(self, key, heading, cell):
        self.key, self.heading, self.cell = key, heading, cell

    def target(self, work):
        """The text of the target and a function of (ours, best peer, floor) that says how it is missed, or ''."""
        return '', lambda ours, best, floor: ''


def ratio(ours, other, key):
    return ours[key] / other[key] if ours and other and other[key] > 0 else None


class Instructions(Quantity):
    def __init__(self):
        super().__init__('instructions', 'Instructions an operation (callgrind)', lambda row: number(row['instructions']))

    def target(self, work):
        if work.instructions is not None:
            return f'<= {work.instructions:g}', lambda ours, best, floor: over(ours['instructions'], work.instructions)
        if work.of_floor is not None:
            return (f'<= {work.of_floor:g} x floor',
                    lambda ours, best, floor: over(ratio(ours, floor, 'instructions'), work.of_floor))
        return super().target(work)


class Nanoseconds(Quantity):
    def __init__(self, rounds):
        super().__init__('ns', f'ns an operation, [heap allocations]; fastest of {rounds} interleaved rounds',
                         lambda row: number(row['ns']) +
                         ('' if row['allocs'] is None else f' [{row["allocs"]:.3g}]'))

    def target(self, work):
        if work.of_best_peer is not None:
            return (f'<= {work.of_best_peer:g} x best peer',
                    lambda ours, best, floor: over(ratio(ours, best, 'ns'), work.of_best_peer))
        if work.allocations is not None:
            return (f'[{work.allocations}]',
                    lambda ours, best, floor: '' if ours['allocs'] <= work.allocations else f'{ours["allocs"]:.3g} allocs')
        return super().target(work)


class Bytes(Quantity):
    def __init__(self):
        super().__init__('bytes', 'Bytes of heap an item', lambda row: number(row['bytes']))

    def target(self, work):
        if work.bytes is None:
            return super().target(work)
        return f'<= {work.bytes}', lambda ours, best, floor: over(ours['bytes'], work.bytes)


def over(figure, most):
    return f'{figure / most:.2f}x' if figure is not None and figure > most else ''


def differing(rows, key):
    """Without the variants' rows that differ from the plain one by no more than what is told."""
    by_key = {(row['work'], row['peer']): row for row in rows}
    kept = []
    for row in rows:
        first = by_key.get((works.plain(row['work']), row['peer']))
        if row is first or first is None or abs(row[key] - first[key]) > works.TOLD * first[key]:
            kept.append(row)
    return kept


def table(quantity, rows):
    """Lines of cells, the heading first, and what is missed: (our row, target, how)."""
    rows = differing([row for row in rows if quantity.key in row], quantity.key)
    columns = columns_of(rows)
    by_key = {(row['work'], row['peer']): row for row in rows}
    lines = [['work', 'one operation', *columns, '/best peer', '/floor', 'target', 'verdict']]
    misses = []
    for work in works_of(rows):
        found = [by_key.get((work, peer)) for peer in columns]
        ours = by_key.get((work, OURS))
        # A variant is compared with what the plain one is compared with.
        beside = [by_key.get((works.plain(work), peer)) for peer in columns]
        floor = by_key.get((works.plain(work), FLOOR))
        best = min((row for row in beside if row and base_of(row['peer']) not in (OURS, FLOOR)),
                   key=lambda row: row[quantity.key], default=None)
        target, missed = quantity.target(works.of(work))
        how = missed(ours, best, floor) if ours else ''
        if how:
            misses.append((ours, target, how))
        ratios = [ratio(ours, other, quantity.key) for other in (best, floor)]
        lines.append([work, works.of(work).about, *('-' if row is None else quantity.cell(row) for row in found),
                      *('-' if value is None else f'{value:.2f}' for value in ratios), target or '-',
                      '-' if not target or not ours else f'MISSED {how}' if how else 'OK'])
    return lines, misses


def notes(rows):
    seen = {}
    for row in rows:
        if row.get('note'):
            seen.setdefault((row['peer'], row['note']), {})[works.plain(row['work']).split('@')[0]] = True
    return [f'{peer} {", ".join(named)}: {note}' for (peer, note), named in seen.items()]


def largest(row, most=5):
    """'a 86, b 51': where the instructions of a row go, more than a twentieth of them each."""
    functions = sorted(row.get('functions', {}).items(), key=lambda item: -item[1])[:most]
    return ', '.join(f'{name} {count:.0f}' for name, count in functions if count > row['instructions'] / 20)


def print_plain(lines):
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    for line in lines:
        print('  '.join(text.ljust(width) if i < 2 else text.rjust(width)
                        for i, (text, width) in enumerate(zip(line, widths))).rstrip())


def print_markdown(lines):
    for i, line in enumerate(lines):
        print('| ' + ' | '.join(line) + ' |')
        if i == 0:
            print('|' + '|'.join('---' if column < 2 else '---:' for column in range(len(line))) + '|')
