# SPDX-License-Identifier: MIT
"""What held_rows.py says of made-up documents, and of a made-up build with a program that lists two cases."""

import json
import pathlib
import tempfile
import unittest

import held_rows

LISTS = """#!/bin/sh
[ "$*" = "-r=xml --list-test-cases" ] || exit 1
cat <<'END'
<?xml version="1.0" encoding="UTF-8"?>
<doctest binary="firing" version="2.4.9">
  <TestCase name="it fires" filename="../tests/results/firing.cpp" line="3" skipped="false"/>
  <TestCase name="it fires once&lt;OnPoll>" filename="../tests/results/firing.cpp" line="5" skipped="false"/>
  <TestCase name="it rests" filename="../tests/results/firing.cpp" line="7" skipped="true"/>
  <TestCase name="it includes" filename="../tests/support/cases.hpp" line="9" skipped="false"/>
</doctest>
END
"""
FIRST = '| 1 | fire | same | | `results/firing` "it fires" |'
SECOND = "| 2, 3 | fire a Deferred | adapted | by type | `compile_fail nested` |"


def document(*lines):
    return "\n".join(["# Rows", "", "| row | Twisted | state | here | held by |", "|---|---|---|---|---|", *lines, ""])


class Rows(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        root = pathlib.Path(cls.folder.name)
        programs = [root / "build" / name for name in ("firing", "filtered")]
        (root / "build" / "meson-info").mkdir(parents=True)
        for program in programs:
            program.write_text(LISTS)
            program.chmod(0o755)
        tests = [{"name": "firing", "cmd": [str(programs[0])]},
                 {"name": "filtered", "cmd": [str(programs[1]), "--test-case=it fires"]},
                 {"name": "compile_fail nested", "cmd": ["python3", "compile_fail.py"]}]
        targets = [{"filename": [str(program)],
                    "target_sources": [{"sources": [str(root / "tests" / "results" / f"{program.name}.cpp")]}]}
                   for program in programs]
        together = root / "build" / "together"
        together.write_text(LISTS.replace('"-r', '"--source-file=*/one.cpp -r').replace("firing.cpp", "one.cpp"))
        together.chmod(0o755)
        together.with_suffix(".cpp").write_text('#include "tests/results/one.cpp"\n#include "tests/results/two.cpp"\n')
        tests.append({"name": "one", "cmd": [str(together), "--source-file=*/one.cpp"]})
        targets.append({"filename": [str(together)],
                        "target_sources": [{"sources": [str(together.with_suffix(".cpp"))]}]})
        for name in ("run", "left"):
            (root / "tests" / "results").mkdir(parents=True, exist_ok=True)
            (root / "tests" / "results" / f"{name}.py").write_text("class T:\n    def test_it_comes_late(self):\n")
        tests.append({"name": "run", "cmd": ["python3", str(root / "tests" / "results" / "run.py"), "x"]})
        (root / "build" / "meson-info" / "intro-tests.json").write_text(json.dumps(tests))
        (root / "build" / "meson-info" / "intro-targets.json").write_text(json.dumps(targets))
        cls.build = held_rows.Build(root / "build", root / "tests")

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def check(self, *lines):
        return held_rows.check(document(*lines), self.build, ["3"])[:3]

    def complaints(self, *lines):
        return [text for _, text in self.check(*lines)[0]]

    def test_a_document_with_all_rows_is_right(self):
        self.assertEqual(self.check(FIRST, SECOND), ([], [], 3))

    def test_a_row_that_is_not_there_is_a_fault_and_does_not_count(self):
        complaints, _, right = self.check(SECOND)
        self.assertEqual(complaints, [(1, "row 1 is not there")])
        self.assertEqual(right, 2)

    def test_a_row_that_is_there_twice_is_a_fault_and_does_not_count(self):
        complaints, _, right = self.check(FIRST, SECOND, FIRST.replace("1", "3", 1))
        self.assertEqual(complaints, [(1, "row 3 is there 2 times")])
        self.assertEqual(right, 2)

    def test_a_row_of_no_list_is_a_fault(self):
        self.assertEqual(self.complaints(FIRST, SECOND, FIRST.replace("1", "4", 1)), ["row 4 is in no list"])

    def test_a_case_that_the_program_does_not_list_is_a_fault_in_its_line(self):
        complaints, _, right = self.check(FIRST.replace("it fires", "it fires twice"), SECOND)
        self.assertEqual(complaints, [(5, 'row 1 tests/results/firing runs no case "it fires twice"')])
        self.assertEqual(right, 2)

    def test_of_a_title_there_has_to_be_all(self):
        self.assertEqual(len(self.complaints(FIRST.replace("it fires", "it"), SECOND)), 1)

    def test_a_template_is_named_by_its_title(self):
        self.assertEqual(self.complaints(FIRST.replace("it fires", "it fires once"), SECOND), [])

    def test_a_case_that_is_skipped_does_not_hold(self):
        self.assertIn("runs no case", self.complaints(FIRST.replace("it fires", "it rests"), SECOND)[0])

    def test_a_case_of_another_file_does_not_hold(self):
        self.assertIn("runs no case", self.complaints(FIRST.replace("it fires", "it includes"), SECOND)[0])

    def test_a_file_that_no_test_runs_as_a_whole_is_a_fault(self):
        for name in ("results/none", "results/filtered"):
            self.assertEqual(self.complaints(FIRST.replace("results/firing", name), SECOND),
                             [f"row 1 no test runs the cases of tests/{name}"])

    def test_a_file_that_is_compiled_with_others_holds_what_a_test_runs_of_it(self):
        self.assertEqual(self.complaints(FIRST.replace("results/firing", "results/one"), SECOND), [])
        self.assertEqual(self.complaints(FIRST.replace("results/firing", "results/two"), SECOND),
                         ['row 1 no test runs the cases of tests/results/two'])

    def test_a_test_that_meson_does_not_know_is_a_fault(self):
        self.assertEqual(self.complaints(FIRST, SECOND.replace("nested", "nothing")),
                         ["row 2, 3 Meson knows no test 'compile_fail nothing'"])

    def test_a_state_that_needs_a_test_has_one(self):
        self.assertEqual(self.complaints("| 1 | fire | same | as it is | |", SECOND),
                         ["row 1 is same, and no test holds it"])
        self.assertEqual(self.complaints(FIRST, "| 2, 3 | fire | adapted | otherwise | |"),
                         ["row 2, 3 is adapted, and no test holds it"])

    def test_a_state_that_needs_words_has_them(self):
        self.assertEqual(self.complaints(FIRST, SECOND.replace("by type", "")),
                         ["row 2, 3 is adapted, and nothing says how"])
        self.assertEqual(self.complaints("| 1 | repr | not applicable | | |", SECOND),
                         ["row 1 is not applicable, and nothing says why"])

    def test_what_is_not_applicable_with_a_reason_counts(self):
        self.assertEqual(self.check("| 1 | repr | not applicable | Python only | |", SECOND), ([], [], 3))

    def test_what_is_missing_is_listed_and_does_not_count(self):
        self.assertEqual(self.check(FIRST, "| 2, 3 | react | missing | | |"), ([], ["2", "3"], 1))

    def test_what_a_test_holds_is_not_missing(self):
        self.assertEqual(self.complaints(FIRST.replace("same", "missing"), SECOND),
                         ["row 1 is missing, and a test holds it"])

    def test_another_state_is_a_fault(self):
        self.assertEqual(self.complaints(FIRST.replace("same", "done"), SECOND), ["row 1 'done' is no state"])

    def test_prose_holds_nothing(self):
        self.assertIn("no test", self.complaints(FIRST.replace("`results", "see `results"), SECOND)[0])

    def test_a_method_of_a_script_that_meson_runs_is_a_case(self):
        held = FIRST.replace("results/firing", "results/run")
        self.assertEqual(self.complaints(held.replace("it fires", "it comes late"), SECOND), [])
        self.assertEqual(self.complaints(held.replace("it fires", "it comes"), SECOND),
                         ['row 1 tests/results/run runs no case "it comes"'])

    def test_a_method_of_a_script_that_meson_does_not_run_does_not_hold(self):
        self.assertEqual(self.complaints('| 1 | fire | same | | `results/left` "it comes late" |', SECOND),
                         ["row 1 no test runs the cases of tests/results/left"])

    def test_tables_of_another_kind_do_not_count(self):
        self.assertEqual(self.complaints(FIRST, SECOND, "", "| Twisted | here |", "|---|---|", "| core.crash | x |"), [])

    def test_a_table_of_rows_has_these_columns(self):
        with self.assertRaises(SystemExit):
            self.check("", "| row | Twisted | here |", "|---|---|---|", "| 1 | fire | x |")

    def test_a_table_without_states_says_them_under_here(self):
        head = ["| row | there | here | held by |", "|---|---|---|---|"]
        holds = '`results/firing` "it fires"'
        rows = [f"| A1 | fire | same | {holds} |", f"| A2 | fire | by type | {holds} |", "| A3 | repr | Python only | |"]

        def checked(*lines):
            return held_rows.check("\n".join([*head, *lines]), self.build, ["A3", "B1"])

        self.assertEqual(checked(*rows, f"| B1 | fire | same | {holds} |"), ([], [], 4, 4))
        self.assertEqual(checked(*rows, "| B1 | fire | missing | |"), ([], ["B1"], 3, 4))
        self.assertEqual(checked(*rows), ([(1, "row B1 is not there")], [], 3, 4))
        for row, complaint in {"| B1 | fire | same | |": "is same, and no test holds it",
                               "| B1 | fire | | |": "is not applicable, and nothing says why",
                               f"| B1 | fire | | {holds} |": "is adapted, and nothing says how"}.items():
            self.assertEqual(checked(*rows, row), ([(6, f"row B1 {complaint}")], [], 3, 4))


if __name__ == "__main__":
    unittest.main()
