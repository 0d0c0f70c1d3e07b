# SPDX-License-Identifier: MIT
"""refused.py PROGRAM PLUGIN: the program, which loads the plug-in, is ended with a text that names it."""

import os
import signal
import subprocess
import sys

program, plugin = map(os.path.abspath, sys.argv[1:])
done = subprocess.run([program, plugin], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
print(done.stdout, f"status {done.returncode}", sep="")
wanted = f"deferred: {plugin} brings a second copy of the library into the process."
if wanted not in done.stdout:
    sys.exit(f"no word of it: {wanted}")
if done.returncode != -signal.SIGABRT:
    sys.exit("it should have been ended")
