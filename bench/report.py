# SPDX-License-Identifier: BSD-2-Clause
"""What all cases share: units, the report, running a program."""

import subprocess

MIB = 1 << 20
GIB = 1 << 30


class Table:
    """The report, printed row by row."""

    WIDTHS = (54, 11, 11, 8, 13)

    def __init__(self):
        self.line("what", "ours", "reference", "ratio", "goal", "verdict")
        self.line(*("-" * (w - 1) for w in self.WIDTHS), "-------")

    def line(self, *words):
        row = "".join(w.ljust(n) for w, n in zip(words, self.WIDTHS))
        print(row + words[-1], flush=True)

    def ratio(self, what, ours, other, unit, goal=None, limit=None,
              words=("faster", "slower")):
        """goal: at most so many times the reference; limit: noise allowed."""
        ratio = ours / other if other else float("inf")
        verdict, text = "", ""
        if goal is not None:
            text = "<= %.2f" % goal
            verdict = ("met" if ratio <= goal else
                       "near" if limit and ratio <= limit else "MISSED")
        elif ratio < 1:
            text, verdict = "(peer)", "%.1fx %s" % (1 / ratio, words[0])
        else:
            text, verdict = "(peer)", "%.1fx %s" % (ratio, words[1])
        self.line(what, unit(ours), unit(other), "%.3f" % ratio, text,
                  verdict)

    def bound(self, what, ours, unit, goal, at_most=True):
        good = ours <= goal if at_most else ours >= goal
        self.line(what, unit(ours), "", "",
                  ("<= " if at_most else ">= ") + unit(goal),
                  "met" if good else "MISSED")

    def note(self, what, why):
        self.line(what, "", "", "", "", why)


def ns(value):
    return "%.0f ns" % value if value < 1e5 else "%.1f us" % (value / 1e3)


def sec(value):
    return "%.1f ms" % (value * 1e3) if value < 10 else "%.1f s" % value


def kib(value):
    return "%.1f MiB" % (value / 1024)


def gbs(value):
    return "%.1f GB/s" % value


def output(*command):
    return subprocess.run(command, check=True, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, text=True).stdout
