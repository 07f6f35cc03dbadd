/** Parameters as environment variables: which variable a parameter becomes, and which it must not. */

/** `optim.lr` is `OPTIM_LR`: upper case, and "_" for what no name of a variable can hold. */
export function variableName(parameter: string): string {
  return parameter.replace(/[^A-Za-z0-9_]/g, "_").toUpperCase();
}

/**
 * Why parameters of these names cannot all be variables; undefined where they can. `taken`: variables that the sweep file
 * sets by itself.
 */
export function variablesProblem(
  parameters: Iterable<string>,
  taken: ReadonlySet<string>,
): { parameter: string; message: string } | undefined {
  const owners = new Map<string, string>();
  for (const parameter of parameters) {
    const variable = variableName(parameter);
    const other = owners.get(variable);
    const is = `parameter ${JSON.stringify(parameter)} would be the variable ${variable}`;
    if (other !== undefined) return { parameter, message: `${is}, as is ${JSON.stringify(other)}` };
    if (isSystemVariable(variable)) return { parameter, message: `${is}, which programs need as it is` };
    if (taken.has(variable)) return { parameter, message: `${is}, which run.env sets` };
    owners.set(variable, parameter);
  }
  return undefined;
}

const SYSTEM = new Set(
  (
    "PATH HOME USER LOGNAME SHELL LANG LANGUAGE TERM TZ TMPDIR IFS PWD VIRTUAL_ENV PYTHONPATH PYTHONHOME " +
    "CUDA_VISIBLE_DEVICES NVIDIA_VISIBLE_DEVICES HIP_VISIBLE_DEVICES ROCR_VISIBLE_DEVICES"
  ).split(" "),
);

function isSystemVariable(name: string): boolean {
  return SYSTEM.has(name) || /^(?:EXP_|EXPERIMENT_|LD_|_$)/.test(name);
}
