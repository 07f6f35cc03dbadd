/** [P] What is looked up among the packages of a Python, "name==version" each. */

/** Those whose name or version has the text, in their order. */
export function packagesWith(packages: readonly string[], text: string): readonly string[] {
  const wanted = text.trim().toLowerCase();
  return wanted === "" ? packages : packages.filter((one) => one.toLowerCase().includes(wanted));
}

/**
 * The version of CUDA that the packages bring: of its runtime ("12.4.127"), else what PyTorch was built for ("12.1", from
 * torch==2.3.0+cu121). Empty where none says.
 */
export function cudaOf(packages: readonly string[]): string {
  for (const one of packages) {
    const [, version] = /^nvidia[-_]cuda[-_]runtime(?:[-_]cu\d+)?==(.+)$/i.exec(one) ?? [];
    if (version !== undefined) return version;
  }
  for (const one of packages) {
    const [, major, minor] = /^torch==[^+]*\+cu(\d+)(\d)$/i.exec(one) ?? [];
    if (major !== undefined && minor !== undefined) return `${major}.${minor}`;
  }
  return "";
}
