#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Checks and uses what vhd-fsmap printed.

ranges.py check LIST            is it complete, in order and inside the disk?
ranges.py total LIST [NUMBER]   unused bytes, of one partition or of all
ranges.py poison LIST RAW       overwrites every unused byte in a raw disk
"""
import sys


class Fault(Exception):
    pass


def demand(condition, line):
    if not condition:
        raise Fault("bad line: " + line)


def read(path):
    with open(path, encoding="ascii") as f:
        return parse(f.read())


def parse(text):
    """The partition numbers and ranges of a list that follows the rules."""
    lines = text.split("\n")
    demand(lines[-1] == "" and lines[-2] == "end", "no end")
    demand(lines[0] == "vhd-fsmap 1", lines[0])
    _, size, sector, _ = lines[2].split(" ")
    size, sector, position, fs = int(size), int(sector), 0, None
    unused = []
    for line in lines[3:-2]:
        words = line.split(" ")
        if words[0] == "fs":
            fs = [int(w) for w in words[1:5]] + [words[6]]
            demand(fs[1] + fs[2] <= size and fs[3] <= fs[2], line)
            continue
        if words[0] == "uuid":
            demand(fs is not None and len(words) == 2, line)
            continue
        start, length = int(words[1]), int(words[2])
        demand(length > 0 and start % sector == length % sector == 0, line)
        demand(start + length <= size, line)
        if words[0] == "unused":
            demand(fs[4] == "clean" and start >= position, line)
            demand(fs[1] <= start, line)
            demand(start + length <= fs[1] + fs[2], line)
            position = start + length
            unused.append((fs[0], start, length))
        else:
            demand(words[0] == "gap", line)
    return unused


def poison(unused, raw):
    with open(raw, "r+b") as disk:
        for _, start, length in unused:
            disk.seek(start)
            while length > 0:
                n = min(length, 1 << 20)
                disk.write(b"\xa5" * n)
                length -= n


def main():
    command, unused = sys.argv[1], read(sys.argv[2])
    if command == "poison":
        poison(unused, sys.argv[3])
    elif command == "total":
        numbers = [int(n) for n in sys.argv[3:]]
        print(sum(r[2] for r in unused if not numbers or r[0] in numbers))


if __name__ == "__main__":
    try:
        main()
    except Fault as fault:
        sys.exit("ranges: %s" % fault)
