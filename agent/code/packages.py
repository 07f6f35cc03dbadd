"""Which packages an interpreter would see, without running any of them: no site module at work, no .pth file read."""
import json
import os
import platform
import site
import sys

PREFIXES = [sys.prefix, sys.exec_prefix]
SYSTEM = True
# A virtual environment is told by a file beside its programs: what `site` would do, without the rest of it.
for folder in (os.path.dirname(sys.executable), os.path.dirname(os.path.dirname(sys.executable))):
    try:
        with open(os.path.join(folder, "pyvenv.cfg"), encoding="utf-8") as config:
            lines = [line.partition("=") for line in config]
    except OSError:
        continue
    values = {key.strip().lower(): value.strip().lower() for key, _, value in lines}
    SYSTEM = values.get("include-system-site-packages") == "true"
    PREFIXES = [folder] + (PREFIXES if SYSTEM else [])
    break

PATHS = list(site.getsitepackages(PREFIXES))
if SYSTEM:
    PATHS.insert(0, site.getusersitepackages())
PATHS = [path for path in dict.fromkeys(PATHS) if os.path.isdir(path)]

found = {}
try:
    from importlib.metadata import distributions

    for each in distributions(path=PATHS):
        name = each.metadata["Name"]
        if name and name not in found:
            found[name] = each.version
except ImportError:
    pass

print(
    json.dumps(
        {
            "executable": sys.executable,
            "version": platform.python_version(),
            "implementation": platform.python_implementation(),
            "paths": PATHS,
            "packages": sorted("%s==%s" % entry for entry in found.items()),
        }
    )
)
