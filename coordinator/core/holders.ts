/** Who holds which device: a whole one is one attempt's; a GPU may be held in parts by several. Derived, kept in step by `applyChange`. */
import type { DeviceUuid, Fence, NodeName } from "../../shared/kernel/ids.ts";
import { GPU_WHOLE_MILLI, heldMilli } from "../../shared/run/devices.ts";
import type { Attempt } from "./cluster.ts";

/** Nobody's. */
const NONE: ReadonlyMap<Fence, number> = new Map();

export class Holders {
  /** By node and uuid; thousandths by attempt, in the order in which they came. No entry is empty. */
  readonly #parts = new Map<string, Map<Fence, number>>();

  add(attempt: Attempt): void {
    for (const device of attempt.devices) {
      const key = keyOf(attempt.node, device);
      const milli = heldMilli(attempt.reserved?.gpuMilli, device);
      const parts = this.#parts.get(key);
      if (parts) parts.set(attempt.fence, milli);
      else this.#parts.set(key, new Map([[attempt.fence, milli]]));
    }
  }

  remove(attempt: Attempt): void {
    for (const device of attempt.devices) {
      const key = keyOf(attempt.node, device);
      const parts = this.#parts.get(key);
      parts?.delete(attempt.fence);
      if (parts?.size === 0) this.#parts.delete(key);
    }
  }

  /** Thousandths of the device by attempt, the first to come first. */
  of(node: NodeName, device: DeviceUuid): ReadonlyMap<Fence, number> {
    return this.#parts.get(keyOf(node, device)) ?? NONE;
  }

  /** Thousandths that nobody holds. */
  leftMilli(node: NodeName, device: DeviceUuid): number {
    let left = GPU_WHOLE_MILLI;
    for (const milli of this.of(node, device).values()) left -= milli;
    return left;
  }

  /** One line for each device that is held: "NODE UUID FENCE:THOUSANDTHS ...". */
  lines(): string[] {
    const lines = Array.from(this.#parts, ([key, parts]) => {
      const held = [...parts].sort(([a], [b]) => a - b).map(([fence, milli]) => `${fence}:${milli}`);
      return [key, ...held].join(" ");
    });
    return lines.sort();
  }
}

function keyOf(node: NodeName, device: DeviceUuid): string {
  return `${node} ${device}`;
}
