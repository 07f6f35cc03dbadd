/**
 * unpack-chromium.ts PACKAGE SHA512 DEST: takes the program, its libraries and a font out of the package that browser.sh fetched,
 * after a look at its hash, and puts `chrome` beside them, which starts it. In the package each is packed by Brotli.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliDecompressSync } from "node:zlib";

/** What a machine without any font has is enough to be measured. */
const FONTS = `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir prefix="relative">fonts</dir><cachedir prefix="xdg">fontconfig</cachedir></fontconfig>
`;
const START = `#!/bin/sh
here=\${0%/*}
LD_LIBRARY_PATH=$here/lib\${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export LD_LIBRARY_PATH
[ -e /etc/fonts/fonts.conf ] || export FONTCONFIG_FILE="$here/fonts.conf"
exec "$here/chromium" "$@"
`;

function unpack(archive: string, sha512: string, dest: string): void {
  const found = createHash("sha512").update(readFileSync(archive)).digest("hex");
  if (found !== sha512)
    throw new Error(`the package has the hash ${found.slice(0, 16)}..., and not the one that is pinned`);
  const work = join(dest, "package");
  mkdirSync(dest, { recursive: true });
  execFileSync("tar", ["-xzf", archive, "--no-same-owner", "-C", dest, "package/bin"]);
  const packed = (name: string) => brotliDecompressSync(readFileSync(join(work, "bin", name)));
  writeFileSync(join(dest, "chromium"), packed("chromium.br"), { mode: 0o755 });
  for (const name of ["al2023.tar.br", "fonts.tar.br"]) {
    execFileSync("tar", ["-xf", "-", "--no-same-owner", "-C", dest], { input: packed(name) });
  }
  rmSync(work, { recursive: true });
  writeFileSync(join(dest, "fonts.conf"), FONTS);
  writeFileSync(join(dest, "chrome"), START);
  chmodSync(join(dest, "chrome"), 0o755);
}

const [archive = "", sha512 = "", dest = ""] = process.argv.slice(2);
try {
  unpack(archive, sha512, dest);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
