"""The filter program of both machines, run by an interpreter of classic BPF written here from its manual."""

from __future__ import annotations

import errno
import os

import pytest

from rlstack.scoring import seccomp

pytestmark = pytest.mark.process

PID = 4321
ALLOW, KILL = 0x7FFF0000, 0x80000000
REFUSED, READ_ONLY, UNKNOWN = (0x50000 | code for code in (errno.EPERM, errno.EACCES, errno.ENOSYS))
CLONE_FOR_THREAD, CLONE_FOR_FORK = 0x3D0F00, 0x1200011  # what glibc passes

# From the kernel's tables, by hand: not derived from the module under test.
NUMBERS = {
    "x86_64": {
        "read": 0, "write": 1, "mmap": 9, "futex": 202, "exit_group": 231, "getrandom": 318, "openat": 257, "clone": 56,
        "execve": 59, "socket": 41, "kill": 62, "tgkill": 234, "unlinkat": 263, "ptrace": 101, "prlimit64": 302,
        "prctl": 157, "fcntl": 72, "ioctl": 16, "memfd_create": 319, "shmget": 29, "bpf": 321, "renameat2": 316,
        "mkdirat": 258, "process_vm_writev": 311, "pidfd_open": 434, "setitimer": 38, "sendto": 44, "recvfrom": 45,
    },
    "aarch64": {
        "read": 63, "write": 64, "mmap": 222, "futex": 98, "exit_group": 94, "getrandom": 278, "openat": 56,
        "clone": 220,
        "execve": 221, "socket": 198, "kill": 129, "tgkill": 131, "unlinkat": 35, "ptrace": 117, "prlimit64": 261,
        "prctl": 167, "fcntl": 25, "ioctl": 29, "memfd_create": 279, "shmget": 194, "bpf": 280, "renameat2": 276,
        "mkdirat": 34, "process_vm_writev": 271, "pidfd_open": 434, "setitimer": 103, "sendto": 206, "recvfrom": 207,
    },
}  # fmt: skip


def verdict(machine: str, number: int, *arguments: int, audit: int | None = None) -> int:
    """What the filter returns for one system call."""
    facts = seccomp._MACHINES[machine]
    data = {0: number, 4: facts.audit if audit is None else audit}
    data |= {16 + 8 * at: value for at, value in enumerate((*arguments, 0, 0, 0)[:6])}
    code, at, held = seccomp._program(facts, PID), 0, 0
    while True:
        operation, if_true, if_false, operand = code[at]
        at += 1
        if operation == 0x06:
            return operand
        if operation == 0x20:
            held = data[operand]
            continue
        holds = {0x15: held == operand, 0x35: held >= operand, 0x45: held & operand != 0}[operation]
        at += if_true if holds else if_false


@pytest.mark.parametrize("machine", NUMBERS)
def test_what_is_allowed_and_what_is_refused(machine: str) -> None:
    numbers = NUMBERS[machine]
    for name in ("read", "write", "mmap", "futex", "exit_group", "getrandom", "setitimer", "sendto", "recvfrom"):
        assert verdict(machine, numbers[name]) == ALLOW, name
    refused = "execve socket unlinkat ptrace memfd_create shmget bpf renameat2 mkdirat process_vm_writev pidfd_open"
    for name in refused.split():
        assert verdict(machine, numbers[name]) == REFUSED, name
    assert verdict(machine, 435) == UNKNOWN  # clone3
    assert verdict(machine, 437) == UNKNOWN  # openat2


@pytest.mark.parametrize("machine", NUMBERS)
def test_what_depends_on_the_arguments(machine: str) -> None:
    numbers = NUMBERS[machine]
    assert verdict(machine, numbers["clone"], CLONE_FOR_THREAD) == ALLOW
    assert verdict(machine, numbers["clone"], CLONE_FOR_FORK) == REFUSED
    for flags, result in [
        (os.O_RDONLY, ALLOW),
        (os.O_CLOEXEC, ALLOW),
        (os.O_WRONLY, READ_ONLY),
        (os.O_RDWR | os.O_CLOEXEC, READ_ONLY),
        (os.O_CREAT, READ_ONLY),
        (os.O_TRUNC, READ_ONLY),
    ]:
        assert verdict(machine, numbers["openat"], 0, 0, flags) == result, flags
    for name in ("kill", "tgkill"):
        assert verdict(machine, numbers[name], PID) == ALLOW
        assert verdict(machine, numbers[name], 1) == REFUSED
        assert verdict(machine, numbers[name], 2**32 - 1) == REFUSED  # -1: everybody
    assert verdict(machine, numbers["prlimit64"], 0) == ALLOW
    assert verdict(machine, numbers["prlimit64"], 1) == REFUSED
    assert verdict(machine, numbers["prctl"], 1) == REFUSED  # PR_SET_PDEATHSIG
    assert verdict(machine, numbers["prctl"], 15) == ALLOW  # PR_SET_NAME
    assert verdict(machine, numbers["fcntl"], 3, 8) == REFUSED  # F_SETOWN
    assert verdict(machine, numbers["fcntl"], 3, 6) == ALLOW  # F_SETLK
    assert verdict(machine, numbers["ioctl"], 3, 0x8901) == REFUSED  # FIOSETOWN
    assert verdict(machine, numbers["ioctl"], 3, 0x5401) == ALLOW  # TCGETS: isatty


def test_calls_of_another_architecture_end_the_process() -> None:
    assert verdict("x86_64", 0, audit=0x40000003) == KILL  # i386, by int 0x80
    assert verdict("x86_64", 0x40000000 | 1) == REFUSED  # x32


@pytest.mark.parametrize("machine", NUMBERS)
def test_the_table_names_no_call_twice_and_none_with_a_rule_of_its_own(machine: str) -> None:
    facts = seccomp._MACHINES[machine]
    refused = facts.refused.split()
    assert len(set(refused)) == len(refused)
    own = {
        facts.clone,
        *facts.kills,
        *facts.limits,
        facts.prctl,
        facts.fcntl,
        facts.ioctl,
        *(n for n, _ in facts.opens),
    }
    assert not own & set(map(int, refused))
