/** `exp nodes`: the machines. */
import type { Node } from "../../proto/gen/runner/v1/control.ts";
import { nodeFromProto } from "../../shared/wire/views.ts";
import { EXIT } from "../exit-codes.ts";
import type { Listing } from "../output.ts";
import { type NodeRow, nodeColumns } from "../render/nodes.ts";
import type { Command } from "../session.ts";
import { watchList } from "../watch-list.ts";

export const nodes: Command = {
  options: { watch: { describe: "again whenever something changed", type: "flag", alias: "w" } },
  async run(session, args) {
    const client = await session.connect();
    const look = async () => listing((await client.listNodes()).map(rowOf), session.clock.wallMs());
    if (args.flag("watch")) return watchList(session, async () => session.out.listText(await look()));
    await session.out.list(await look());
    return EXIT.ok;
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
