# SPDX-License-Identifier: BSD-2-Clause
"""Reading the sources of the man pages, docs/man/*.scd: their sections and their
examples.

An example is a literal block. Comments in front of it, which scdoc leaves out,
say what it is and what it wants:

    ; example: shell      commands, run by bash
    ; example: c          a program, compiled and linked with the library
    ; example: file NAME  the content of a file of that name
    ; setup: COMMAND      run before; functions of setup.bash are at hand
    ; needs: WORD...      without these it is skipped: see needs.bash
    ; places: FOLDER...   folders of the system that are empty for the example
    ; exit: N             how the last command of the block ends; 0
    ; prints: REGEX       a line of standard output
    ; background: SOCKET  it runs until it is stopped; ready with the socket
    ; then: COMMAND       run after; has to succeed

All but needs, places, exit and background may be there several times. $BLOCK is
the file with the block, $OUT what it has printed. A block
without "example" is a mistake."""

import os
import re

ONCE = ("needs", "places", "exit", "background")
MANY = ("setup", "prints", "then")


class Mistake(Exception):
    pass


class Example:
    def __init__(self, page, line, remarks, text):
        self.page, self.line, self.text = page, line, text
        self.given = {}
        for key, value in remarks:
            self.add(key, value)
        words = self.given.get("example", "").split()
        self.kind = words[0] if words else None
        self.file = words[1] if len(words) == 2 else None
        self.check()

    def fail(self, what):
        raise Mistake("%s:%d: %s" % (self.page, self.line, what))

    def add(self, key, value):
        if key in MANY:
            self.given.setdefault(key, []).append(value)
        elif key not in ONCE + ("example",):
            self.fail("; %s: nobody knows this word" % key)
        elif key in self.given:
            self.fail("; %s: twice" % key)
        else:
            self.given[key] = value

    def check(self):
        if self.kind not in ("shell", "c", "file"):
            self.fail("a block without ; example: shell, c or file NAME")
        if (self.kind == "file") != (self.file is not None):
            self.fail("; example: file wants a name, and nothing else does")
        if self.kind != "shell" and not self.given.get("then"):
            self.fail("nothing is done with it: ; then: is missing")

    def words(self, key):
        return self.given.get(key, "").split()

    def lines(self, key):
        return self.given.get(key, [])


def unescape(text):
    return re.sub(r"\\(.)", r"\1", text)


class Page:
    def __init__(self, path):
        self.path = path
        self.file = os.path.basename(path)
        self.name, self.section = self.file[:-len(".scd")].rsplit(".", 1)
        with open(path, encoding="utf-8") as file:
            self.lines = file.read().split("\n")
        self.examples = []
        self.sections = {}  # title: lines, without comments and blocks
        self.order = []
        self.read()

    def read(self):
        title, remarks, block = "", [], None
        for number, line in enumerate(self.lines, 1):
            remark = re.match(r"; ([a-z]+): (.*)", line)
            heading = re.match(r"# (.+)", line)
            if block is not None and line != "```":
                block.append(unescape(line))
            elif line == "```" and block is None:
                block, start = [], number
            elif line == "```":
                self.examples.append(Example(self.file, start, remarks,
                                             "\n".join(block) + "\n"))
                remarks, block = [], None
            elif remark:
                remarks.append(remark.groups())
            elif line.startswith("; "):
                continue
            elif heading:
                title = heading.group(1)
                self.order.append(title)
                self.sections[title] = []
            else:
                if line and remarks:
                    raise Mistake("%s:%d: remarks, but no block"
                                  % (self.file, number))
                self.sections.setdefault(title, []).append(line)

    def plain(self, title):
        """The text of a section without markup."""
        text = "\n".join(self.sections.get(title, []))
        text = re.sub(r"(?<!\\)[*]", "", text)
        text = re.sub(r"(?<![\w\\])_|(?<!\\)_(?!\w)", "", text)
        return unescape(text)


def pages(folder):
    return [Page(os.path.join(folder, name))
            for name in sorted(os.listdir(folder)) if name.endswith(".scd")]
