/** The Python that runs would find. */
import { execa } from "execa";

/** "Python 3.11.7"; undefined where python3 does not start. */
export async function pythonVersion(): Promise<string | undefined> {
  const { failed, stdout, stderr } = await execa("python3", ["--version"], { reject: false, timeout: 5_000 });
  return failed ? undefined : `${stdout}${stderr}`.trim();
}
