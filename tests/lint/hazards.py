# SPDX-License-Identifier: MIT
"""hazards.py ROOT: awaits that g++ 12 gets wrong (tests/compilers shows how).

- No co_await in the condition of an if, while, for, do or switch.
- No lambda that captures by value in the full expression of a co_await: name it first.

It reads text, not C++: an await's full expression is found by its brackets and semicolons.
"""

import re

import tree

PAIRS = {"(": ")", "[": "]", "{": "}"}
AWAIT = re.compile(r"\bco_await\b")
CONDITION = re.compile(r"\b(if|while|for|switch)\b(?:\s+constexpr)?\s*\(")
HEAD = re.compile(r"\b(?:if|while|for|switch|catch)\b(?:\s+constexpr)?\s*$")
# What may stand before the [ of a lambda: not a value, or it would be a subscript.
BEFORE_LAMBDA = re.compile(r"(?:^|[^\w\s)\]\"]|\b(?:return|co_return|co_await|co_yield|case))\s*$")
AFTER_CAPTURES = re.compile(r"\s*(?:[({<]|->|(?:mutable|noexcept|constexpr|static)\b)")
HARMLESS = re.compile(r"\s*(?:this|&(?:\s*\w+\s*(?:=.*)?)?)\s*", re.DOTALL)
GOES_ON = re.compile(r"\s*[,)\].(?:=<>|&+*/%^-]")


class Text:
    """Blanked C++ with its brackets matched."""

    def __init__(self, text):
        self.text = text
        self.partner = {}
        self.holder = []  # of each place, the innermost open bracket around it, or None
        self.semicolons = set()  # brackets with a ';' directly inside
        stack = []
        for place, letter in enumerate(text):
            self.holder.append(stack[-1] if stack else None)
            if letter in PAIRS:
                stack.append(place)
            elif letter in ")]}":
                if stack and PAIRS[text[stack[-1]]] == letter:
                    self.partner[stack[-1]] = place
                    self.partner[place] = stack.pop()
                    self.holder[place] = stack[-1] if stack else None
            elif letter == ";" and stack:
                self.semicolons.add(stack[-1])

    def is_block(self, brace):
        """Statements, and not a braced list of values?"""
        end = self.partner.get(brace, len(self.text))
        inside = self.text[brace + 1:end].rstrip()
        return brace in self.semicolons or inside.endswith("}") or not inside

    def expression(self, place):
        """(begin, end) of the full expression around a place, by its brackets."""
        holder = self.holder[place]
        while holder is not None:
            brace = self.text[holder] == "{"
            if brace and self.is_block(holder):
                break
            if self.text[holder] == "(" and HEAD.search(self.text, 0, holder):
                break
            place, holder = holder, self.holder[holder]
        first = 0 if holder is None else holder + 1
        last = len(self.text) if holder is None else self.partner.get(holder, len(self.text))
        return self.backward(place, first), self.forward(place, last)

    def backward(self, place, first):
        at = place - 1
        while at >= first:
            letter = self.text[at]
            if letter == ";":
                break
            if letter == "}":
                ends_statement = not GOES_ON.match(self.text, at + 1)
                if ends_statement and self.is_block(self.partner.get(at, at)):
                    break
            at = self.partner.get(at, at) - 1 if letter in ")]}" else at - 1
        return at + 1

    def forward(self, place, last):
        at = place
        while at < last and self.text[at] != ";":
            at = self.partner.get(at, at) + 1 if self.text[at] in PAIRS else at + 1
        return at

    def lambdas(self, begin, end):
        """(place, captures) of the lambdas in an expression, but not of those in their bodies."""
        at = begin
        while at < end:
            close = self.partner.get(at)
            if (
                self.text[at] == "["
                and close is not None
                and BEFORE_LAMBDA.search(self.text, max(begin - 1, 0), at)
                and AFTER_CAPTURES.match(self.text, close + 1)
            ):
                yield at, self.text[at + 1:close]
                body = self.text.find("{", close)
                at = self.partner.get(body, end) if body >= 0 else end
            at += 1


def by_value(captures):
    return any(not HARMLESS.fullmatch(one) for one in split(captures) if one.strip())


def split(captures):
    """At the commas that stand in no bracket."""
    depth, parts = 0, [""]
    for letter in captures:
        depth += (letter in "([{<") - (letter in ")]}>")
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return parts


def in_conditions(text):
    for head in CONDITION.finditer(text.text):
        opening = head.end() - 1
        closing = text.partner.get(opening, opening)
        inside = text.text[opening:closing]
        # A range-for awaits its range once, before the loop.
        if head[1] == "for" and opening not in text.semicolons:
            continue
        found = AWAIT.search(inside)
        # An await in the body of a lambda belongs to that lambda.
        if found and text.holder[opening + found.start()] is not None:
            around = text.holder[opening + found.start()]
            while around != opening and not (text.text[around] == "{" and text.is_block(around)):
                around = text.holder[around]
            if around == opening:
                yield opening + found.start(), f"co_await in the condition of a {head[1]}"


def hazards_in(source):
    text = Text(tree.blanked(source))
    found = dict(in_conditions(text))
    for wait in AWAIT.finditer(text.text):
        for place, captures in text.lambdas(*text.expression(wait.start())):
            if by_value(captures):
                found[place] = f"[{captures}] captures by value in an await expression: name it first"
    for place, message in found.items():
        yield tree.line_of(source, place), message


def check(root):
    for name in tree.files(root):
        if str(name) != "tests/compilers/hazards.cpp":
            for line, message in hazards_in((root / name).read_text()):
                yield str(name), line, message


if __name__ == "__main__":
    tree.main(check)
