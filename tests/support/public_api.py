#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Usage: public_api.py ROOT [HEADER] [--awaitable] [--where] [--output FILE --depfile FILE]
                     [--clang COMPILER]

Lists what a HEADER of ROOT (deferred/deferred.hpp) offers, a line each, as clang's AST has it:

    deferred::spawn()               a function; its overloads are one
    deferred::Reactor::run()        a public member function
    deferred::Reactor::Reactor()    a constructor that somebody has written
    co_await deferred::Pause        a type that has a handler: a member yield_to, or yieldable<X>

What stands in a namespace `detail` is not offered; public members that a class has from a base
there are. Not listed: destructors, assignments, comparisons, moves and copies, and what is
defaulted or deleted. --awaitable: only the types that have a handler, by name. --where: with the
place of the first declaration."""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile

NAMESPACE = "deferred"
TRAIT = "deferred::yieldable"
HANDLER = "yield_to"
RECORDS = ("CXXRecordDecl", "ClassTemplatePartialSpecializationDecl",
           "ClassTemplateSpecializationDecl")
FUNCTIONS = ("FunctionDecl", "CXXMethodDecl", "CXXConstructorDecl", "CXXConversionDecl")
NOT_LISTED = re.compile(r"operator(=|==|!=|<=>|<|>|<=|>=)$")


def documents(text):
    """What clang prints with a filter: JSON values, one behind the other."""
    decoder, at = json.JSONDecoder(), 0
    while True:
        while at < len(text) and text[at].isspace():
            at += 1
        if at == len(text):
            return
        value, at = decoder.raw_decode(text, at)
        yield value


def syntax_tree(clang, root, header, depfile, target):
    """Each declaration at the outermost level that has to do with the namespace."""
    with tempfile.NamedTemporaryFile("w", suffix=".cpp") as source:
        source.write(f'#include "{header}"\n')
        source.flush()
        command = [clang, "-std=c++20", f"-I{root}", source.name]
        dump = ["-fsyntax-only", "-Xclang", "-ast-dump=json", "-Xclang", f"-ast-dump-filter={NAMESPACE}"]
        text = subprocess.run(command + dump, check=True, stdout=subprocess.PIPE, text=True).stdout
        if depfile:
            subprocess.run(command + ["-M", "-MF", depfile, "-MT", target], check=True,
                           stdout=subprocess.DEVNULL)
            with open(depfile, encoding="utf-8") as file:
                depends = file.read().replace(source.name, "")
            with open(depfile, "w", encoding="utf-8") as file:
                file.write(depends)
    return documents(text)


class Places:
    """Where a declaration stands: clang names file and line only where they change."""

    def __init__(self):
        self.file, self.line = "", 0

    def read(self, location):
        for part in ("spellingLoc", "expansionLoc"):
            if part in location:
                self.read(location[part])
        self.file = location.get("file", self.file)
        self.line = location.get("line", self.line)

    def of(self, node):
        """To be asked of every node, in the order in which they were printed."""
        self.read(node.get("loc", {}))
        place = (self.file, self.line)
        for end in ("begin", "end"):
            self.read(node.get("range", {}).get(end, {}))
        return place


class Api:
    def __init__(self):
        self.places = Places()
        self.listed = {}  # line -> place
        self.machinery = {}  # record in detail -> its public members' names
        self.records = []  # public ones: (qualified name, its bases as written)
        self.declared = {}  # record's id -> scope and whether it is public there, as first declared

    def add(self, line, place):
        self.listed.setdefault(line, place)

    def skip(self, node):
        """Takes notice of the places in it, and of nothing else."""
        self.places.of(node)
        for child in node.get("inner", ()):
            self.skip(child)

    def visit(self, node, scope, public=True):
        place = self.places.of(node)
        kind, name = node.get("kind"), node.get("name", "")
        inner = node.get("inner", ())
        if kind == "NamespaceDecl":
            for child in inner:
                self.visit(child, scope + (name,))
        elif kind in ("ClassTemplateDecl", "FunctionTemplateDecl"):
            for child in inner:  # of a template, what is written; not what has been made of it
                written = child.get("kind") in RECORDS[:1] + FUNCTIONS
                if written and self.is_pattern(child, inner):
                    self.visit(child, scope, public)
                else:
                    self.skip(child)
        elif kind in RECORDS and not node.get("isImplicit"):
            self.visit_record(node, scope, public)
        elif kind in FUNCTIONS:
            if public and scope[:1] == (NAMESPACE,) and "previousDecl" not in node:
                self.visit_function(node, scope, place)
            for child in inner:
                self.skip(child)
        else:
            for child in inner:
                self.skip(child)

    @staticmethod
    def is_pattern(child, siblings):
        return next(s for s in siblings if s.get("kind") == child["kind"]) is child

    def visit_record(self, node, scope, public):
        name = node.get("name", "")
        if node["kind"] != "CXXRecordDecl":
            name = self.specialised(node, name)
        scope, public = self.declared.get(node.get("previousDecl"), (scope, public))
        self.declared[node["id"]] = (scope, public)
        inside = scope + (name,)
        if public:
            self.records.append((inside, node.get("bases", ())))
        access = "public" if node.get("tagUsed") in ("struct", "union") else "private"
        for child in node.get("inner", ()):
            if child.get("kind") == "AccessSpecDecl":
                access = child.get("access", access)
                self.places.of(child)
            else:
                self.visit(child, inside, public and access == "public")

    @staticmethod
    def specialised(node, name):
        """`yieldable<Deferred<type-parameter-0-0>>` as `yieldable<Deferred>`."""
        types = [a["type"]["qualType"] for a in node.get("inner", ())
                 if a.get("kind") == "TemplateArgument" and "type" in a]
        return f"{name}<{re.sub('<.*', '', types[0]).removesuffix('&').strip()}>" if types else name

    def visit_function(self, node, scope, place):
        name = node.get("name", "")
        if node.get("isImplicit") or node.get("explicitlyDefaulted") or \
                node.get("explicitlyDeleted") or NOT_LISTED.match(name):
            return
        owner = "::".join(scope)
        if node["kind"] == "CXXConstructorDecl":
            if self.copies_or_moves(node, scope[-1]):
                return
            name = scope[-1]
        name = re.sub("<.*", "", name) if not name.startswith("operator") else name
        if node["kind"] == "CXXConversionDecl":  # clang renames the parameters of other forms
            name = re.sub(r"type-parameter-\d+-\d+", "T", re.sub("<.*>", "", name))
        if "detail" in scope:
            if node["kind"] in ("CXXMethodDecl", "CXXConversionDecl"):
                self.machinery.setdefault(owner, {})[name] = place
            return
        trait = re.fullmatch(TRAIT + "<(.*)>", owner)
        if trait:
            if name == HANDLER:
                self.add(f"co_await {self.full_name(trait[1])}", place)
            return
        if name == HANDLER and node["kind"] == "CXXMethodDecl":
            self.add(f"co_await {re.sub('<.*', '', owner)}", place)
            return
        self.add(f"{re.sub('<[^:]*>', '', owner)}::{name}()", place)

    @staticmethod
    def copies_or_moves(node, record):
        record = re.sub("<.*", "", record)
        parameters = [p["type"]["qualType"] for p in node.get("inner", ())
                      if p.get("kind") == "ParmVarDecl"]
        return len(parameters) == 1 and re.fullmatch(
            rf"(const )?(\w+::)*{record}(<[^<>]*>)? ?&&?", parameters[0]) is not None

    def full_name(self, name):
        """As it is written in the namespace."""
        return name if name.startswith(NAMESPACE + "::") else f"{NAMESPACE}::{name}"

    def take_from_bases(self):
        for scope, bases in self.records:
            if "detail" in scope or scope[0] != NAMESPACE:
                continue
            for base in bases:
                written = re.sub("<.*", "", base["type"]["qualType"])
                if base["access"] != "public":
                    continue
                owner = re.sub("<[^:]*>", "", "::".join(scope))
                for name, place in self.machinery.get(self.full_name(written), {}).items():
                    self.add(f"co_await {owner}" if name == HANDLER else f"{owner}::{name}()", place)


def public_api(clang, root, header, depfile=None, target=None):
    """Line -> (file, line) of each thing that the header offers."""
    api = Api()
    for node in syntax_tree(clang, root, header, depfile, target):
        api.visit(node, ())
    api.take_from_bases()
    return dict(sorted(api.listed.items()))


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root")
    parser.add_argument("header", nargs="?", default="deferred/deferred.hpp")
    parser.add_argument("--awaitable", action="store_true")
    parser.add_argument("--where", action="store_true")
    parser.add_argument("--clang", default="clang++-19")
    parser.add_argument("--output")
    parser.add_argument("--depfile")
    options = parser.parse_args()

    listed = public_api(options.clang, options.root, options.header, options.depfile,
                        options.output)
    lines = []
    for line, (file, number) in listed.items():
        if options.awaitable:
            if not line.startswith("co_await "):
                continue
            line = line.removeprefix("co_await ")
        where = f"  {os.path.relpath(file, options.root)}:{number}" if options.where else ""
        lines.append(line + where + "\n")
    if options.output:
        with open(options.output, "w", encoding="utf-8") as file:
            file.writelines(lines)
    else:
        sys.stdout.writelines(lines)
    return 0


if __name__ == "__main__":
    sys.exit(main())
