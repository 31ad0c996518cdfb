# SPDX-License-Identifier: BSD-2-Clause
"""Where a kernel newer than Debian's own comes from: its backports. apt checks
signatures as usual; its lists are kept apart, and nothing of the system's
configuration is changed."""

import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE + "/../../vmm"]
from guest import skip # pylint: disable=wrong-import-position

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
# QEMU 7.2, where it emulates a processor, loses flags at cmpxchg16b, which newer
# kernels use everywhere, and runs code of one processor that another is changing:
# they crash at random
MACHINE = ("-cpu", "qemu64,-cx16", "-smp", "1")
ARCHIVE = "http://deb.debian.org/debian bookworm"


def archive():
    """This machine's own mirror and release of Debian, if it has one."""
    text = subprocess.run(
        ("apt-get", "indextargets", "Created-By: Packages", "Label: Debian",
         "--format", "$(REPO_URI) $(RELEASE)"), check=False,
        stdout=subprocess.PIPE, text=True).stdout
    known = [line for line in text.splitlines() if "-" not in line.split()[1]]
    return min(known, default=ARCHIVE, key=len)


def sources(folder):
    """Fetches the lists into folder/apt; returns apt's options for them."""
    if not os.path.exists(KEYRING):
        skip("no " + KEYRING)
    state = os.path.join(os.path.abspath(folder), "apt")
    for name in ("lists/partial", "cache/archives/partial"):
        os.makedirs(os.path.join(state, name), exist_ok=True)
    with open(state + "/sources.list", "w", encoding="utf-8") as file:
        file.write("deb [signed-by=%s] %s-backports main\n" %
                   (KEYRING, archive()))
    options = ("-o", "Dir::Etc::SourceList=%s/sources.list" % state,
               "-o", "Dir::Etc::SourceParts=/dev/null",
               "-o", "Dir::State::Lists=%s/lists" % state,
               "-o", "Dir::Cache=%s/cache" % state)
    done = subprocess.run(("apt-get", *options, "update", "-q"), check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True)
    if done.returncode:
        print(done.stdout)
        skip("the lists of Debian's backports cannot be fetched")
    return options
