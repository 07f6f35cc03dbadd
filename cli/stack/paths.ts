/** [P] Where the parts of a local stack keep their things. */
import { join } from "node:path";

export interface StackPaths {
  readonly root: string;
  /** What the stack is and who supervises it; there while it runs. */
  readonly stackFile: string;
  /** `{"nats": n, "coordinator": n, "agent": n}`; there while it runs. */
  readonly pidsFile: string;
  readonly logs: string;
  readonly natsConfig: string;
  readonly natsStore: string;
  readonly busFile: string;
  readonly coordinator: string;
  /** Written by the coordinator once it listens. */
  readonly addressFile: string;
  readonly tokenFile: string;
  /** Directory of the coordinator's certificate, which the bus shows too. */
  readonly tls: string;
  readonly agent: string;
  readonly results: string;
}

/** `root` is absolute. */
export function stackPaths(root: string): StackPaths {
  return {
    root,
    stackFile: join(root, "stack.json"),
    pidsFile: join(root, "pids.json"),
    logs: join(root, "logs"),
    natsConfig: join(root, "nats", "nats.conf"),
    natsStore: join(root, "nats", "jetstream"),
    busFile: join(root, "bus.json"),
    coordinator: join(root, "coordinator"),
    addressFile: join(root, "coordinator", "address.json"),
    tokenFile: join(root, "coordinator", "token"),
    tls: join(root, "coordinator", "tls"),
    agent: join(root, "agent"),
    results: join(root, "results"),
  };
}
