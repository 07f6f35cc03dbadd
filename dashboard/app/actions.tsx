/** What the page can do with runs: the same calls as the command line's, each said in one line when it is done. */
import { signal } from "@preact/signals";
import type { ActionAnswer } from "../../shared/run/dashboard.ts";
import { post } from "./api.ts";
import { t } from "./i18n/i18n.ts";

export type RunAction = "cancel" | "retry" | "pause" | "resume";

export interface Notice {
  readonly text: string;
  readonly good: boolean;
}

/** The last action's outcome; shown until the next. */
export const notice = signal<Notice | undefined>(undefined);
const busy = signal(false);

/** POST /actions/NAME; the outcome goes to `notice`. */
export async function act(name: string, body: object): Promise<boolean> {
  if (busy.value) return false;
  busy.value = true;
  try {
    const { message } = await post<ActionAnswer>(`/actions/${name}`, body);
    notice.value = { text: t("act.done", { message }), good: true };
    return true;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    notice.value = { text: t("act.failed", { reason }), good: false };
    return false;
  } finally {
    busy.value = false;
  }
}

/** Cancelling is asked about where it hits more than one run. `count`: runs that are meant, where a reference names many. */
async function actOnRuns(action: RunAction, refs: readonly string[], count = refs.length): Promise<boolean> {
  if (action === "cancel" && count > 1 && !confirm(t("act.sure-cancel", { count }))) return false;
  return act(action, { refs });
}

export function RunActions(props: {
  refs: readonly string[];
  actions: readonly RunAction[];
  count?: number;
  onDone?: () => void;
}) {
  return (
    <>
      {props.actions.map((action) => (
        <button
          type="button"
          key={action}
          class={action === "cancel" ? "danger" : ""}
          disabled={busy.value || props.refs.length === 0}
          onClick={() => {
            void actOnRuns(action, props.refs, props.count).then((done) => {
              if (done) props.onDone?.();
            });
          }}
        >
          {t(`act.${action}`)}
        </button>
      ))}
    </>
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
