/** `exp nodes`: the machines. */
import type { Node } from "../../proto/gen/runner/v1/control.ts";
import { nodeFromProto } from "../../shared/wire/views.ts";
import { EXIT } from "../exit-codes.ts";
import { type NodeRow, nodeColumns } from "../render/nodes.ts";
import type { Command } from "../session.ts";

export const nodes: Command = {
  async run(session) {
    const found = await (await session.connect()).listNodes();
    await session.out.list({
      rows: found.map(rowOf),
      columns: nodeColumns(session.clock.wallMs()),
      name: ({ view }) => view.name,
      json: ({ view }) => view,
      empty: "no node has joined; exp-agent start on a machine joins it",
    });
    return EXIT.ok;
  },
};

function rowOf(node: Node): NodeRow {
  const { version, cpuCount, memoryBytes } = node;
  return { view: nodeFromProto(node), version, cpuCount, memoryBytes };
}
