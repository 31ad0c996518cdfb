# SPDX-License-Identifier: BSD-2-Clause
"""Linux guests under QEMU for the tests: Debian's cloud kernel, which is
unpacked and not installed, and an initramfs of busybox and fio. The serial
console is the report; a guest ends by itself, or is told to."""

import contextlib
import fcntl
import glob
import json
import os
import queue
import shutil
import socket
import subprocess
import sys
import threading
import time

MODULES = ("virtio_ring", "virtio", "virtio_pci_legacy_dev",
           "virtio_pci_modern_dev", "virtio_pci", "virtio_blk")
PACKAGE = "linux-image-cloud-amd64"
SKIPPED = 77
# emulated, on a busy machine, everything takes its time
PATIENCE = 300

INIT = """#!/bin/sh
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
for module in %s; do
	[ ! -e /modules/$module.ko ] || insmod /modules/$module.ko
done
# a disk is there a moment after its driver
n=0
while [ $n -lt 50 ] && ! ls /dev/vd? >/dev/null 2>&1; do
	sleep 0.1
	n=$((n + 1))
done
sh /test.sh
echo "GUEST-END $?"
poweroff -f
""" % " ".join(MODULES)


def skip(why):
    print("skipped: " + why)
    sys.exit(SKIPPED)


def need(*programs):
    for program in programs:
        if not shutil.which(program):
            skip("no " + program)


def run(*command, **more):
    return subprocess.run(command, check=True, **more)


# -- what a guest is made of ------------------------------------------------

def find_package(options):
    """The package that the metapackage stands for."""
    text = subprocess.run(("apt-cache", *options, "depends", PACKAGE),
                          check=False, stdout=subprocess.PIPE,
                          text=True).stdout
    for word in text.split():
        if word.startswith("linux-image-") and word != PACKAGE:
            return word
    return None


@contextlib.contextmanager
def alone(folder):
    """Of tests that run side by side, one at a time fills the kit."""
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "lock"), "w", encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def fetch_kernel(folder, sources=lambda folder: ()):
    """Unpacks the kernel into folder/kernel, once. `sources` returns options
    of apt that say where it comes from."""
    kernel = os.path.join(folder, "kernel")
    with alone(folder):
        if not os.path.exists(kernel):
            unpack_kernel(folder, kernel, sources)
    return kernel


def unpack_kernel(folder, kernel, sources):
    need("apt-get", "dpkg-deb")
    options = sources(folder)
    package = find_package(options)
    done = package and subprocess.run(
        ("apt-get", *options, "download", "-q", package), cwd=folder,
        check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    found = glob.glob(os.path.join(folder, "linux-image-*.deb"))
    if not done or done.returncode or not found:
        skip("%s cannot be downloaded" % PACKAGE)
    run("dpkg-deb", "-x", found[0], kernel + ".new")
    decompress_modules(kernel + ".new")
    os.rename(kernel + ".new", kernel)


def decompress_modules(kernel):
    """Newer kernels have them compressed, which insmod does not know."""
    found = glob.glob(kernel + "/lib/modules/**/*.ko.xz", recursive=True)
    if found:
        need("xz")
        run("xz", "-d", *found)


def libraries(program):
    text = subprocess.run(("ldd", program), check=True,
                          stdout=subprocess.PIPE, text=True).stdout
    return [word for word in text.split() if word.startswith("/")]


def copy_program(root, path):
    for file in (path, *libraries(path)):
        target = root + file
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copy(file, target)


def pack(root, archive):
    """A folder as a cpio archive that the kernel unpacks."""
    names = subprocess.run(("find", "."), cwd=root, check=True,
                           stdout=subprocess.PIPE).stdout
    with open(archive, "wb") as file:
        run("cpio", "-o", "-H", "newc", "--quiet", "-R", "0:0", input=names,
            stdout=file, cwd=root)


def packed(folder, name, fill):
    """An archive in the folder, made once, of what fill(root) puts there."""
    archive = os.path.join(folder, name + ".cpio")
    root = os.path.join(folder, name)
    with alone(folder):
        if not os.path.exists(archive):
            shutil.rmtree(root, ignore_errors=True)
            os.makedirs(root)
            fill(root)
            pack(root, archive + ".new")
            os.rename(archive + ".new", archive)
    return archive


def fill_base(root, kernel):
    """What all guests share."""
    for name in ("bin", "sbin", "proc", "sys", "dev", "tmp", "mnt",
                 "modules", "usr/bin", "usr/sbin"):
        os.makedirs(os.path.join(root, name))
    busybox = shutil.which("busybox")
    shutil.copy(busybox, root + "/bin/busybox")
    applets = subprocess.run((busybox, "--list"), check=True, text=True,
                             stdout=subprocess.PIPE).stdout.split()
    for applet in applets:
        if applet not in ("busybox", "e2fsck"):
            os.symlink("busybox", root + "/bin/" + applet)
    for program in ("mkfs.ext4", "e2fsck"):
        copy_program(root, shutil.which(program))
    for module in MODULES:
        found = glob.glob(kernel + "/lib/modules/*/kernel/**/%s.ko" % module,
                          recursive=True)
        if found: # else the kernel has it built in
            shutil.copy(found[0], root + "/modules/")
    with open(root + "/init", "w", encoding="utf-8") as init:
        init.write(INIT)
    os.chmod(root + "/init", 0o755)


class Kit:
    """Kernel and initramfs; made once, in a folder that stays."""

    def __init__(self, folder, sources=lambda folder: ()):
        need("qemu-system-x86_64", "busybox", "cpio", "fio", "mkfs.ext4",
             "e2fsck", "ldd")
        self.folder = os.path.abspath(folder)
        kernel = fetch_kernel(self.folder, sources)
        self.kernel = glob.glob(kernel + "/boot/vmlinuz-*")[0]
        self.base = packed(self.folder, "base",
                           lambda root: fill_base(root, kernel))
        # with all that it is linked to it is many times as large
        self.fio = packed(self.folder, "fio", lambda root: copy_program(
            root, shutil.which("fio")))

    def initramfs(self, work, name, script, fio):
        """base.cpio and a test on top of it."""
        root = os.path.join(work, name + ".root")
        os.makedirs(root, exist_ok=True)
        with open(os.path.join(root, "test.sh"), "w",
                  encoding="utf-8") as file:
            file.write(script)
        pack(root, root + ".cpio")
        archive = os.path.join(work, name + ".initrd")
        with open(archive, "wb") as out:
            for part in ([self.base] + [self.fio] * fio + [root + ".cpio"]):
                with open(part, "rb") as file:
                    shutil.copyfileobj(file, out)
        return archive


# -- a guest ----------------------------------------------------------------

class Silence(AssertionError):
    """The guest has not said it in time, but may yet."""


class Guest:
    """One virtual machine. `lines` of its console arrive by expect(). Where
    the host is busy the kernel may find that timer interrupts come too late,
    and give up when it starts: it is told not to look."""

    def __init__(self, kit, work, name, script, *options, memory=160,
                 fio=False, incoming=False):
        self.name, self.console = name, []
        self.monitor = os.path.join(work, name + ".qmp")
        self.events = []
        initramfs = kit.initramfs(work, name, script, fio)
        command = ["qemu-system-x86_64", "-accel",
                   os.environ.get("VHD_QEMU_ACCEL", "tcg"), "-machine",
                   "pc,memory-backend=memory", "-object",
                   "memory-backend-memfd,id=memory,size=%dM,share=on" %
                   memory, "-m", str(memory), "-smp", "2", "-display", "none",
                   "-nodefaults", "-no-user-config", "-no-reboot", "-serial",
                   "stdio", "-qmp", "unix:%s,server=on,wait=off" %
                   self.monitor, "-kernel", kit.kernel, "-initrd", initramfs,
                   "-append", "console=ttyS0 quiet panic=-1 rdinit=/init "
                   "no_timer_check",
                   *options]
        if incoming:
            command += ["-incoming", incoming]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, cwd=work)
        self.queue = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()
        self.socket = None

    def _listen(self):
        for line in self.process.stdout:
            self.queue.put(line.decode(errors="replace").strip())
        self.queue.put(None)

    def lacks(self, text):
        return "%s: no '%s'; it said:\n%s" % (
            self.name, text, "\n".join(self.console[-40:]))

    def expect(self, text, patience=PATIENCE):
        """The next console line that has the text in it."""
        end = time.monotonic() + patience
        while True:
            try:
                line = self.queue.get(timeout=max(end - time.monotonic(),
                                                  0.01))
            except queue.Empty:
                raise Silence(self.lacks(text)) from None
            if line is None: # nothing comes any more
                raise AssertionError(self.lacks(text))
            self.console.append(line)
            if "GUEST-BAD" in line:
                raise AssertionError("%s: %s" % (
                    self.name, "\n".join(self.console[-40:])))
            if text in line:
                return line

    def say(self, text):
        try:
            self.process.stdin.write((text + "\n").encode())
            self.process.stdin.flush()
        except BrokenPipeError:
            pass # it has ended; what it said last tells how

    def persuade(self, text):
        """Says it again and again until the guest ends: what comes while it
        is being moved may get lost."""
        for _ in range(PATIENCE // 10):
            self.say(text)
            try:
                return self.finish(10)
            except Silence:
                pass
        return self.finish(1)

    def finish(self, patience=PATIENCE):
        """It has ended its test well, and itself."""
        line = self.expect("GUEST-END", patience)
        if not line.endswith("GUEST-END 0"):
            raise AssertionError("%s: %s\n%s" % (
                self.name, line, "\n".join(self.console[-40:])))
        self.process.wait(PATIENCE)

    def kill(self):
        self.process.kill()
        self.process.wait()

    # the monitor

    def _connect(self):
        self.socket = socket.socket(socket.AF_UNIX)
        for _ in range(200):
            try:
                self.socket.connect(self.monitor)
                break
            except OSError:
                time.sleep(0.05)
        self.stream = self.socket.makefile("rw", encoding="utf-8")
        self.stream.readline()
        self.ask("qmp_capabilities")

    def ask(self, command, **arguments):
        if not self.socket:
            self.socket = True # not again for qmp_capabilities
            self._connect()
        self.stream.write(json.dumps({"execute": command,
                                      "arguments": arguments}) + "\n")
        self.stream.flush()
        while True:
            answer = json.loads(self.stream.readline())
            if "event" in answer:
                self.events.append(answer)
            elif "error" in answer:
                raise AssertionError("%s: %s: %s" % (
                    self.name, command, answer["error"]["desc"]))
            elif "return" in answer:
                return answer["return"]

    def await_event(self, name, patience=PATIENCE, **data):
        end = time.monotonic() + patience
        while time.monotonic() < end:
            self.ask("query-status")
            for event in self.events:
                if (event["event"] == name and
                        data.items() <= event.get("data", {}).items()):
                    self.events.remove(event)
                    return event
            time.sleep(0.05)
        raise AssertionError("%s: no event %s" % (self.name, name))

    def state(self):
        return self.ask("query-status")["status"]

    def await_state(self, state, patience=PATIENCE):
        end = time.monotonic() + patience
        while self.state() != state:
            if time.monotonic() > end:
                raise AssertionError("%s: is %s, not %s" % (
                    self.name, self.state(), state))
            time.sleep(0.05)
