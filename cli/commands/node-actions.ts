/** `exp cordon`, `exp uncordon`, `exp drain`: one call a node. Some done and some not is exit 7. */
import { NodeAction } from "../../proto/gen/runner/v1/control.ts";
import { AppError } from "../../shared/kernel/errors.ts";
import type { NodeView } from "../../shared/run/views.ts";
import { nodeFromProto } from "../../shared/wire/views.ts";
import { EXIT } from "../exit-codes.ts";
import { errorText } from "../render/error.ts";
import type { Command } from "../session.ts";

export const cordon = nodeCommand(NodeAction.NODE_ACTION_CORDON);
export const uncordon = nodeCommand(NodeAction.NODE_ACTION_UNCORDON);
export const drain = nodeCommand(NodeAction.NODE_ACTION_DRAIN);

function nodeCommand(action: NodeAction): Command {
  return {
    async run(session, args) {
      const client = await session.connect();
      const done: NodeView[] = [];
      const failures: AppError[] = [];
      for (const name of args.texts("nodes")) {
        try {
          const node = await client.updateNode(name, action);
          if (node) done.push(nodeFromProto(node));
        } catch (error) {
          if (!(error instanceof AppError)) throw error;
          failures.push(error);
        }
      }
      const [failure] = failures;
      if (failure && done.length === 0) throw failure;
      await session.out.list({
        rows: done,
        columns: [
          { title: "NODE", cell: ({ name }) => name },
          { title: "STATE", cell: ({ state }) => state },
        ],
        name: ({ name }) => name,
        json: (node) => node,
        empty: "",
      });
      for (const each of failures) session.out.raw(errorText(each, session.config.color.err));
      return failures.length > 0 ? EXIT.partly : EXIT.ok;
    },
  };
}
