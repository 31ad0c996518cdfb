#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Garbled and cut disks.

garble.py bytes RAW HEAD [FIRST [COUNT]]
    COUNT variants of a disk, each with some bytes changed where it is not
    zero; half of the changes hit the first HEAD bytes, where what a reader
    believes in is kept
garble.py cut RAW
    the disk at half its size, a quarter, and so on

FSMAP looks at each. It must say something that follows the rules, or fail;
an end by a signal is a failure of this test, and so is a lie about a place.
Prints what came out, by how often.
"""
import collections
import os
import random
import subprocess
import sys

import ranges

SECTOR = 512
COUNT = 60


def outcome(disk):
    """What the helper makes of these bytes."""
    with open("bad.raw", "wb") as f:
        f.write(disk)
    done = subprocess.run([os.environ["FSMAP"], "bad.raw"],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          check=False)
    text = done.stdout.decode("ascii")
    if done.returncode == 0:
        ranges.parse(text)
        return "clean" if " clean " in text else "refused"
    last = text.split("\n")[-2:]
    if done.returncode == 1 and last[0].startswith("error ") and not last[1]:
        return "error"
    raise ranges.Fault("ended with %d" % done.returncode)


def garbled(good, stored, head, seed):
    rng = random.Random(seed)
    disk = bytearray(good)
    for _ in range(1 + seed % 20):
        place = rng.choice(rng.choice([head, stored])) + rng.randrange(SECTOR)
        disk[place] = rng.choice([0, 0xff, rng.randrange(256),
                                  disk[place] ^ 1 << rng.randrange(8)])
    return disk


def variants(command, good, numbers):
    """Pairs of a name and a disk."""
    if command == "cut":
        size = len(good) // 2
        while size >= SECTOR:
            yield "%d bytes" % size, good[:size]
            size = size // 2 // SECTOR * SECTOR
        return
    head_size, first, count = (numbers + [1, COUNT][len(numbers) - 1:])[:3]
    stored = [i for i in range(0, len(good), SECTOR)
              if good[i:i + SECTOR] != bytes(SECTOR)]
    head = [i for i in stored if i < head_size]
    for seed in range(first, first + count):
        yield "seed %d" % seed, garbled(good, stored, head, seed)


def main():
    command, raw = sys.argv[1:3]
    with open(raw, "rb") as f:
        good = f.read()
    counts = collections.Counter()
    for name, disk in variants(command, good, [int(n) for n in sys.argv[3:]]):
        try:
            counts[outcome(disk)] += 1
        except ranges.Fault as fault:
            sys.exit("%s: %s" % (name, fault))
    print(" ".join("%s=%d" % item for item in sorted(counts.items())))


main()
