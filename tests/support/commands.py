# SPDX-License-Identifier: BSD-2-Clause
"""The commands of vhdtool that change or make images, each with images of its
own, and what must be true of these while and after something went wrong. Tests
that kill the program (tests/kill) or disturb its calls (tests/disturb) share
them."""

import json
import os
import shutil
import struct
import subprocess
import time
from dataclasses import dataclass, field

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
SECTOR = 512
MEMORY = "/dev/shm"
ROOM = GIB  # bytes that the images of a case and its rounds may take


class Failed(Exception):
    """What must hold after a kill does not."""


class Skip(Exception):
    """A case cannot run here."""


@dataclass
class Plan:
    """A case, once its images are made."""
    command: list
    leaf: list            # the first of these that exists is looked at
    stdin: str = None     # a file
    makes: str = None     # a file that is not there before
    goes: str = None      # a file that is not there afterwards
    debris: tuple = ()    # names that may lie there between kill and end
    new: bytes = None     # the new content; None: it stays as it is
    mixed: bool = False   # meanwhile each sector for itself is old or new
    loose: bool = False   # and in the end: the command may do less
    damaged: bool = False  # check finds faults before the end
    leaky: bool = False   # the command leaves lost space lost
    limit: int = None     # bytes of the disk to be looked at; all
    pipe: bool = False    # stdin comes through a pipe
    piped: bool = False   # stdout goes into one
    sizes: list = field(default_factory=list)  # files with one possible size
    ends: list = field(default_factory=list)   # images that show the new
    # content at the end; default: the leaf


class Tool:
    """vhdtool in a folder, and what was run there."""

    def __init__(self, program, folder, kind):
        self.program, self.folder, self.kind = program, folder, kind
        self.log = []

    def path(self, name):
        return os.path.join(self.folder, name)

    def beside(self, name):
        """A file that is not in the folder that is looked at."""
        return os.path.join(os.path.dirname(self.folder), name)

    def exists(self, name):
        return os.path.exists(self.path(name))

    def start(self, arguments, stdin=None, held=(), source=None, **how):
        """What it says goes to files: much faster than a pipe."""
        words = [self.program] + [str(a) for a in arguments]
        self.log.append(" ".join(words) + (" <" + stdin if stdin else ""))
        with (open(stdin or os.devnull, "rb") as file,
              open(self.beside("stdout"), "wb") as out,
              open(self.beside("stderr"), "wb") as err):
            how = {"stdout": out, **how}
            return subprocess.Popen(words, cwd=self.folder,
                                    stdin=source or file, stderr=err,
                                    pass_fds=held, **how)

    def said(self, name):
        with open(self.beside(name), "rb") as text:
            return text.read()

    def fail(self, code):
        raise Failed("%s: exit %d\n%s%s" % (
            self.log[-1], code,
            self.said("stdout")[:2000].decode(errors="replace"),
            self.said("stderr").decode(errors="replace")))

    def run(self, *arguments, stdin=None, good=(0,)):
        """Its standard output."""
        code = self.start(arguments, stdin).wait()
        if code not in good:
            self.fail(code)
        return self.said("stdout")

    # -- making images -----------------------------------------------------

    def image(self, stem):
        return "%s.%s" % (stem, self.kind)

    def noise(self, length):
        return os.urandom(length)

    def put(self, path, content):
        with open(path, "wb") as out:
            out.write(content)
        return path

    def block(self):
        """Small ones, so that there are many steps."""
        return ("--block-size", "512K" if self.kind == "vhd" else "1M")

    def create(self, stem, size, *options):
        self.run("create", self.image(stem), "--size", size, *self.block(),
                 *options)
        return self.image(stem)

    def write(self, name, offset, content):
        self.run("write", name, "--offset", offset,
                 stdin=self.put(self.beside("input"), content))

    def child(self, parent, stem):
        self.run("snapshot", parent, self.image(stem), *self.block())
        return self.image(stem)

    # -- looking at images -------------------------------------------------

    def content(self, name, limit=None):
        if limit:
            limit = ("--length", min(limit, self.facts(name).size))
        return self.run("read", name, *(limit or ()))

    def facts(self, name):
        info = json.loads(self.run("info", "--json", name))
        parent = (info["parent"] or {}).get("path", "")
        return Facts(info["virtual-size"], info["type"], info["dirty-flag"],
                     os.path.basename(parent))


@dataclass
class Facts:
    """What must not depend on whether there was a kill."""
    size: int
    type: str
    dirty: bool
    parent: str


# -- cases -------------------------------------------------------------------
#
# Each is a function that makes its images with a Tool and returns a Plan.

def holey(t):
    """Data with a front that was discarded, stored zeros, and more data."""
    name = t.create("disk", 20 * MIB)
    t.write(name, 0, t.noise(9 * MIB))
    t.write(name, 10 * MIB, bytes(3 * MIB))
    t.write(name, 14 * MIB, t.noise(3 * MIB))
    t.run("discard", name, "--offset", 0, "--length", 5 * MIB)
    return name


def filled(t, stem="disk", *options):
    name = t.create(stem, 16 * MIB, *options)
    t.write(name, MIB, t.noise(6 * MIB))
    return name


def layered(t, depth):
    """The names of a chain, base first; each layer hides a part of others."""
    names = [filled(t, "0")]
    for i in range(1, depth + 1):
        names.append(t.child(names[-1], str(i)))
        t.write(names[-1], 2 * i * MIB + 8 * KIB, t.noise(3 * MIB + SECTOR))
        t.run("zero", names[-1], "--offset", (i + 6) * MIB, "--length", MIB)
    return names


def compact(t):
    name = holey(t)
    return Plan(["compact", name], [name], sizes=[name])


def compact_child(t):
    parent = t.create("base", 16 * MIB)
    content = t.noise(12 * MIB)
    t.write(parent, 0, content)
    child = t.child(parent, "child")
    t.write(child, 0, content[:6 * MIB])
    t.write(child, 6 * MIB, t.noise(2 * MIB))
    t.write(child, 8 * MIB, content[8 * MIB:])
    return Plan(["compact", child], [child], sizes=[child])


def swap_disk(t):
    """An image of swap space, of which only the first page is used."""
    if not os.path.exists(os.path.join(os.path.dirname(t.program),
                                       "vhd-fsmap")):
        raise Skip("no vhd-fsmap beside vhdtool")
    name = t.create("disk", 16 * MIB)
    page = bytearray(4096)
    struct.pack_into("<III", page, 1024, 1, 16 * MIB // 4096 - 1, 0)
    page[1036:1052] = t.noise(16)
    page[-10:] = b"SWAPSPACE2"
    t.write(name, 0, bytes(page) + t.noise(10 * MIB))
    old = t.content(name)
    return name, old[:4096] + bytes(len(old) - 4096)


def trim(t):
    name, new = swap_disk(t)
    return Plan(["trim", name], [name], new=new, mixed=True, loose=True)


def compact_free(t):
    name, new = swap_disk(t)
    return Plan(["compact", "--free-space", name], [name], new=new,
                mixed=True, loose=True, sizes=[name])


def merge(t):
    base, child = layered(t, 1)
    return Plan(["merge", child, "--reflink", "never"], [child],
                ends=[base, child])


def merge_delete(t):
    base, child = layered(t, 1)
    return Plan(["merge", child, "--delete", "--reflink", "never"],
                [child, base], goes=child, ends=[base])


def merge_chain(t):
    names = layered(t, 4)
    return Plan(["merge", names[-1], "--into", names[0], "--delete",
                 "--reflink", "never"], [names[-1], names[0]],
                goes=names[-1], ends=[names[0]],
                debris=(names[-1] + ".merged",))


def merge_larger(t):
    base = filled(t, "base")
    child = t.child(base, "child")
    t.run("resize", child, 24 * MIB)
    t.write(child, 14 * MIB, t.noise(6 * MIB))
    return Plan(["merge", child, "--reflink", "never"], [child],
                ends=[base, child])


def rebase(t):
    old, new = filled(t, "old"), filled(t, "new")
    t.write(new, 12 * MIB, t.noise(3 * MIB))
    child = t.child(old, "child")
    t.write(child, 4 * MIB + SECTOR, t.noise(2 * MIB))
    return Plan(["rebase", child, "--parent", new], [child])


def set_parent_path(t):
    parent = filled(t, "base")
    child = t.child(parent, "child")
    t.write(child, 4 * MIB + SECTOR, t.noise(3 * MIB))
    shutil.copy(t.path(parent), t.path(t.image("copy")))
    return Plan(["set", child, "--parent-path", t.image("copy")], [child])


LOOK = 24 * MIB  # how much of a large disk is looked at


def resize(t, name, size, *options):
    """What is new reads as zeros."""
    new = t.content(name)[:size].ljust(min(size, LOOK), b"\0")
    return Plan(["resize", *options, name, size], [name], new=new, limit=LOOK)


def grow_near(t):
    return resize(t, filled(t, "disk", "--reserve", "4G"), 4 * GIB)


def grow_far(t):
    return resize(t, filled(t), (64 if t.kind == "vhd" else 1024) * GIB)


def grow_child(t):
    """What comes back must not be what the parent holds there."""
    parent = t.create("base", 16 * MIB)
    t.write(parent, 0, t.noise(16 * MIB))
    child = t.child(parent, "child")
    t.run("resize", "--force", child, 6 * MIB + SECTOR)
    return resize(t, child, 16 * MIB)


def shrink(t):
    name = t.create("disk", 16 * MIB)
    t.write(name, 0, t.noise(14 * MIB))
    return resize(t, name, 6 * MIB, "--force")


def fixed(t):
    name = t.image("disk")
    t.run("create", name, "--size", 16 * MIB, "--type", "fixed")
    t.write(name, 0, t.noise(16 * MIB))
    return name


def grow_fixed(t):
    return resize(t, fixed(t), 24 * MIB)


def shrink_fixed(t):
    return resize(t, fixed(t), 8 * MIB, "--force")


def damage_vhd(image):
    """No footer at the end; the blocks of 4 MiB are leaked."""
    image.seek(512 + 16)  # of the dynamic header
    table = struct.unpack(">Q", image.read(8))[0]
    image.seek(table + 4 * 4)
    image.write(b"\xff" * 4 * 8)
    image.seek(-512, os.SEEK_END)
    image.write(bytes(512))


BAT_REGION = bytes.fromhex("6677c22d23f600429d64115e9bfd4a08")


def damage_vhdx(image):
    """One header and one region table are bad; 4 MiB of blocks are leaked."""
    image.seek(256 * KIB)
    regions = image.read(64 * KIB)
    table = struct.unpack_from("<Q", regions, regions.index(BAT_REGION) + 16)
    image.seek(table[0] + 2 * 8)
    image.write(bytes(4 * 8))
    image.seek(64 * KIB)
    image.write(bytes(4096))
    image.seek(192 * KIB)
    image.write(bytes(64))


def repair(t):
    name = filled(t)
    with open(t.path(name), "r+b") as image:
        (damage_vhd if t.kind == "vhd" else damage_vhdx)(image)
    return Plan(["check", "--repair", name], [name], damaged=True)


def snapshot(t):
    parent = filled(t)
    child = t.image("child")
    return Plan(["snapshot", parent, child], [child], makes=child,
                new=t.content(parent))


def create(t):
    name = t.image("disk")
    return Plan(["create", name, "--size", 32 * MIB, "--type", "fixed",
                 "--preallocate"], [name], makes=name, new=bytes(32 * MIB))


def raw_disk(t, name="disk.raw"):
    t.put(t.path(name), t.noise(7 * MIB) + bytes(2 * MIB) + t.noise(7 * MIB))
    return name


def convert(t):
    source, dst = raw_disk(t), t.image("out")
    return Plan(["convert", source, dst, "--reflink", "never"], [dst],
                makes=dst, new=t.content(source))


def convert_resume(t):
    """A half of it is there already."""
    source, dst = raw_disk(t), t.image("out")
    t.run("convert", source, dst, "--reflink", "never", "-O", t.kind)
    os.rename(t.path(dst), t.path(dst + ".partial"))
    with open(t.path(source), "r+b") as raw:
        raw.seek(4 * MIB)
        raw.write(t.noise(11 * MIB))
    return Plan(["convert", "--resume", source, dst, "--reflink", "never"],
                [dst], makes=dst, new=t.content(source),
                debris=(dst + ".partial",))


def changing(t, command, name):
    offset, length = 3 * MIB + SECTOR, 10 * MIB
    content = t.noise(length) if command == "write" else bytes(length)
    old = t.content(name)
    plan = Plan([command, name, "--offset", offset], [name], mixed=True,
                loose=command == "discard",
                new=old[:offset] + content + old[offset + length:])
    if command == "write":
        plan.stdin = t.put(t.beside("written"), content)
    else:
        plan.command += ["--length", length]
    return plan


def write(t):
    return changing(t, "write", filled(t))


def zero(t):
    return changing(t, "zero", filled(t))


def discard(t):
    return changing(t, "discard", filled(t))


def write_child(t):
    return changing(t, "write", layered(t, 1)[1])


def zero_child(t):
    return changing(t, "zero", layered(t, 1)[1])


def discard_child(t):
    return changing(t, "discard", layered(t, 1)[1])


def log_replay(t):
    """An image whose log was in use when a writer was killed."""
    name, kept = holey(t), t.path("kept")
    shutil.copy(t.path(name), kept)
    for turn in range(400):
        run = t.start(["compact", name])
        time.sleep(0.001 * (turn % 100))
        run.kill()
        run.wait()
        if t.facts(name).dirty:
            os.unlink(kept)
            return Plan(["log", "--replay", name], [name], leaky=True)
        shutil.copy(kept, t.path(name))
    raise Skip("no writer was killed with a dirty log")


BOTH = ("vhd", "vhdx")
CASES = {
    "compact": (compact, BOTH),
    "compact-child": (compact_child, BOTH),
    "compact-free": (compact_free, BOTH),
    "trim": (trim, BOTH),
    "merge": (merge, BOTH),
    "merge-delete": (merge_delete, BOTH),
    "merge-chain": (merge_chain, BOTH),
    "merge-larger": (merge_larger, BOTH),
    "rebase": (rebase, BOTH),
    "set-parent-path": (set_parent_path, BOTH),
    "grow-near": (grow_near, BOTH),
    "grow-far": (grow_far, BOTH),
    "grow-child": (grow_child, BOTH),
    "grow-fixed": (grow_fixed, BOTH),
    "shrink": (shrink, BOTH),
    "shrink-fixed": (shrink_fixed, BOTH),
    "repair": (repair, BOTH),
    "snapshot": (snapshot, BOTH),
    "create": (create, BOTH),
    "convert": (convert, BOTH),
    "convert-resume": (convert_resume, BOTH),
    "write": (write, BOTH),
    "write-child": (write_child, BOTH),
    "zero": (zero, BOTH),
    "zero-child": (zero_child, BOTH),
    "discard": (discard, BOTH),
    "discard-child": (discard_child, BOTH),
    "log-replay": (log_replay, ("vhdx",)),
}


# -- judging -----------------------------------------------------------------

def first_third_thing(found, old, new):
    """The first sector that is neither old nor new; None if there is none."""
    for at in range(0, len(found), 64 * KIB):
        piece = slice(at, at + 64 * KIB)
        if found[piece] in (old[piece], new[piece]):
            continue
        for sector in range(at, min(at + 64 * KIB, len(found)), SECTOR):
            piece = slice(sector, sector + SECTOR)
            if found[piece] not in (old[piece], new[piece]):
                return sector
    return None


def check_faults(t, name):
    """Nothing worse than lost space, or a change of a VHD's footer that has
    not reached the copy: no two writes are one (docs/design.md, Crash
    contract)."""
    out = t.run("check", "--json", "--chain", name, good=(0, 3, 4))
    for fault in json.loads(out)["faults"]:
        if (fault["severity"] not in ("remark", "leak") and
                fault["code"] != "footers-differ"):
            t.fail(3)


class Reference:
    """What a case looks like before its command and after it."""

    def __init__(self, plan, start, end, seconds):
        self.plan, self.seconds = plan, seconds
        self.names_before = set(os.listdir(start.folder))
        self.names_after = set(os.listdir(end.folder))
        self.ends = plan.ends or [n for n in plan.leaf if end.exists(n)][:1]
        self.facts = {name: end.facts(name) for name in self.ends}
        self.old = (plan.new if plan.makes else
                    start.content(plan.leaf[0], plan.limit))
        self.new = self.old if plan.new is None else plan.new
        self.sizes = {name: os.path.getsize(end.path(name))
                      for name in plan.sizes}

    def check_mixed(self, name, found):
        at = first_third_thing(found, self.old, self.new)
        if at is not None:
            raise Failed("%s: byte %d is neither old nor new" % (name, at))

    def check_between(self, t):
        """Just after the command was cut off, or has failed."""
        names = set(os.listdir(t.folder))
        strangers = names - self.names_before - self.names_after
        strangers -= set(self.plan.debris)
        if strangers:
            raise Failed("left behind: %s" % ", ".join(sorted(strangers)))
        present = [name for name in self.plan.leaf if name in names]
        if not present and not self.plan.makes:
            raise Failed("no image is left")
        for name in present[:1]:
            self.check_image_between(t, name)

    def check_image_between(self, t, name):
        found = t.content(name, self.plan.limit)
        if self.plan.mixed:
            self.check_mixed(name, found)
        elif found not in (self.old, self.new):
            raise Failed("%s: neither the old disk nor the new" % name)
        if not self.plan.damaged:
            check_faults(t, name)

    def check_end(self, t):
        names = set(os.listdir(t.folder))
        if names != self.names_after:
            raise Failed("the names are %s, not %s" % (
                sorted(names), sorted(self.names_after)))
        for name in self.ends:
            self.check_image_end(t, name)
        for name, size in self.sizes.items():
            if os.path.getsize(t.path(name)) != size:
                raise Failed("%s has %d bytes, not %d" % (
                    name, os.path.getsize(t.path(name)), size))

    def check_image_end(self, t, name):
        facts, found = t.facts(name), t.content(name, self.plan.limit)
        if facts != self.facts[name]:
            raise Failed("%s: %s, not %s" % (name, facts, self.facts[name]))
        if self.plan.loose:
            self.check_mixed(name, found)
        elif found != self.new:
            raise Failed("%s: not the new content" % name)
        t.run("check", "--chain", name,
              good=(0, 4) if self.plan.leaky else (0,))


def copy_tree(source, target):
    subprocess.run(["cp", "-a", "--sparse=auto", source, target], check=True)


def is_done(t, plan):
    """Is there nothing left for the command to do?"""
    return ((plan.makes and t.exists(plan.makes)) or
            (plan.goes and not t.exists(plan.goes)))


def room_in_memory():
    if not os.access(MEMORY, os.W_OK):
        return None
    room = os.statvfs(MEMORY)
    return MEMORY if room.f_bavail * room.f_frsize >= ROOM else None
