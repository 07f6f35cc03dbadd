/** `exp gpus`: devices, one a line. */
import { nodeFromProto } from "../../shared/wire/views.ts";
import { EXIT } from "../exit-codes.ts";
import { type DeviceRow, deviceColumns } from "../render/nodes.ts";
import type { Command } from "../session.ts";

export const gpus: Command = {
  async run(session) {
    const nodes = (await (await session.connect()).listNodes()).map(nodeFromProto);
    const rows = nodes.flatMap(({ name, devices }) => devices.map((device): DeviceRow => ({ node: name, device })));
    await session.out.list({
      rows,
      columns: deviceColumns(),
      name: ({ device }) => device.uuid,
      json: ({ node, device }) => ({ node, ...device }),
      empty: "no devices; exp-agent start on a machine offers its own",
    });
    return EXIT.ok;
  },
};
