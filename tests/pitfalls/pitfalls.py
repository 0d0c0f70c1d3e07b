# SPDX-License-Identifier: MIT
"""pitfalls.py ROOT DOCUMENT write SOURCE: a program of all blocks of the document that are bodies of a task.
pitfalls.py ROOT DOCUMENT run PROGRAM VERSION SANITIZERS -- COMPILER...: what becomes of each is what is shown below it.

Blocks stand where tests/docs/snippets.py says. Below one may stand lines that are indented: what its program prints, all
of it. '...' alone is any number of lines, and within a line anything; but one that is 'broken' does not print what is shown
below the next block, which is right. Of a block with a line that is 'warned' or 'refused',
they are parts of what the compiler says to it. A report of AddressSanitizer comes only where that looks on, and what
stands below the heading of g++ 12 is right with another VERSION of g++: such a block is left out there, if it is 'broken'.
"""

import os
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "docs"))
sys.dont_write_bytecode = True
import snippets

BROKEN = re.compile(r"// broken\b")
OF_G_12 = re.compile(r"^## g\+\+ 12$", re.MULTILINE)

MAIN = """
#include <cstdlib>
#include <cstring>
#include <reactors/virtual_time.hpp>

namespace {

deferred::Reactor* the_reactor = nullptr;

// As the library prints it; but one that nothing can wake does not wait on.
void report(const deferred::Failure& failure, const std::string& whose) {
  std::fprintf(stderr, "deferred: unhandled failure in %s: %s\\n", whose.c_str(), failure.report().c_str());
  if (failure.check<deferred::StuckError>()) the_reactor->crash();
}

struct Program {
  int line;
  deferred::Task<> (*run)();
};

}  // namespace

int main(int, char** arguments) {
  constexpr Program programs[] = {PROGRAMS};
  std::setvbuf(stdout, nullptr, _IONBF, 0);
  deferred::set_unhandled_failure_hook(&report);
  deferred::reactors::VirtualTime time;
  deferred::Reactor reactor{time};
  the_reactor = &reactor;
  for (const Program& program : programs) {
    if (program.line == std::atoi(arguments[1])) return reactor.run(program.run());
  }
  return 2;
}
"""


def runnable(document):
    return [block for block in document.blocks if document.stands_behind_head(block) and block.place() == "in a task"]


def write(document, source):
    blocks = runnable(document)
    programs = ", ".join(f"{{{block.line}, &line_{block.line}::snippet}}" for block in blocks)
    pathlib.Path(source).write_text(document.unit(blocks) + '#line 1 "main.cpp"' + MAIN.replace("PROGRAMS", programs))


def shown_below(block, lines):
    """The indented lines below a block, all of a document's lines being given."""
    at = block.line + len(block.lines)  # counted from 0, what stands behind the closing fence
    shown = []
    for line in lines[at:]:
        if line.startswith("    "):
            shown.append(line[4:])
        elif line.strip() or shown:
            break
    return shown


def pattern(shown):
    """Matches an output."""
    lines = ["(?:.*\n)*?" if line == "..." else ".*".join(map(re.escape, line.split("..."))) + "\n" for line in shown]
    return re.compile("".join(lines))


def printed(program, line):
    """What a program prints that ends within a minute."""
    looks_everywhere = ":".join(filter(None, [os.environ.get("ASAN_OPTIONS"), "detect_stack_use_after_return=1"]))
    try:
        done = subprocess.run([program, str(line)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, check=False,
                              env=dict(os.environ, ASAN_OPTIONS=looks_everywhere))
        return done.stdout.decode(errors="replace")
    except subprocess.TimeoutExpired as late:
        return (late.stdout or b"").decode(errors="replace") + "(it does not end)\n"


def main():
    root, name, verb, file, *more = sys.argv[1:]
    root = pathlib.Path(root)
    name = pathlib.Path(name).resolve().relative_to(root.resolve())
    text = (root / name).read_text()
    heading = OF_G_12.search(text)
    of_g_12 = text[:heading.start()].count("\n") if heading else len(text)
    if verb == "write":
        return write(snippets.Document(root, name, []), file)

    version, sanitizers, _, *compiler = more
    document = snippets.Document(root, name, compiler)
    wrong, ran = 0, 0
    blocks = runnable(document)
    for block, mended in zip(blocks, [*blocks[1:], None]):
        shown = shown_below(block, text.splitlines())
        broken = any(BROKEN.search(line) for line in block.lines)
        on_purpose = block.wrong()
        if not shown or (broken and block.line > of_g_12 and not version.startswith("12.")):
            continue
        if on_purpose:
            found = "\n".join(said for _, said in document.complaints(document.unit([block], kept=on_purpose[0][0]), "-Werror"))
            right = all(line in found for line in shown)
        elif any("AddressSanitizer" in line for line in shown) and "address" not in sanitizers:
            continue
        else:
            found = printed(file, block.line)
            right = pattern(shown).fullmatch(found)
            if broken and mended:
                right = right and not pattern(shown_below(mended, text.splitlines())).fullmatch(found)
        ran += 1
        if not right:
            wrong += 1
            print(f"{name}:{block.line}: does not end as is shown, but:\n{found}")
    print(f"{name}: {ran} programs, {wrong} end in another way than is shown")
    sys.exit(wrong != 0 or ran == 0)


if __name__ == "__main__":
    main()
