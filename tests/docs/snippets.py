# SPDX-License-Identifier: MIT
"""snippets.py ROOT DOCUMENT|FOLDER... -- COMPILER...: the C++ of documents compiles, in the way in which it is shown there.

A block below '<!-- sample: NAME -->' stands in that sample, which is built (tests/lint/samples_in_docs.py compares).
Of the others, each says by itself where it stands:

- one with #include lines stands alone;
- one without stands behind its document's first block, its head; so does one with a line '// in a task', behind which
  is the body of a coroutine that returns Task<>, or '// in a function';
- one that begins with '// goes on' stands behind the block above it, or behind the sample of that.

Lines that are wrong on purpose end in a comment that begins with 'broken': it compiles, and does the wrong thing;
'warned': it compiles, with a warning; or 'refused': it does not compile. Of the latter two, each is tried alone.
'// flagged: TEXT' in a fixture stands on a line that has to be complained of, with a part of the complaint.
"""

import dataclasses
import os
import pathlib
import re
import subprocess
import sys

SAMPLE = re.compile(r"<!-- sample: (\S+) -->")
PLACE = re.compile(r"// (in a task|in a function|goes on)\b")
OPENINGS = {"in a task": "Task<> snippet() {", "in a function": "void snippet() {"}
ENDS = {"in a task": "co_return;\n}", "in a function": "}"}
WRONG = re.compile(r"// (warned|refused)\b")
FLAGGED = re.compile(r"// flagged: (.*)$")
COMPLAINT = re.compile(r"^(?P<file>[^:\n]+):(?P<line>\d+):(?:\d+:)? (?:fatal )?error: (?P<text>.*)$", re.MULTILINE)
# A snippet need not use what it shows.
FLAGS = ["-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-Wno-unused-variable", "-Wno-unused-but-set-variable",
         "-Wno-subobject-linkage"]  # #line makes all of it another file, of which the compiler expects less


@dataclasses.dataclass
class Block:
    line: int  # of its first
    lines: list
    sample: str | None
    above: "Block | None"

    def includes(self):
        return [line for line in self.lines if line.startswith("#include")]

    def place(self):
        """'in a task' and so on, or None."""
        return next((found[1] for line in self.lines if (found := PLACE.match(line))), None)

    def wrong(self):
        """(index, kind) of the lines that are to be warned of or refused."""
        return [(at, found[1]) for at, line in enumerate(self.lines) if (found := WRONG.search(line))]


def blocks(text):
    found, inside, sample = [], None, None
    for number, line in enumerate(text.splitlines(), 1):
        if inside is not None:
            if line.strip() == "```":
                found.append(Block(inside + 1, text.splitlines()[inside:number - 1], sample, found[-1] if found else None))
                inside = sample = None
        elif line.strip() == "```cpp":
            inside = number
        elif line.strip():
            mark = SAMPLE.search(line)
            sample = mark[1] if mark else None
    return found


class Document:
    def __init__(self, root, name, compiler):
        self.root, self.name, self.compiler = root, name, compiler
        self.blocks = blocks((root / name).read_text())
        self.head = next((block for block in self.blocks if block.sample is None), None)

    def code(self, block, without=()):
        """Its lines but its includes and those left out, each where it is in the document."""
        place = block.place()
        opening, end = OPENINGS.get(place, ""), ENDS.get(place, "")
        kept = ["" if line.startswith("#include") or at in without
                else opening if opening and PLACE.match(line) else line for at, line in enumerate(block.lines)]
        text = "\n".join([f'#line {block.line} "{self.name}"', *kept, end])
        return f"namespace line_{block.line} {{\n{text}\n}}" if self.stands_behind_head(block) else text

    def stands_behind_head(self, block):
        return block is not self.head and block.place() != "goes on" and bool(block.place() or not block.includes())

    def before(self, block):
        """What stands in front of a block."""
        if block.place() == "goes on":
            if block.above is None:
                return ""
            if block.above.sample:
                return (self.root / "samples" / f"{block.above.sample}.cpp").read_text()
            return self.before(block.above) + "\n" + "\n".join(block.above.includes()) + "\n" + self.code(
                block.above, [at for at, _ in block.above.wrong()])
        if not self.stands_behind_head(block):
            return ""
        return "\n".join(self.head.includes()) + "\n" + self.code(self.head)

    def complaints(self, text, *flags):
        """(line of the document, what the compiler says) of a unit; empty if it compiles."""
        done = subprocess.run([*self.compiler, *FLAGS, *flags, f"-I{self.root}", "-fmessage-length=0", "-xc++", "-"],
                              input=text, stderr=subprocess.PIPE, text=True, env={**os.environ, "LC_ALL": "C"}, check=False)
        if done.returncode == 0:
            return []
        here = [(int(found["line"]), found["text"]) for found in COMPLAINT.finditer(done.stderr)
                if found["file"] == str(self.name)]
        return here or [(1, done.stderr)]

    def units(self):
        """(blocks, text) of what is to compile: those behind the head in one."""
        own = [block for block in self.blocks if block.sample is None]
        behind = [block for block in own if self.stands_behind_head(block)]
        for block in own:
            if block not in behind:
                yield self.unit([block])
        if behind:
            yield self.unit(behind)

    def unit(self, together, kept=None):
        """A unit of blocks, without the lines that are wrong on purpose but the one kept."""
        includes = [line for block in together for line in block.includes()]
        code = [self.code(block, [at for at, _ in block.wrong() if at != kept]) for block in together]
        return "\n".join([*includes, self.before(together[0]), *code, ""])

    def check(self):
        for text in self.units():
            yield from self.complaints(text, "-Werror")
        for block in self.blocks:
            for at, kind in block.wrong() if block.sample is None else []:
                text = self.unit([block], kept=at)
                if not self.complaints(text, "-Werror" if kind == "warned" else "-w"):
                    yield block.line + at, f"is said to be {kind}, and compiles"
                elif kind == "warned" and self.complaints(text):
                    yield block.line + at, "is said to be warned of, and does not compile"


def wrong_in(document):
    """The complaints that nobody expects, and what is expected and not complained of."""
    flagged = {number: mark[1] for number, line in enumerate((document.root / document.name).read_text().splitlines(), 1)
               if (mark := FLAGGED.search(line))}
    found = sorted(set(document.check()))
    yield from ((line, text) for line, text in found if flagged.get(line, "\n") not in text)
    yield from ((line, "not complained of") for line in flagged.keys() - {line for line, _ in found})


def main():
    root, *names = sys.argv[1:sys.argv.index("--")]
    compiler = sys.argv[sys.argv.index("--") + 1:]
    root = pathlib.Path(root)
    names = [path.relative_to(root) for name in names for path in sorted((root / name).glob("*.md")) or [root / name]]
    failed = False
    for name in names:
        document = Document(root, name, compiler)
        print(f"{name}: {len(document.blocks)} blocks", flush=True)
        for line, text in wrong_in(document):
            print(f"{name}:{line}: {text}")
            failed = True
    sys.exit(failed)


if __name__ == "__main__":
    main()
