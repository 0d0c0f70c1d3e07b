# SPDX-License-Identifier: MIT
"""commands.py GDB SCRIPT PROGRAM [STRIP-COMMAND...]: gdb's commands for deferred, on the PROGRAM (tasks.cpp) and on its core.

gdb has to find them in the program or in its library by itself. With a STRIP-COMMAND they are looked for in a copy that
this has been applied to. SCRIPT is the same commands as a file, for a program that has no library. Ends with 77, and says
why, where gdb may not trace a process."""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

gdb, script, program, *strip = sys.argv[1:]

# What a yieldable says of itself is its code's to say: gdb shows its type.
SAID = [
    (re.compile(r"waiting on Pause \d+ s"), "waiting on deferred::Pause"),
]


def run_gdb(*arguments, loads="/"):
    """What it writes, to both."""
    command = [gdb, "-nx", "-batch", "-iex", f"set auto-load safe-path {loads}", "-iex", "set width 0", *arguments]
    return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace", check=False).stdout


def commands(*texts):
    """Each with a line before what it writes."""
    for text in texts:
        yield from ("-ex", rf"echo \n== {text}\n", "-ex", text)


def answer_to(text, output):
    """What that command wrote."""
    found = re.search(rf"^== {re.escape(text)}\n(.*?)(?=^== |\Z)", output, re.MULTILINE | re.DOTALL)
    if not found:
        raise AssertionError(f"no {text} in:\n{output}")
    return found[1].rstrip("\n") + "\n"


class Commands(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        place = tempfile.TemporaryDirectory()
        cls.addClassCleanup(place.cleanup)
        cls.folder = folder = pathlib.Path(place.name)
        cls.program = program
        if strip:
            cls.program = str(folder / "stripped")
            shutil.copy(program, cls.program)
            subprocess.run([*strip, cls.program], check=True)
        core = folder / "core"
        cls.live = run_gdb(*commands(f"run {folder}/dump", "deferred tasks", f"generate-core-file {core}", "kill"), cls.program)
        if "ptrace" in cls.live or "Could not trace" in cls.live:
            print("skipped: gdb may not trace a process here")
            sys.exit(77)
        dump = folder / "dump"
        if not dump.exists():
            raise AssertionError("the program has not come to its end:\n" + cls.live)
        cls.dump = dump.read_text()
        for said, shown in SAID:
            cls.dump, count = said.subn(shown, cls.dump)
            if count == 0:
                raise AssertionError(f"{said.pattern} is not in the dump")
        cls.ids = {name: number for number, name in re.findall(r"task #(\d+) '([^'\n]+)'", cls.dump)}
        cls.deep = cls.ids["deep"]
        begun = time.monotonic()
        cls.core = run_gdb("-ex", f"core {core}", *commands(
            "deferred tasks", "deferred bt 999999", f"deferred bt {cls.deep}",
            *(f"deferred bt {cls.ids[name]}" for name in ("racing child", "slow one", "nested", "numbered", "client 0")),
            "deferred bt", "deferred bt name", "deferred tasks all", "deferred", "deferred of"), *commands(
            "set language rust", f"deferred bt {cls.ids['paused']}", "set verbose on", f"deferred bt {cls.ids['ready']}"),
            cls.program)
        cls.seconds = time.monotonic() - begun

    def bt(self, name):
        """Of its id, which is another one's in the second reactor."""
        return answer_to(f"deferred bt {self.ids[name]}", self.core)

    def test_deferred_tasks_on_a_core_writes_what_dump_tasks_wrote(self):
        self.assertGreater(self.dump.count("\n"), 10_000)
        self.assertListEqual(answer_to("deferred tasks", self.core).splitlines(), self.dump.splitlines())

    def test_deferred_tasks_on_a_process_writes_what_dump_tasks_wrote(self):
        self.assertListEqual(answer_to("deferred tasks", self.live).splitlines(), self.dump.splitlines())

    def test_ten_thousand_tasks_take_seconds(self):
        self.assertLess(self.seconds, 60)  # on a machine that has much else to do

    def test_deferred_bt_of_a_task_lists_its_awaits_the_innermost_first(self):
        lines = self.bt("client 0").splitlines()

        places = re.search(r"^task #\d+ 'client 0' waiting on (.*?) at (.*)$", self.dump, re.MULTILINE)
        self.assertEqual(places[1], "(anonymous namespace)::Never<std::vector<std::string>>")
        self.assertEqual(lines[1], f"task #{self.ids['client 0']} 'client 0' waiting on {places[1]}")
        self.assertListEqual(lines[2:5], [f"#{i} at {place}" for i, place in enumerate(places[2].split(", from "))])
        self.assertRegex(lines[2], r"^#0 at tasks\.cpp:\d+ in .*ask$")

    def test_deferred_bt_has_no_longest_stack(self):
        lines = answer_to(f"deferred bt {self.deep}", self.core).splitlines()

        self.assertRegex(lines[-1], r"^#80 at tasks\.cpp:\d+ in .*call_deep$")

    def test_deferred_bt_of_a_child_names_its_parent_and_the_branches_of_its_wait(self):
        lines = self.bt("racing child").splitlines()

        self.assertTrue(lines[1].endswith(f", in a nursery of task #{self.ids['parent']} 'parent'"), lines)
        self.assertEqual(lines[2], "  branch waiting on (anonymous namespace)::Never<int>")
        self.assertEqual(lines[3], "  branch waiting on (anonymous namespace)::Never<std::string>")
        self.assertRegex(lines[4], r"^#0 at tasks\.cpp:\d+ in .*race_two$")

    def test_deferred_bt_of_a_failed_task_says_its_error(self):
        self.assertIn("was not asked yet: deferred::TimeoutError: too late\n", self.bt("slow one"))
        self.assertIn(": outer text\n", self.bt("nested"))
        self.assertIn("NumberedError: after a number\n", self.bt("numbered"))

    def test_they_do_not_depend_on_the_language_or_on_how_much_gdb_says(self):
        self.assertIn(" 'paused' is paused, and waiting on ", self.bt("paused"))
        self.assertIn(" 'ready' is ready to go on", self.bt("ready"))

    def test_deferred_bt_of_nobody_says_so(self):
        self.assertEqual(answer_to("deferred bt 999999", self.core), "deferred bt: no task has the id 999999\n")

    def test_deferred_bt_wants_an_id(self):
        wanted = "deferred bt: it wants the id of a task: deferred bt 7\n"
        self.assertEqual(answer_to("deferred bt", self.core), wanted)
        self.assertEqual(answer_to("deferred bt name", self.core), wanted)

    def test_deferred_tasks_takes_nothing(self):
        self.assertEqual(answer_to("deferred tasks all", self.core), "deferred tasks: it takes no argument\n")

    def test_deferred_alone_says_what_there_is(self):
        text = answer_to("deferred", self.core)
        self.assertIn("deferred tasks -- ", text)
        self.assertIn("deferred bt -- ", text)
        self.assertRegex(answer_to("deferred of", self.core), r"[Uu]ndefined deferred command|There is no")

    def test_without_a_process_they_say_so(self):
        output = run_gdb("-ex", f"source {script}", "-ex", "deferred tasks", self.program)
        self.assertIn("deferred tasks: there is no process and no core", output)

    def test_in_a_process_that_has_not_begun_they_say_so(self):
        output = run_gdb("-ex", "starti", "-ex", f"source {script}", *commands("deferred tasks"), self.program)
        self.assertRegex(answer_to("deferred tasks", output),
                         "^deferred tasks: (the library is .*not loaded yet|no reactor lives in this process)")

    def test_in_a_process_without_the_library_they_say_so(self):
        output = run_gdb("-ex", "starti", "-ex", f"source {script}", *commands("deferred tasks"), sys.executable)
        self.assertIn("deferred tasks: the library is in no file that gdb has read", output)

    def test_damaged_lists_end_and_the_rest_is_shown(self):
        write = "gdb.selected_inferior().write_memory(task + library.at['Task.next'], to.to_bytes(8, 'little'))"
        first = ("python (library, reactor), *_ = deferred_reactors(); "
                 "newest = library.memory.word_at(reactor + library.at['Reactor.tasks']); "
                 "task = library.memory.word_at(newest + library.at['Task.next'])")
        output = run_gdb("-ex", f"run {self.folder}/another", "-ex", first,
                         "-ex", f"python to = task; {write}", *commands("deferred tasks"), "-ex", "echo == cut\\n",
                         "-ex", f"python to = 8; {write}", *commands("deferred bt 1", "deferred tasks"), self.program)

        circle = answer_to("deferred tasks", output)
        self.assertRegex(circle, r"\(a list goes in a circle at 0x[0-9a-f]+: its memory is damaged\)")
        self.assertIn("'writer' is running", circle)
        self.assertIn("'the other reactor's' waiting on", circle)
        self.assertIn("(no memory can be read at ", output.split("== cut\n")[1])


if "yes" not in run_gdb("-ex", "python print('yes')"):
    print("skipped: this gdb has no Python")
    sys.exit(77)
unittest.main(argv=sys.argv[:1], verbosity=2)
