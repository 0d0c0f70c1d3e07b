#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""covered.py CALLS NM LIBRARY: what io calls of libc that can fail is in the table of this folder.

CALLS is calls.hpp, with the names of those that are. LIBRARY is a static one, of whose objects those of deferred/io
count. What they call, and is neither there nor below, is told."""

import pathlib
import re
import subprocess
import sys

# Names of libc for the same with large files, and of what syscall() is used for.
LARGE = re.compile(r'^(\w+?)64(?:v(\d))?$')
BY_SYSCALL = {'pidfd_open', 'pidfd_send_signal'}

NOT_TRIED = {
    'no system calls': '''
        cfmakeraw dladdr free freeaddrinfo gai_strerror inet_ntop inet_pton memchr memcmp memcpy memmove memset
        sigaddset sigdescr_np sigemptyset sigfillset sigismember strcmp strlen syscall __assert_fail __errno_location
        __dynamic_cast __libc_single_threaded __tls_get_addr environ in6addr_any in6addr_loopback''',
    'cannot fail as they are called': '''
        getpid isatty pthread_mutex_lock pthread_mutex_unlock pthread_sigmask sigpending sigtimedwait
        posix_spawnattr_destroy posix_spawnattr_init posix_spawnattr_setflags posix_spawnattr_setpgroup
        posix_spawnattr_setsigdefault posix_spawnattr_setsigmask posix_spawn_file_actions_destroy''',
    'fail for want of memory alone': '''
        posix_spawn_file_actions_addchdir_np posix_spawn_file_actions_addclosefrom_np posix_spawn_file_actions_adddup2
        posix_spawn_file_actions_init''',
    'fail in tests/io/getaddrinfo.cpp': 'getaddrinfo',
    'find nothing when they fail': 'dlclose dlopen if_indextoname if_nametoindex',
}


OF_THE_COMPILER = re.compile(r'_Z|_Unwind|__cxa|__gxx|_GLOBAL|__dso|DW\.ref')


def called_by_io(nm, library):
    """The names of C that its objects do not define."""
    out = subprocess.run([nm, '-A', '--undefined-only', '--format=posix', library], stdout=subprocess.PIPE, text=True,
                         check=True).stdout
    names = {line.split()[1].split('@')[0] for line in out.splitlines() if '[deferred_io_' in line}
    if not names:
        raise SystemExit(f'none of the objects of {library} is of io')
    return {LARGE.sub(r'\1\2', name) for name in names if not OF_THE_COMPILER.match(name)}


def main(calls, nm, library):
    listed = re.search(r'enum class Call[^{]*{(.*?)count_of_calls', pathlib.Path(calls).read_text(), re.DOTALL)[1]
    tried = set(re.findall(r'\w+', listed))
    called = called_by_io(nm, library)
    known = {name: reason for reason, names in NOT_TRIED.items() for name in names.split()}
    wrong = [f'{name} is called, and nothing tries what comes of its failing' for name in called - tried - set(known)]
    wrong += [f'{name} is tried, and not called' for name in tried - called - BY_SYSCALL]
    wrong += [f'{name} is tried, though it is said: {known[name]}' for name in tried & set(known)]
    for text in sorted(wrong):
        print(text)
    print(f'{len(tried)} calls are tried')
    return bool(wrong)


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
