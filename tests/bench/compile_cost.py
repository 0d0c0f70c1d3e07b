# SPDX-License-Identifier: MIT
"""What the library costs who compiles with it: lines behind the headers that users include first, against the standard
headers alone that these bring along; code in two samples; a clean build of the library."""

import json
import pathlib
import re
import resource
import shlex
import subprocess
import sys
import tempfile

LEGEND = 'Preprocessed lines and seconds of CPU for a file that includes it, ours and the standard headers alone'

# Doors, under the name of what is behind them. One should cost at most 20 % more lines than its standard headers.
HEADERS = {
    'everything': ['deferred/deferred.hpp'],
    'Deferreds': ['deferred/results.hpp'],
    'the loop': ['deferred/reactor.hpp'],
    'tasks': ['deferred/tasks.hpp'],
    'yieldables': ['deferred/yieldables.hpp'],
    'threads': ['deferred/threads.hpp'],
    'streams': ['deferred/io.hpp'],
    'the conformance kit': ['deferred/testing/reactor_conformance.hpp'],
}
SAMPLES = ['first_program', 'echo_server']
ROUNDS = 3  # the least of so many


def commands(build):
    """compile_commands.json of the build: arguments by output, without a compiler cache before them."""
    found = {}
    for entry in json.loads((build / 'compile_commands.json').read_text()):
        arguments = shlex.split(entry['command'])
        if arguments[0].endswith('ccache'):
            del arguments[0]
        found[entry['output']] = (arguments, entry['directory'])
    return found


def with_file(arguments, file, *options):
    """The same compilation of another file, without output."""
    kept = []
    skip = False
    for argument in arguments:
        if skip:
            skip = False
        elif argument in ('-o', '-MF', '-MQ'):
            skip = True
        elif argument not in ('-c', '-MD') and not argument.endswith('.cpp'):
            kept.append(argument)
    return [*kept, *options, str(file)]


def cpu_seconds(command, folder):
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL, check=True)
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before


def lines_of(arguments, folder, file):
    """Without blank ones and line marks."""
    text = subprocess.run(with_file(arguments, file, '-E', '-P'), cwd=folder, stdout=subprocess.PIPE, text=True,
                          check=True).stdout
    return sum(bool(line.strip()) for line in text.splitlines())


def standard_headers(arguments, folder, file, root):
    """Those that our headers include themselves, as paths: from what the compiler says it reads (-H)."""
    said = subprocess.run(with_file(arguments, file, '-E', '-H'), cwd=folder, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, text=True, check=True).stderr
    ours, found = [True], {}
    for dots, name in re.findall(r'^(\.+) (.*)$', said, re.MULTILINE):
        depth, path = len(dots), (pathlib.Path(folder) / name).resolve()
        of_ours = root in path.parents
        del ours[depth:]
        if not of_ours and ours[-1]:
            found[str(path)] = True
        ours.append(of_ours)
    return list(found)


def includes(arguments, folder, root):
    with tempfile.TemporaryDirectory() as scratch:
        file = pathlib.Path(scratch) / 'included.cpp'

        def cost(names):
            file.write_text(''.join(f'#include "{name}"\n' for name in names))
            seconds = min(cpu_seconds(with_file(arguments, file, '-S', '-o', '/dev/null'), folder)
                          for _ in range(ROUNDS))
            return lines_of(arguments, folder, file), round(seconds, 2)

        for name, headers in HEADERS.items():
            lines, seconds = cost(headers)
            standard_lines, standard_seconds = cost(standard_headers(arguments, folder, file, root))
            yield {'work': 'compile', 'peer': 'deferred', 'what': f'include {name}', 'lines': lines, 'seconds': seconds,
                   'standard_lines': standard_lines, 'standard_seconds': standard_seconds,
                   'note': '', 'headers': headers}


def text_of(program):
    said = subprocess.run(['size', '-A', program], stdout=subprocess.PIPE, text=True, check=True).stdout
    return int(re.search(r'^\.text\s+(\d+)', said, re.MULTILINE)[1])


def measure(build):
    """The rows, and whether all went well."""
    folder = build / 'tests' / 'bench' if (build / 'tests' / 'bench').is_dir() else build
    build = folder.parent.parent
    try:
        found = commands(build)
        library = [value for output, value in found.items() if output.startswith('libdeferred.')]
        arguments, directory = library[0]
        root = (pathlib.Path(directory) / next(a for a in arguments if a.endswith('.cpp'))).resolve()
        while not (root / 'meson_options.txt').exists():
            root = root.parent
        rows = list(includes(arguments, directory, root))
        for sample in SAMPLES:
            program = folder / f'size_{sample}'
            if program.exists():
                rows.append({'work': 'compile', 'peer': 'deferred', 'what': f'.text of {sample}',
                             'bytes': text_of(program), 'note': 'the library linked statically'})
        seconds = sum(cpu_seconds([*with_file(command, next(a for a in command if a.endswith('.cpp'))), '-c', '-o',
                                   '/dev/null'], directory) for command, directory in library)
        rows.append({'work': 'compile', 'peer': 'deferred', 'what': 'clean build of the library',
                     'seconds': round(seconds, 1), 'note': f'{len(library)} files'})
        return rows, True
    except (OSError, subprocess.SubprocessError, IndexError, StopIteration) as trouble:
        print(f'compile cost: {trouble}', file=sys.stderr)
        return [], False


def table(rows):
    """Lines of cells, the heading first."""
    lines = [['what', 'of', 'ours', 'standard headers alone', 'ratio']]
    for row in rows:
        if 'lines' in row:
            about = ', '.join(row['headers'])
            lines.append([row['what'], f'lines: {about}', str(row['lines']), str(row['standard_lines']),
                          f'{row["lines"] / row["standard_lines"]:.2f}'])
            lines.append([row['what'], 'seconds', f'{row["seconds"]:.2f}', f'{row["standard_seconds"]:.2f}',
                          f'{row["seconds"] / row["standard_seconds"]:.2f}'])
        elif 'bytes' in row:
            lines.append([row['what'], row['note'], f'{row["bytes"]} B', '-', '-'])
        else:
            lines.append([row['what'], f'seconds; {row["note"]}', f'{row["seconds"]:.1f}', '-', '-'])
    return lines
