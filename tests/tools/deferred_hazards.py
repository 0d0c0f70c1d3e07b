# SPDX-License-Identifier: MIT
"""deferred_hazards.py TOOL FIXTURES: the tool's exit status and what it says, by its command line."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

tool, fixtures = sys.argv[1:]

HAZARD = "deferred::Task<> wrong() {\n  while (co_await more()) work();\n}\n"
RIGHT = "deferred::Task<> right() {\n  const bool is_more = co_await more();\n  if (is_more) work();\n}\n"


class Command(unittest.TestCase):
    def setUp(self):
        place = tempfile.TemporaryDirectory()
        self.addCleanup(place.cleanup)
        self.place = pathlib.Path(place.name)

    def write(self, name, text):
        path = self.place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def run_on(self, *arguments):
        return subprocess.run([tool, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              check=False)

    def test_a_right_source_gives_0_and_no_word(self):
        done = self.run_on(self.write("right.cpp", RIGHT))

        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))

    def test_a_hazard_gives_1_its_line_and_what_to_write_instead(self):
        path = self.write("wrong.cpp", HAZARD)

        done = self.run_on(path)

        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stdout, rf"^{path}:2: co_await in the condition of a while: .*await in a statement before")

    def test_a_captured_value_is_told_to_be_named(self):
        done = self.run_on(fixtures)

        self.assertIn("lambdas.cpp:3: [s] captures by value in an await expression", done.stdout)
        self.assertIn("name the lambda in a statement before", done.stdout)

    def test_a_folder_is_searched_for_all_that_is_cpp(self):
        for name in ("a.cc", "deep/b.cxx", "deep/c.h", "notes.txt"):
            self.write(name, HAZARD)

        done = self.run_on(self.place)

        self.assertEqual([pathlib.Path(line.split(":")[0]).name for line in done.stdout.splitlines()],
                         ["a.cc", "b.cxx", "c.h"])

    def test_a_line_can_say_that_it_is_fine(self):
        done = self.run_on(self.write("fine.cpp", HAZARD.replace("work();", "work();  // deferred-hazards: fine")))

        self.assertEqual((done.returncode, done.stdout), (0, ""))

    def test_a_file_that_cannot_be_read_gives_2_after_the_others(self):
        done = self.run_on(self.place / "none.cpp", self.write("wrong.cpp", HAZARD))

        self.assertEqual(done.returncode, 2)
        self.assertIn("none.cpp", done.stderr)
        self.assertIn("wrong.cpp:2:", done.stdout)

    def test_no_path_gives_2_and_the_usage(self):
        done = self.run_on()

        self.assertEqual(done.returncode, 2)
        self.assertIn("usage: deferred-hazards", done.stderr)

    def test_help_names_the_compiler_the_shapes_and_the_status(self):
        done = self.run_on("--help")

        self.assertEqual(done.returncode, 0)
        for word in ("g++ 12", "condition", "captures by value", "Exit status: 0"):
            self.assertIn(word, done.stdout)


unittest.main(argv=sys.argv[:1])
