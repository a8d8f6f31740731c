"""The system calls that a program may make, by the kernel's numbers for x86_64 and aarch64.

Everything else is refused: a list of what is allowed stays safe when a new kernel brings new
calls. Not in it, and meant so: sockets, fork and exec, signals to others, ptrace and the memory
of other processes, mounts, namespaces, bpf, io_uring, keys, and what Landlock does not cover or not on
every kernel: changing the mode, owner, times, attributes or length of a file by its name (the kernel's
Documentation/userspace-api/landlock.rst, "Current limitations").
"""

ALLOWED: dict[str, tuple[int | None, int | None]] = {
    # Reading, writing, waiting.
    "read": (0, 63), "write": (1, 64), "readv": (19, 65), "writev": (20, 66),
    "pread64": (17, 67), "pwrite64": (18, 68), "preadv": (295, 69), "pwritev": (296, 70),
    "preadv2": (327, 286), "pwritev2": (328, 287), "close": (3, 57), "close_range": (436, 436),
    "lseek": (8, 62), "dup": (32, 23), "dup2": (33, None), "dup3": (292, 24),
    "pipe": (22, None), "pipe2": (293, 59), "poll": (7, None), "ppoll": (271, 73),
    "select": (23, None), "pselect6": (270, 72), "epoll_create": (213, None),
    "epoll_create1": (291, 20), "epoll_ctl": (233, 21), "epoll_wait": (232, None),
    "epoll_pwait": (281, 22), "eventfd": (284, None), "eventfd2": (290, 19), "flock": (73, 32),
    "copy_file_range": (326, 285), "sendfile": (40, 71),
    # Files by name: which of them is for Landlock to say.
    "creat": (85, None), "stat": (4, None),
    "lstat": (6, None), "fstat": (5, 80), "newfstatat": (262, 79), "statx": (332, 291),
    "access": (21, None), "faccessat": (269, 48), "faccessat2": (439, 439),
    "readlink": (89, None), "readlinkat": (267, 78), "statfs": (137, 43), "fstatfs": (138, 44),
    "getcwd": (79, 17), "chdir": (80, 49), "fchdir": (81, 50), "mkdir": (83, None),
    "mkdirat": (258, 34), "rmdir": (84, None), "unlink": (87, None), "unlinkat": (263, 35),
    "rename": (82, None), "renameat": (264, 38), "renameat2": (316, 276),
    "ftruncate": (77, 46), "fallocate": (285, 47), "fsync": (74, 82), "fdatasync": (75, 83),
    "fadvise64": (221, 223), "getdents": (78, None), "getdents64": (217, 61),
    "umask": (95, 166),
    # Memory.
    "mmap": (9, 222), "munmap": (11, 215), "mprotect": (10, 226), "mremap": (25, 216),
    "madvise": (28, 233), "brk": (12, 214), "msync": (26, 227), "mincore": (27, 232),
    "membarrier": (324, 283),
    # Its own signals and clocks.
    "rt_sigaction": (13, 134), "rt_sigprocmask": (14, 135), "rt_sigreturn": (15, 139),
    "rt_sigpending": (127, 136), "rt_sigtimedwait": (128, 137), "rt_sigsuspend": (130, 133),
    "sigaltstack": (131, 132), "setitimer": (38, 103), "getitimer": (36, 102),
    "alarm": (37, None), "pause": (34, None), "restart_syscall": (219, 128),
    "clock_gettime": (228, 113), "clock_getres": (229, 114), "clock_nanosleep": (230, 115),
    "nanosleep": (35, 101), "gettimeofday": (96, 169), "time": (201, None), "times": (100, 153),
    # Questions about itself.
    "getpid": (39, 172), "getppid": (110, 173), "gettid": (186, 178), "getuid": (102, 174),
    "geteuid": (107, 175), "getgid": (104, 176), "getegid": (108, 177), "getresuid": (118, 148),
    "getresgid": (120, 150), "getgroups": (115, 158), "getpgrp": (111, None),
    "getpgid": (121, 155), "getsid": (124, 156), "getrlimit": (97, 163), "getrusage": (98, 165),
    "sysinfo": (99, 179), "uname": (63, 160), "getcpu": (309, 168), "getpriority": (140, 141),
    "sched_yield": (24, 124), "sched_getaffinity": (204, 123),
    # Threads, and the end.
    "futex": (202, 98), "futex_waitv": (449, 449), "set_robust_list": (273, 99),
    "get_robust_list": (274, 100), "set_tid_address": (218, 96), "rseq": (334, 293),
    "getrandom": (318, 278), "arch_prctl": (158, None), "exit": (60, 93),
    "exit_group": (231, 94), "wait4": (61, 260), "waitid": (247, 95),
}  # fmt: skip

CONDITIONAL: dict[str, tuple[int | None, int | None]] = {
    "open": (2, None),
    "openat": (257, 56),
    "clone": (56, 220),
    "clone3": (435, 435),
    "kill": (62, 129),
    "tgkill": (234, 131),
    "prctl": (157, 167),
    "prlimit64": (302, 261),
    "fcntl": (72, 25),
    "ioctl": (16, 29),
}
"""Calls that depend on their arguments: see ``system_calls.rules``."""
