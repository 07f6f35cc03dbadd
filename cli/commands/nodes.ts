/** `exp nodes`: the machines. */
import type { Node } from "../../proto/gen/runner/v1/control.ts";
import { nodeFromProto } from "../../shared/wire/views.ts";
import type { Listing } from "../output.ts";
import { type NodeRow, nodeColumns } from "../render/nodes.ts";
import type { Command } from "../session.ts";
import { showList } from "../watch-list.ts";

export const nodes: Command = {
  options: { watch: { describe: "again whenever something changed", type: "flag", alias: "w" } },
  async run(session, args) {
    const client = await session.connect();
    return showList(session, args.flag("watch"), async () =>
      listing((await client.listNodes()).map(rowOf), session.clock.wallMs()),
    );
  },
};

function listing(rows: readonly NodeRow[], nowMs: number): Listing<NodeRow> {
  return {
    rows,
    columns: nodeColumns(nowMs),
    name: ({ view }) => view.name,
    json: ({ view }) => view,
    empty: "no node has joined; exp-agent start on a machine joins it",
  };
}

function rowOf(node: Node): NodeRow {
  const { version, cpuCount, memoryBytes } = node;
  return { view: nodeFromProto(node), version, cpuCount, memoryBytes };
}
