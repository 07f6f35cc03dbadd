/** Submitting from the page: a sweep file is chosen or pasted, what it would run is shown, and then it is queued. */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { PlanAnswer, SourceBody, SubmitAnswer } from "../../../shared/run/action-answers.ts";
import { SPEC_BYTES_MAX } from "../../../shared/run/limits.ts";
import { ApiError, post } from "../api.ts";
import { text as shown } from "../format.ts";
import { t } from "../i18n/i18n.ts";
import { go, guardLeaving } from "../router.ts";
import { Command, CsvButton, Link } from "../widgets/parts.tsx";

const SHOW = 50;
const DIRECTORY_KEY = "expfleet-directory";

export function Submit() {
  const text = useSignal("");
  const path = useSignal("sweep.toml");
  const directory = useSignal(sessionStorage.getItem(DIRECTORY_KEY) ?? "");
  const force = useSignal(false);
  const plan = useSignal<PlanAnswer | undefined>(undefined);
  const problem = useSignal("");
  const busy = useSignal(false);
  useEffect(() => {
    guardLeaving(() => (text.value === "" ? undefined : t("submit.leave")));
    return () => guardLeaving(undefined);
  }, []);

  const changed = () => {
    plan.value = undefined;
    problem.value = "";
  };
  const source = (): SourceBody => ({ text: text.value, path: path.value, directory: directory.value.trim() });
  const ask = async (work: () => Promise<void>) => {
    if (busy.value) return;
    busy.value = true;
    problem.value = "";
    try {
      sessionStorage.setItem(DIRECTORY_KEY, directory.value.trim());
      await work();
    } catch (error) {
      problem.value = explained(error);
    } finally {
      busy.value = false;
    }
  };
  const check = () =>
    ask(async () => {
      plan.value = undefined;
      plan.value = await post<PlanAnswer>("/actions/plan", { source: source(), force: force.value, show: SHOW });
    });
  const submit = () =>
    ask(async () => {
      const { sweep } = await post<SubmitAnswer>("/actions/submit", { source: source(), force: force.value });
      text.value = "";
      go(`/sweeps/${sweep}`);
    });
  const choose = async (file: File | undefined) => {
    if (!file) return;
    changed();
    if (file.size > SPEC_BYTES_MAX) {
      problem.value = t("submit.too-large", { name: file.name });
      return;
    }
    text.value = await file.text();
    path.value = file.name;
  };
  const isReady = text.value.trim() !== "" && directory.value.trim() !== "";
  return (
    <section class="submit">
      <h1>{t("submit.title")}</h1>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void check();
        }}
      >
        <label>
          {t("submit.file")}{" "}
          <input
            type="file"
            accept=".toml,text/plain"
            onChange={(event) => void choose(event.currentTarget.files?.[0])}
          />
        </label>
        <label for="submit-text">{t("submit.text")}</label>
        <textarea
          id="submit-text"
          class="mono"
          rows={18}
          spellcheck={false}
          value={text.value}
          onInput={(event) => {
            text.value = event.currentTarget.value;
            changed();
          }}
        />
        <label for="submit-directory">{t("submit.directory")}</label>
        <input
          id="submit-directory"
          class="mono"
          placeholder="/home/me/project"
          value={directory.value}
          onInput={(event) => {
            directory.value = event.currentTarget.value;
            changed();
          }}
        />
        <p class="hint">{t("submit.directory-hint")}</p>
        <label>
          <input
            type="checkbox"
            checked={force.value}
            onChange={(event) => {
              force.value = event.currentTarget.checked;
              changed();
            }}
          />{" "}
          {t("submit.force")}
        </label>
        <p class="toolbar">
          <button type="submit" class={plan.value ? "" : "primary"} disabled={busy.value || !isReady}>
            {t("submit.check")}
          </button>
          {plan.value && (
            <button type="button" class="primary" disabled={busy.value} onClick={() => void submit()}>
              {t("submit.go", { count: plan.value.total.toLocaleString("en") })}
            </button>
          )}
        </p>
      </form>
      {problem.value !== "" && (
        <pre class="problem card submit-problem" role="alert">
          {problem.value}
        </pre>
      )}
      {plan.value && <Plan plan={plan.value} />}
      <Command text={`exp submit ${path.value}${force.value ? " --force" : ""}`} />
    </section>
  );
}

/** As a terminal shows it: where, what, the line with a caret, what to do. */
function explained(error: unknown): string {
  if (!(error instanceof ApiError)) return error instanceof Error ? error.message : String(error);
  const { message, place, hint } = error;
  const lines = [place ? `${place.file}:${place.line}:${place.column}: ${message}` : message];
  if (place?.text !== undefined) {
    // Tabs stay, so that the caret stands where the line has them too.
    const before = place.text.slice(0, place.column - 1).replace(/[^\t]/g, " ");
    lines.push("", `  ${place.text}`, `  ${before}${"^".repeat(Math.max(1, place.length ?? 1))}`);
  }
  if (hint !== "") lines.push("", hint);
  return lines.join("\n");
}

function Plan({ plan }: { plan: PlanAnswer }) {
  const keys = [...new Set(plan.points.flatMap(({ params }) => Object.keys(params)))];
  return (
    <section aria-label={t("submit.plan")}>
      <h2>{t("submit.plan")}</h2>
      <p class="summary">
        <strong>{plan.name}</strong>
        <span>{t("submit.total", { count: plan.total.toLocaleString("en") })}</span>
        <span>{t("submit.new", { count: plan.new.toLocaleString("en") })}</span>
        <span>{t("submit.reused", { count: plan.reused.toLocaleString("en") })}</span>
        {plan.axes.length > 0 && (
          <span class="hint">{plan.axes.map(({ key, size }) => `${key}: ${size}`).join(" × ")}</span>
        )}
      </p>
      {plan.steps.length > 0 && (
        <p class="hint">
          {t("submit.order", { steps: plan.steps.join(", "), order: plan.order })}
          {plan.order === "shuffled" && ` (shuffle_seed ${plan.shuffleSeed})`}
        </p>
      )}
      {plan.warnings.length > 0 && (
        <ul class="card">
          {plan.warnings.map((line) => (
            <li key={line}>{line}</li>
          ))}
        </ul>
      )}
      <div class="scroll-x">
        <table>
          <thead>
            <tr>
              <th scope="col" class="number">
                #
              </th>
              {keys.map((key) => (
                <th scope="col" key={key}>
                  {key}
                </th>
              ))}
              <th scope="col">{t("submit.result")}</th>
              <th scope="col">{t("run.command")}</th>
            </tr>
          </thead>
          <tbody>
            {plan.points.map(({ index, params, command, reusedFrom }) => (
              <tr key={index}>
                <td class="number">{index}</td>
                {keys.map((key) => (
                  <td key={key} class="mono">
                    {shown(params[key])}
                  </td>
                ))}
                <td>
                  {reusedFrom === null ? (
                    t("submit.is-new")
                  ) : (
                    <Link to={`/runs/${reusedFrom}`}>{t("submit.is-reused", { ref: reusedFrom })}</Link>
                  )}
                </td>
                <td class="mono">{command.join(" ")}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <CsvButton
        file={`${plan.name}-plan.csv`}
        header={["index", ...keys, "reused_from", "command"]}
        rows={() =>
          plan.points.map(({ index, params, command, reusedFrom }) => [
            index,
            ...keys.map((key) => params[key]),
            reusedFrom,
            command.join(" "),
          ])
        }
      />
      {plan.total > plan.points.length && (
        <p class="hint">{t("submit.first", { count: plan.points.length, total: plan.total.toLocaleString("en") })}</p>
      )}
    </section>
  );
}
