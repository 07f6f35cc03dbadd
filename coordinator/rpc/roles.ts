/** Who may call which method. What is not in the table is not served at all. */
import { required } from "../../shared/kernel/assert.ts";
import { type CallerRole, JOIN_ROLE } from "../../shared/run/roles.ts";

const LOOK: readonly CallerRole[] = ["reader", "user"];
const WORK: readonly CallerRole[] = ["user"];
const HOST: readonly CallerRole[] = ["agent"];
const ADMIN: readonly CallerRole[] = [];
const JOIN: readonly CallerRole[] = [JOIN_ROLE];

/** Roles besides `admin`, by service and method. */
const ROLES_OF: { readonly [service: string]: { readonly [method: string]: readonly CallerRole[] } } = {
  "runner.v1.ControlService": {
    Plan: WORK,
    Submit: WORK,
    Apply: WORK,
    ListRuns: LOOK,
    ListSweeps: LOOK,
    GetRun: LOOK,
    Cancel: WORK,
    Retry: WORK,
    Pause: WORK,
    Resume: WORK,
    Edit: WORK,
    Rerun: WORK,
    GetRecord: LOOK,
    Logs: LOOK,
    Metrics: LOOK,
    Best: LOOK,
    Watch: LOOK,
    Why: LOOK,
    ListNodes: LOOK,
    UpdateNode: ADMIN,
    GetServer: LOOK,
    Events: LOOK,
    ListQueue: LOOK,
    Import: WORK,
    ImportPoints: WORK,
    Files: LOOK,
    Prune: WORK,
    ListArtifacts: LOOK,
    CreateToken: ADMIN,
    CreateJoinToken: ADMIN,
    ListTokens: ADMIN,
    RevokeToken: ADMIN,
  },
  "runner.v1.AgentService": { Connect: HOST, Join: JOIN },
  "runner.v1.StoreService": {
    Missing: WORK,
    Put: WORK,
    Get: [...LOOK, ...HOST],
    NoteEnvironments: HOST,
    NoteArtifacts: HOST,
  },
  "grpc.reflection.v1.ServerReflection": { ServerReflectionInfo: [...LOOK, ...HOST] },
  "grpc.reflection.v1alpha.ServerReflection": { ServerReflectionInfo: [...LOOK, ...HOST] },
};

/** Of a method by its path, "/runner.v1.ControlService/Submit"; undefined: nobody, as nobody has said who. */
export function rolesOfMethod(path: string): readonly CallerRole[] | undefined {
  const [, service = "", method = ""] = path.split("/");
  const methods = Object.hasOwn(ROLES_OF, service) ? ROLES_OF[service] : undefined;
  return methods && Object.hasOwn(methods, method) ? methods[method] : undefined;
}

/** Throws where a method of the service is not in the table: the program must not start with it. */
export function assertDeclared(service: { readonly [name: string]: { readonly path: string } }): void {
  for (const { path } of Object.values(service)) required(rolesOfMethod(path), `who may call ${path}`);
}
