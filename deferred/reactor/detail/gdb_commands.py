# SPDX-License-Identifier: MIT
"""deferred: the commands of gdb by which the tasks of a process, or of a core, are seen.

They read memory and call nothing, so that a process may be stopped anywhere. Where in memory a field lies says the table
that the library holds in each build: gdb_layout.hpp. What they write is what Reactor::dump_tasks() writes, but for what a
yieldable says of itself: here stands its type. Without the library's text in gdb: (gdb) source deferred-gdb.py
"""

import re

import gdb


class DeferredError(Exception):
    """What the user is told, in place of a trace."""


class DeferredMemory:
    """A process or core. How large its words are, and in which order their bytes stand, says a layout."""

    most_text = 4096  # longer is no text, but damage

    def __init__(self):
        inferior = gdb.selected_inferior()
        if inferior.pid == 0:
            raise DeferredError("there is no process and no core: run the program, attach to it, or open a core")
        self.read_from = inferior.read_memory
        self.word_size, self.byte_order = 8, "little"

    def read(self, address, size):
        try:
            return bytes(self.read_from(address, size))
        except (gdb.error, OverflowError):
            raise DeferredError("no memory can be read at %#x" % address) from None

    def number(self, block, offset, size):
        return int.from_bytes(block[offset:offset + size], self.byte_order)

    def word(self, block, offset):
        return self.number(block, offset, self.word_size)

    def word_at(self, address):
        return self.word(self.read(address, self.word_size), 0)

    def text(self, address, size=None):
        """Of that size, or up to a null."""
        if size is not None:
            cut = min(size, self.most_text)
            return self.read(address, cut).decode(errors="replace") + ("..." if cut < size else "")
        text = b""
        while b"\0" not in text and len(text) < self.most_text:
            # No block goes over the end of a page, behind which there may be nothing.
            at = address + len(text)
            text += self.read(at, 256 - at % 256)
        return text.split(b"\0")[0].decode(errors="replace")


class DeferredLibrary:
    """One copy of the library, by its layout."""

    SECTION = re.compile(r"0x([0-9a-f]+) - 0x[0-9a-f]+(?: @ 0x[0-9a-f]+)? is \.deferred_layout\b")
    VERSION = 1

    @classmethod
    def all(cls):
        memory = DeferredMemory()
        found = [int(at, 16) for at in cls.SECTION.findall(gdb.execute("info files", to_string=True))]
        if not found:
            raise DeferredError("the library is in no file that gdb has read (info files): it is not loaded yet, or gdb was not given the program")
        return [cls(memory, at) for at in found]

    def __init__(self, memory, address):
        self.memory = memory
        head = memory.read(address, 8)
        if head[:2] == self.VERSION.to_bytes(2, "big"):
            memory.byte_order = "big"
        memory.word_size = size = memory.number(head, 2, 2)
        if memory.number(head, 0, 2) != self.VERSION or size not in (4, 8):
            raise DeferredError("these commands are for another version of the library, or its memory is damaged")
        block = memory.read(address + 8, 4 * size)
        words, reactors, one_base, two_bases = (memory.word(block, i * size) for i in range(4))
        try:
            self.kinds = {memory.word_at(one_base): self.only_base, memory.word_at(two_bases): self.several_bases}
            is_loaded = memory.word_at(reactors + size) == address
        except DeferredError:
            is_loaded = False
        if not is_loaded:
            raise DeferredError("the library is not loaded yet, or its memory is damaged")
        self.at = {}
        count = memory.number(head, 4, 4)
        block = memory.read(words, 32 * count)
        for i in range(0, len(block), 32):
            self.at[block[i:i + 28].rstrip(b"\0").decode()] = memory.number(block, i + 28, 4)
        self.reactors_at = reactors
        self.types, self.waits, self.places = {}, {}, {}

    def row(self, first, offset):
        """The addresses of a list; one that damage has closed to a circle ends there."""
        seen = set()
        while first:
            if first in seen:
                raise DeferredError("a list goes in a circle at %#x: its memory is damaged" % first)
            seen.add(first)
            yield first
            first = self.memory.word_at(first + self.at[offset])

    def reactors(self):
        """Their addresses, the oldest first."""
        return list(self.row(self.memory.word_at(self.reactors_at), "Reactor.next"))[::-1]

    def string(self, block):
        """A std::string of this standard library."""
        memory = self.memory
        kind, size = self.at["string.kind"], memory.word_size
        if kind == 0:  # libstdc++: pointer, length
            return memory.text(memory.word(block, 0), memory.word(block, size))
        if kind == 1:  # libc++: a bit that says whether it is long: capacity, length, pointer
            if block[0] & 1:
                return memory.text(memory.word(block, 2 * size), memory.word(block, size))
            return block[1:1 + (block[0] >> 1)].decode(errors="replace")
        text = memory.word(block, 0)  # libstdc++'s old one: the length stands before the text
        return memory.text(text, memory.word_at(text - 3 * size))

    def type_name(self, type_info):
        """As detail::demangled() writes it."""
        if type_info not in self.types:
            mangled = self.memory.text(self.memory.word_at(type_info + self.memory.word_size)).lstrip("*")
            try:
                name = gdb.execute("demangle -l c++ -- _ZTI" + mangled, to_string=True).strip()
                self.types[type_info] = self.shortened(name[len("typeinfo for "):])
            except gdb.error:
                self.types[type_info] = mangled
        return self.types[type_info]

    @staticmethod
    def shortened(name):
        for extra in (", std::char_traits<", ", std::allocator<"):
            while extra in name:
                at = name.index(extra)
                end, depth = at + len(extra), 1
                while depth > 0 and end < len(name):
                    depth += {"<": 1, ">": -1}.get(name[end], 0)
                    end += 1
                name = name[:at] + name[end:]
        for long, short in (("std::__cxx11::", "std::"), ("std::__1::", "std::"), (" >", ">"),
                            ("std::basic_string<char>", "std::string"),
                            ("std::basic_string_view<char>", "std::string_view")):
            name = name.replace(long, short)
        return name

    def place(self, record):
        """As to_string(SourceLocation) writes it; None: it is not listed."""
        if record not in self.places:
            self.places[record] = self.read_place(record) if record else None
        return self.places[record]

    def read_place(self, record):
        memory, at = self.memory, self.at
        block = memory.read(record, at["Place.size"])
        line = memory.number(block, at["Place.line"], 4)
        if line == 0:
            return None
        file = memory.text(memory.word(block, at["Place.file"])).rsplit("/", 1)[-1]
        function = memory.text(memory.word(block, at["Place.function"]))
        function = function.replace("(anonymous namespace)", "{anonymous}").split("(", 1)[0]
        depth = 0
        for i in range(len(function) - 1, -1, -1):
            depth += {">": 1, "<": -1}.get(function[i], 0)
            if function[i] == " " and depth == 0:
                function = function[i + 1:]
                break
        return "%s:%d%s" % (file, line, " in " + function if function else "")

    def error(self, node):
        """Of a FailureNode: its type; and its text, where that stands in a class of <stdexcept>."""
        memory, at = self.memory, self.at
        type_info = memory.word_at(node + at["Failure.type"])
        name = self.type_name(type_info)
        left, steps = [(type_info, 0)], 0
        while left and steps < 100:
            base, offset = left.pop()
            if self.type_name(base) in ("std::runtime_error", "std::logic_error"):
                payload = memory.word_at(node + at["Failure.payload"]) + offset
                return name + ": " + memory.text(memory.word_at(payload + memory.word_size))
            bases = self.kinds.get(memory.word_at(base))
            left += [(inner, offset + by) for inner, by in bases(base)] if bases else []
            steps += 1
        return name

    # Of a class, by its type_info: the bases that are not virtual, and where in it they lie. (Itanium C++ ABI, 2.9.5)

    def only_base(self, type_info):
        return [(self.memory.word_at(type_info + 2 * self.memory.word_size), 0)]

    def several_bases(self, type_info):
        memory, size = self.memory, self.memory.word_size
        first = type_info + 2 * size + 8
        count = memory.number(memory.read(first - 4, 4), 0, 4)
        if count > 100:
            raise DeferredError("a class with %d bases: its memory is damaged" % count)
        for at in range(first + (count - 1) * 2 * size, first - 1, -2 * size):  # the first one last
            flags = memory.word_at(at + size)
            if not flags & 1:  # of a virtual one the rest is no offset
                yield memory.word_at(at), flags >> 8


class DeferredTask:
    """A microthread, or a branch."""

    def __init__(self, library, address, depth, is_branch):
        self.library, self.depth, self.is_branch = library, depth, is_branch
        memory, at = library.memory, library.at
        self.block = memory.read(address, at["Task.size"])
        self.id = self.number("id_high", 1) << 32 | self.number("id_low", 4)
        self.flags = self.number("flags", 2)
        self.extras = b""
        if self.has("has_extras"):
            self.extras = memory.read(self.word("extras"), at["Extras.size"])

    def number(self, name, size):
        return self.library.memory.number(self.block, self.library.at["Task." + name], size)

    def word(self, name):
        return self.library.memory.word(self.block, self.library.at["Task." + name])

    def extra(self, name):
        return self.library.memory.word(self.extras, self.library.at["Extras." + name]) if self.extras else 0

    def pauses(self):
        return self.library.memory.number(self.extras, self.library.at["Extras.pauses"], 4) if self.extras else 0

    def has(self, flag):
        return self.flags & self.library.at["flag." + flag] != 0

    def wait(self):
        """Of the wait: it is open, and its yieldable's type."""
        memory, at, waits = self.library.memory, self.library.at, self.library.waits
        block = memory.read(self.word("wait"), at["Wait.size"])
        ops = memory.word(block, at["Wait.ops"])
        if ops not in waits:
            waits[ops] = self.library.type_name(memory.word_at(ops + at["WaitOps.yieldable"]))
        return block[at["Wait.state"]] == at["Wait.open"], waits[ops]

    def places(self):
        """Its awaits, the innermost first."""
        memory, at = self.library.memory, self.library.at
        frame, seen = self.word("leaf"), set()
        while frame:
            if frame in seen:
                raise DeferredError("its calls go in a circle at %#x: its memory is damaged" % frame)
            seen.add(frame)
            block = memory.read(frame, at["Frame.size"])
            place = self.library.place(memory.word(block, at["Frame.where"]))
            if place:
                yield place
            call = memory.word(block, at["Frame.called_by"])
            frame = memory.word_at(call + at["Call.caller"]) if call else 0

    def label(self):
        at = self.library.at["Extras.name"]
        name = self.library.string(self.extras[at:at + self.library.at["string.size"]]) if self.extras else ""
        return "task #%d%s" % (self.id, " '%s'" % name if name else "")

    def state(self):
        """What detail::describe() says of it; and whether the places follow."""
        if self.is_branch:
            if not self.word("wait"):
                return "branch about to wait", False
            is_open, what = self.wait()
            return "branch " + ("waiting on " if is_open else "with the answer of ") + what, False
        label = self.label()
        if self.has("done"):
            return label + self.end(), False
        if self.pauses() and not self.has("root_cancelled"):
            label += " is paused, and"
        if not (self.has("started") or self.has("running") or self.has("suspended")):  # a branch alone has no code
            return label + " has not started", False
        if self.has("running"):
            return label + " is running", True
        if self.has("closing") or not self.word("leaf"):
            return label + " is being closed", False
        if self.has("suspended"):
            is_open, what = self.wait()
            if is_open:
                return label + " waiting on " + what, True
        return label + " is ready to go on", True

    def end(self):
        if not (self.word("reactor") and self.has("listed_as_failed")):
            return " is done"
        completion = self.extra("completion") if self.extras else self.word("completion")
        text = " has failed, and its Spawned was not asked yet"
        if not completion:
            return text
        node = self.library.memory.word_at(completion + self.library.at["Chain.slot"])
        return text + ": " + self.library.error(node)

    def line(self):
        state, goes_on = self.state()
        if not goes_on:
            return state
        places = []
        for place in self.places():
            if len(places) == 64:
                return state + " at " + ", from ".join(places) + ", and more"
            places.append(place)
        return state + (" at " + ", from ".join(places) if places else "")

    def parent(self):
        """Who has the nursery that it is in; None: nobody."""
        family = self.word("family")
        owner = self.library.memory.word_at(family + self.library.at["Family.task"]) if family else 0
        return DeferredTask(self.library, owner, 0, False) if owner else None


def deferred_walk(library, reactor, damage):
    """The tasks as Reactor::dump_tasks() goes through them. What cannot be read is told by `damage(depth, text)`."""
    memory, at = library.memory, library.at
    left, seen = [], set()  # the next one last

    def put(newest, depth, are_branches=False):
        try:
            for address in library.row(newest, "Task.next"):
                left.append((address, depth, are_branches))
        except DeferredError as error:
            damage(depth, error)

    def put_families(first, step, depth):
        try:
            for family in library.row(first, step):
                put(memory.word_at(family + at["Family.children"]), depth)
        except DeferredError as error:
            damage(depth, error)

    put(memory.word_at(reactor + at["Reactor.failed"]), 0)
    put_families(memory.word_at(reactor + at["Reactor.loose_families"]), "Family.next_loose", 0)
    put(memory.word_at(reactor + at["Reactor.tasks"]), 0)
    while left:
        address, depth, is_branch = left.pop()
        if address in seen:
            damage(depth, "the task at %#x stands in two lists: its memory is damaged" % address)
            continue
        seen.add(address)
        try:
            task = DeferredTask(library, address, depth, is_branch)
        except DeferredError as error:
            damage(depth, error)
            continue
        if task.extras:
            put_families(task.extra("innermost_family"), "Family.outer", depth + 1)
            put(task.extra("branches"), depth + 1, True)
        yield task


def deferred_reactors():
    """Each with its library."""
    found = [(library, reactor) for library in DeferredLibrary.all() for reactor in library.reactors()]
    if not found:
        raise DeferredError("no reactor lives in this process")
    return found


def deferred_write(depth, text):
    gdb.write("  " * min(depth, 20) + "%s\n" % text)


def deferred_damage(depth, text):
    deferred_write(depth, "(%s)" % text)


class DeferredCommand(gdb.Command):
    """What is to be seen of deferred's reactors, in a process that is stopped anywhere or in a core.

deferred tasks: a line for each task of each reactor, children below their parents.
deferred bt ID: the awaits that a task is in, the innermost first."""

    def __init__(self):
        super().__init__("deferred", gdb.COMMAND_STATUS, gdb.COMPLETE_NONE, True)

    def invoke(self, argument, from_tty):
        if argument:
            raise gdb.GdbError('There is no "deferred %s": deferred tasks, deferred bt ID' % argument)
        gdb.execute("help deferred")


class DeferredTasks(gdb.Command):
    """deferred tasks: a line for each task: its id and name, what it waits for, where, and who called it.

Below it stand the tasks of its nurseries and, as of race() or all(), the branches of its wait: as dump_tasks() writes
them, but with the type of what is waited for in place of what that says of itself."""

    def __init__(self):
        super().__init__("deferred tasks", gdb.COMMAND_STATUS)

    def invoke(self, argument, from_tty):
        if argument:
            raise gdb.GdbError("deferred tasks: it takes no argument")
        try:
            for library, reactor in deferred_reactors():
                gdb.write("reactor %#x\n" % reactor)
                count = 0
                for task in deferred_walk(library, reactor, deferred_damage):
                    count += not task.is_branch
                    try:
                        deferred_write(task.depth, task.line())
                    except DeferredError as error:
                        deferred_damage(task.depth, "task #%d: %s" % (task.id, error))
                gdb.write("%d task%s\n" % (count, "" if count == 1 else "s"))
        except DeferredError as error:
            raise gdb.GdbError("deferred tasks: %s" % error) from None


class DeferredBacktrace(gdb.Command):
    """deferred bt ID: the awaits that a task is in, the innermost first.

Of a task that runs they are those it was in last: what it does now, gdb's own bt shows. Ids are a reactor's own: if two
have one of that id, both are shown."""

    def __init__(self):
        super().__init__("deferred bt", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        asked = re.fullmatch(r"\s*#?([0-9]+)\s*", argument)
        if not asked:
            raise gdb.GdbError("deferred bt: it wants the id of a task: deferred bt 7")
        try:
            shown = False
            for library, reactor in deferred_reactors():
                found = self.find(library, reactor, int(asked[1]))
                if found:
                    gdb.write("reactor %#x\n" % reactor)
                    self.show(*found)
                    shown = True
            if not shown:
                raise DeferredError("no task has the id %s" % asked[1])
        except DeferredError as error:
            raise gdb.GdbError("deferred bt: %s" % error) from None

    @staticmethod
    def find(library, reactor, wanted):
        """The task and the branches of its wait, and of theirs; which stand right behind it."""
        found = []
        for task in deferred_walk(library, reactor, lambda depth, text: None):
            if found and not task.is_branch:
                break
            if found or (task.id == wanted and not task.is_branch):
                found.append(task)
        return found

    @staticmethod
    def show(task, *branches):
        state, goes_on = task.state()
        parent = task.parent()
        gdb.write(state + (", in a nursery of " + parent.label() if parent else "") + "\n")
        for branch in branches:
            deferred_write(branch.depth - task.depth, branch.line())
        for i, place in enumerate(task.places() if goes_on else ()):
            gdb.write("#%d at %s\n" % (i, place))


DeferredCommand()
DeferredTasks()
DeferredBacktrace()
