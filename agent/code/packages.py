"""Which packages an interpreter would see, without running any of them: no site module at work, no .pth file read."""
import json
import os
import platform
import site
import sys
import sysconfig

SYSTEM = True
OWN = []
# A virtual environment is told by a file beside its programs: what `site` would do, without the rest of it.
for folder in (os.path.dirname(sys.executable), os.path.dirname(os.path.dirname(sys.executable))):
    try:
        with open(os.path.join(folder, "pyvenv.cfg"), encoding="utf-8") as config:
            lines = [line.partition("=") for line in config]
    except OSError:
        continue
    values = {key.strip().lower(): value.strip().lower() for key, _, value in lines}
    SYSTEM = values.get("include-system-site-packages") == "true"
    # Not by `site`: without the rest of it, Debian's looks where packages of the system are.
    places = {"base": folder, "platbase": folder}
    OWN = [sysconfig.get_path(name, "posix_prefix", places) for name in ("purelib", "platlib")]
    break

PATHS = list(OWN)
if SYSTEM:
    PATHS += [site.getusersitepackages()] + site.getsitepackages()
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
