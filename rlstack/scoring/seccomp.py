"""A system-call filter for workers: what a pure function of text never needs is refused by the kernel.

Refused: new processes, sockets, signals to others, tracing, shared memory that outlives the process, every
change to the file system, and opening a file for writing. Reading, memory and threads are left alone. It
is a second wall: rewards do not run what a model wrote, and a defect in one must not become a breach.
Numbers are those of the kernel's own tables (asm/unistd_64.h, asm-generic/unistd.h).
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
import sys
from dataclasses import dataclass


@dataclass(frozen=True)
class _Machine:
    audit: int  # AUDIT_ARCH_*
    refused: str
    clone: int
    opens: tuple[tuple[int, int], ...]  # call number, position of its flags
    kills: tuple[int, ...]  # first argument: a process
    limits: tuple[int, ...]  # first argument: a process, 0 being oneself
    prctl: int
    fcntl: int
    ioctl: int


_MACHINES = {
    "x86_64": _Machine(
        audit=0xC000003E,
        refused="""
            57 58 59 322 200 101 310 311 41 42 49 50 43 288 85 87 263 82 264 316 83 258 84 86 265 88 266 133 259 90 91
            268 452 92 93 94 260 76 77 285 132 235 280 261 188 189 190 197 198 199 319 447 29 30 31 64 65 66 220 68 69
            71 240 241 129 297 434 424 438 440 448 312 279 256 141 251 144 142 314 321 298 323 425 426 427 165 166 155
            161 272 308 429 428 430 432 433 442 250 248 249 304 303 179 300 175 313 176 246 320 169 167 168 163 103 170
            171 164 227 159 305 172 173 135 153 253 294""",
        clone=56,
        opens=((2, 1), (257, 2)),
        kills=(62, 234),
        limits=(302, 203),
        prctl=157,
        fcntl=72,
        ioctl=16,
    ),
    "aarch64": _Machine(
        audit=0xC00000B7,
        refused="""
            221 281 130 117 270 271 198 203 200 201 202 242 35 38 276 34 37 36 33 52 53 452 55 54 45 46 47 88 5 6 7 14
            15 16 279 447 194 196 195 190 193 191 192 186 189 187 180 181 138 240 434 424 438 440 448 272 239 238 140
            30 119 118 274 280 241 282 425 426 427 40 39 41 51 97 268 429 428 430 432 433 442 219 217 218 265 264 60
            262 105 273 106 104 294 142 224 225 89 116 161 162 170 112 171 266 92 58 26""",
        clone=220,
        opens=((56, 2),),
        kills=(129, 131),
        limits=(261, 122),
        prctl=167,
        fcntl=25,
        ioctl=29,
    ),
}
_CLONE3, _OPENAT2 = 435, 437  # newer calls have one number everywhere
_CLONE_THREAD = 0x10000
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_PRCTL_REFUSED = (1, 4, 0x59616D61)  # PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_PTRACER
_FCNTL_REFUSED = (8, 10, 15)  # F_SETOWN, F_SETSIG, F_SETOWN_EX: signals to others by way of I/O
_IOCTL_REFUSED = (0x8901, 0x8902, 0x5412)  # FIOSETOWN, SIOCSPGRP, TIOCSTI

# Classic BPF: operation, jump if true, jump if false, operand.
_LOAD, _IS, _AT_LEAST, _HAS_BITS, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_REFUSE = (_RETURN, 0, 0, _ERRNO | errno.EPERM)
_PASS = (_RETURN, 0, 0, _ALLOW)

_Code = list[tuple[int, int, int, int]]


def _argument(position: int) -> tuple[int, int, int, int]:
    return (_LOAD, 0, 0, 16 + 8 * position)  # the low half, on little-endian machines


def _if_call(number: int, body: _Code) -> _Code:
    return [(_IS, 0, len(body), number), *body]


def _only_for(values: tuple[int, ...]) -> _Code:
    """The first argument must be one of the values."""
    return [_argument(0), *(code for value in values for code in ((_IS, 0, 1, value), _PASS)), _REFUSE]


def _never(position: int, values: tuple[int, ...]) -> _Code:
    """The argument must be none of the values."""
    return [_argument(position), *(code for value in values for code in ((_IS, 0, 1, value), _REFUSE)), _PASS]


def _program(machine: _Machine, pid: int) -> _Code:
    code: _Code = [(_LOAD, 0, 0, 4), (_IS, 1, 0, machine.audit), (_RETURN, 0, 0, _KILL)]
    code += [(_LOAD, 0, 0, 0), (_AT_LEAST, 0, 1, 0x40000000), _REFUSE]  # the x32 calls of x86_64
    for number, flags in machine.opens:
        refuse_write: _Code = [(_HAS_BITS, 0, 1, _WRITES), (_RETURN, 0, 0, _ERRNO | errno.EACCES), _PASS]
        code += _if_call(number, [_argument(flags), *refuse_write])
    for number in (_CLONE3, _OPENAT2):  # "unknown", so that the C library falls back to the older call
        code += _if_call(number, [(_RETURN, 0, 0, _ERRNO | errno.ENOSYS)])
    code += _if_call(machine.clone, [_argument(0), (_HAS_BITS, 0, 1, _CLONE_THREAD), _PASS, _REFUSE])
    for number in machine.kills:
        code += _if_call(number, _only_for((pid,)))
    for number in machine.limits:
        code += _if_call(number, _only_for((0, pid)))
    code += _if_call(machine.prctl, _never(0, _PRCTL_REFUSED))
    code += _if_call(machine.fcntl, _never(1, _FCNTL_REFUSED))
    code += _if_call(machine.ioctl, _never(1, _IOCTL_REFUSED))
    for number in map(int, machine.refused.split()):
        code += _if_call(number, [_REFUSE])
    return [*code, _PASS]


class _Filter(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_char_p))


def restrict() -> bool:
    """Filter the calling process for good; False where the machine or the kernel has no such filter.

    Also drops every capability, so that root in a worker is no more than the owner of its files.
    """
    machine = _MACHINES.get(platform.machine())
    if not sys.platform.startswith("linux") or machine is None or struct.calcsize("P") != 8:
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    set_no_new_privileges, set_seccomp, by_filter = 38, 22, 2
    version_3 = struct.pack("<Ii", 0x20080522, 0)
    libc.capset(version_3, bytes(24))
    if libc.prctl(set_no_new_privileges, 1, 0, 0, 0) != 0:
        return False
    code = b"".join(struct.pack("<HBBI", *line) for line in _program(machine, os.getpid()))
    program = _Filter(len(code) // 8, code)
    return libc.prctl(set_seccomp, by_filter, ctypes.byref(program), 0, 0) == 0
