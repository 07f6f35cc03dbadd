/** What the page can do with runs: the same calls as the command line's, each said in one line when it is done. */
import { type Signal, signal, useSignal } from "@preact/signals";
import type { ActionAnswer } from "../../shared/run/action-answers.ts";
import { PRIORITY_MAX } from "../../shared/run/limits.ts";
import { post } from "./api.ts";
import { actionCommand, type RunAction } from "./commands.ts";
import { t } from "./i18n/i18n.ts";
import { createLanes } from "./loading.ts";
import { Commands } from "./widgets/parts.tsx";

export interface Notice {
  readonly text: string;
  readonly good: boolean;
}

/** The last action's outcome; shown until the next. */
export const notice = signal<Notice | undefined>(undefined);
/** Calls that have no answer yet. */
const underWay = signal(0);
const inTurn = createLanes(1);

/**
 * POST /actions/NAME; the outcome goes to `notice`. One at a time, in the order in which they were asked for: keys come
 * faster than answers, and none is lost.
 */
export async function act(name: string, body: object): Promise<boolean> {
  underWay.value += 1;
  try {
    const { message } = await inTurn(() => post<ActionAnswer>(`/actions/${name}`, body));
    notice.value = { text: t("act.done", { message }), good: true };
    return true;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    notice.value = { text: t("act.failed", { reason }), good: false };
    return false;
  } finally {
    underWay.value -= 1;
  }
}

/** Cancelling is asked about where it hits more than one run. `count`: runs that are meant, where a reference names many. */
async function actOnRuns(action: RunAction, refs: readonly string[], count = refs.length): Promise<boolean> {
  if (action === "cancel" && count > 1 && !confirm(t("act.sure-cancel", { count }))) return false;
  return act(action, { refs });
}

/** Buttons, a field for the priority, and the command of each. `commands`: further ones that belong to what is shown beside. */
export function RunActions(props: {
  refs: readonly string[];
  actions: readonly RunAction[];
  count?: number;
  /** The one that is set now, where there is one. */
  priority?: number;
  commands?: readonly string[];
  onDone?: () => void;
}) {
  const { refs, actions, commands = [] } = props;
  const priority = useSignal(String(props.priority ?? 0));
  return (
    <>
      {actions.map((action) =>
        action === "priority" ? (
          <SetPriority key={action} refs={refs} typed={priority} onDone={props.onDone} />
        ) : (
          <button
            type="button"
            key={action}
            class={action === "cancel" ? "danger" : ""}
            disabled={underWay.value > 0 || refs.length === 0}
            onClick={() => {
              void actOnRuns(action, refs, props.count).then((done) => {
                if (done) props.onDone?.();
              });
            }}
          >
            {t(`act.${action}`)}
          </button>
        ),
      )}
      <Commands
        texts={[...actions.map((action) => actionCommand(action, refs, Number(priority.value))), ...commands]}
      />
    </>
  );
}

function SetPriority(props: { refs: readonly string[]; typed: Signal<string>; onDone: (() => void) | undefined }) {
  const { refs, typed, onDone } = props;
  return (
    <form
      class="inline"
      onSubmit={(event) => {
        event.preventDefault();
        void act("priority", { refs, priority: Number(typed.value) }).then((done) => {
          if (done) onDone?.();
        });
      }}
    >
      <label>
        {t("act.priority")}{" "}
        <input
          type="number"
          required
          min={-PRIORITY_MAX}
          max={PRIORITY_MAX}
          step={1}
          value={typed.value}
          onInput={(event) => {
            typed.value = event.currentTarget.value;
          }}
        />
      </label>{" "}
      <button type="submit" disabled={underWay.value > 0 || refs.length === 0}>
        {t("act.set-priority")}
      </button>
    </form>
  );
}

export function NoticeLine() {
  const { value } = notice;
  return (
    <p role="status" class={value?.good === false ? "notice problem" : "notice"}>
      {value?.text}
    </p>
  );
}
