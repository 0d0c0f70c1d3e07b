# SPDX-License-Identifier: MIT
"""What the checker of the budgets says, on made-up counts; and how callgrind's dumps are read."""

import json
import pathlib
import unittest

import budgets
import callgrind


def one(budget, counted):
    """The only finding of a work."""
    (finding,) = budgets.compare({'W': budget}, {'W': counted})
    return finding


class Budgets(unittest.TestCase):
    def test_a_count_at_its_budget_passes_without_a_word(self):
        finding = one({'instructions': 100}, {'instructions': 100, 'functions': {}})
        self.assertEqual((finding.passed, finding.text), (True, ''))

    def test_a_count_three_percent_over_passes(self):
        self.assertTrue(one({'instructions': 100}, {'instructions': 103}).passed)

    def test_a_count_further_over_fails_with_budget_and_count(self):
        finding = one({'instructions': 100}, {'instructions': 103.5})
        self.assertFalse(finding.passed)
        self.assertIn('103.5 instructions, budget 100: 3.5% over', finding.text)

    def test_the_function_that_has_grown_the_most_is_named(self):
        finding = one({'instructions': 100, 'functions': {'fire': 60, 'add': 40}},
                      {'instructions': 130, 'functions': {'fire': 65, 'add': 65}})
        self.assertIn('grown the most: add from 40.0 to 65.0', finding.text)

    def test_a_function_that_is_not_written_down_was_no_larger_than_the_least_that_is(self):
        known = {f'f{i}': 20 for i in range(budgets.FUNCTIONS)}
        finding = one({'instructions': 130, 'functions': known},
                      {'instructions': 150, 'functions': {**known, 'f0': 25, 'malloc': 24}})
        self.assertIn('grown the most: f0 from 20.0 to 25.0', finding.text)
        finding = one({'instructions': 130, 'functions': known},
                      {'instructions': 200, 'functions': {**known, 'malloc': 70}})
        self.assertIn('grown the most: malloc from 20.0 to 70.0', finding.text)

    def test_a_count_well_under_passes_with_a_hint_to_lower_the_budget(self):
        finding = one({'instructions': 100}, {'instructions': 90})
        self.assertTrue(finding.passed)
        self.assertIn('10.0% under; lower it', finding.text)

    def test_bytes_are_held_to_theirs(self):
        finding = one({'bytes': 240}, {'bytes': 288})
        self.assertFalse(finding.passed)
        self.assertIn('288 bytes, budget 240', finding.text)

    def test_the_shared_library_may_cost_five_percent_more_than_the_static_one(self):
        counted = {'W': {'instructions': 100}, 'W-shared': {'instructions': 105}}
        (finding,) = budgets.shared_over_static(counted)
        self.assertTrue(finding.passed)
        counted['W-shared']['instructions'] = 106
        (finding,) = budgets.shared_over_static(counted)
        self.assertFalse(finding.passed)
        self.assertIn('1.060 times', finding.text)

    def test_a_work_that_is_not_measured_any_more_fails(self):
        (finding,) = budgets.compare({'W': {'bytes': 1}}, {})
        self.assertFalse(finding.passed)
        self.assertIn('was not measured', finding.text)

    def test_a_new_work_fails_until_it_has_a_budget(self):
        (finding,) = budgets.compare({}, {'W': {'bytes': 1}})
        self.assertFalse(finding.passed)
        self.assertIn('has no budget', finding.text)

    def test_the_file_is_sorted_and_rounded_for_review(self):
        text = budgets.FILE.read_text()
        self.assertEqual(text, json.dumps(json.loads(text), indent=1, sort_keys=True) + '\n')


class Dumps(unittest.TestCase):
    def test_a_functions_own_instructions_are_told_from_those_of_what_it_calls(self):
        dump = callgrind.read('desc: Trigger: Client Request: W1\n'
                              'fn=void f<int>(int)\n10 5\n+1 2\ncfn=g()\ncalls=3 7\n11 30\n-1 1\n'
                              'fn=g()\n7 30\ntotals: 38\n')
        self.assertEqual((dump.trigger, dump.total, dump.functions), ('W1', 38, {'f': 8, 'g': 30}))

    def test_a_functions_name_is_short(self):
        for name, short in {
                'malloc': 'malloc',
                "_int_free'2": '_int_free2',
                'void a::B<c::D<1> >::e<int>(int (*)(int), a::F const&) const': 'a::B::e',
                '(anonymous namespace)::f(std::vector<int>) [clone .constprop.0]': 'f.constprop',
                'a::serve(a::serve(a::Stream)::_ZN1aE.Frame*) [clone .actor]': 'a::serve.actor',
                'a::B::operator()(int) const': 'a::B::operator()',
                'bool a::operator< <int>(int)': 'a::operator<',
        }.items():
            self.assertEqual(callgrind.short(name), short)


if __name__ == '__main__':
    unittest.main()
