/** An edited file for a sweep that is there: first what would be different, then the same button does it. */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { ApplyAnswer, SourceBody } from "../../../shared/run/action-answers.ts";
import type { RunDetail, SweepDetail } from "../../../shared/run/dashboard.ts";
import type { JsonValue } from "../../../shared/run/views.ts";
import { ApiError, get, post } from "../api.ts";
import { text as shown } from "../format.ts";
import { t } from "../i18n/i18n.ts";
import { useLoaded } from "../loading.ts";
import { guardLeaving, setQuery } from "../router.ts";
import { Command, Waiting } from "../widgets/parts.tsx";

export function Apply({ detail }: { detail: SweepDetail }) {
  // Where its runs start now is where new ones shall start.
  const first = useLoaded((signal) => get<RunDetail>(`/runs/${detail.ref}.1/detail`, signal), [detail.ref]);
  if (!first.data) return <Waiting error={first.error} reload={first.reload} />;
  return <Form detail={detail} cwd={first.data.cwd} />;
}

function Form({ detail, cwd }: { detail: SweepDetail; cwd: string }) {
  const { ref, source } = detail;
  const edited = useSignal(source.text);
  const directory = useSignal(cwd);
  const plan = useSignal<ApplyAnswer | undefined>(undefined);
  const done = useSignal("");
  const problem = useSignal("");
  const busy = useSignal(false);
  useEffect(() => {
    guardLeaving(() => (edited.value === source.text || done.value !== "" ? undefined : t("submit.leave")));
    return () => guardLeaving(undefined);
  }, []);
  const changed = () => {
    plan.value = undefined;
    problem.value = "";
    done.value = "";
  };
  const ask = async (dryRun: boolean) => {
    if (busy.value) return;
    busy.value = true;
    problem.value = "";
    const body: SourceBody = { text: edited.value, path: source.path, directory: directory.value.trim() };
    try {
      const answer = await post<ApplyAnswer>("/actions/apply", { source: body, sweep: ref, dryRun });
      plan.value = dryRun ? answer : undefined;
      done.value = dryRun ? "" : answer.message;
    } catch (error) {
      problem.value = error instanceof ApiError ? `${error.message}\n${error.hint}`.trim() : String(error);
    } finally {
      busy.value = false;
    }
  };
  return (
    <form
      class="apply"
      onSubmit={(event) => {
        event.preventDefault();
        void ask(true);
      }}
    >
      <label for="apply-text">{t("apply.text")}</label>
      <textarea
        id="apply-text"
        class="mono"
        rows={Math.min(30, source.text.split("\n").length + 3)}
        spellcheck={false}
        value={edited.value}
        onInput={(event) => {
          edited.value = event.currentTarget.value;
          changed();
        }}
      />
      <label>
        {t("apply.directory")}{" "}
        <input
          class="mono"
          size={50}
          required
          value={directory.value}
          onInput={(event) => {
            directory.value = event.currentTarget.value;
            changed();
          }}
        />
      </label>
      <p class="toolbar">
        <button type="submit" disabled={busy.value}>
          {t("apply.plan")}
        </button>
        <button type="button" onClick={() => setQuery({ edit: "" })}>
          {t("common.cancel")}
        </button>
      </p>
      {problem.value !== "" && (
        <pre class="problem" role="alert">
          {problem.value}
        </pre>
      )}
      {plan.value && <Difference answer={plan.value} busy={busy.value} onApply={() => void ask(false)} />}
      <p role="status">{done.value}</p>
      <Command text={`exp apply ${source.path.split("/").at(-1) || "sweep.toml"} --sweep ${ref}`} />
    </form>
  );
}

function Difference({ answer, busy, onApply }: { answer: ApplyAnswer; busy: boolean; onApply: () => void }) {
  const { added, withdrawn, reshaped, runningOn, settings, warnings, addedParams, withdrawnParams } = answer;
  const nothing = added + withdrawn + reshaped + settings.length === 0;
  return (
    <section class="card">
      <h3>{nothing ? t("apply.nothing") : t("apply.would")}</h3>
      <ul>
        {added > 0 && <li>{t("apply.added", { count: added, reused: answer.reused })}</li>}
        <Points list={addedParams} of={added} sign="+" />
        {withdrawn > 0 && <li>{t("apply.withdrawn", { count: withdrawn })}</li>}
        <Points list={withdrawnParams} of={withdrawn} sign="-" />
        {reshaped > 0 && <li>{t("apply.reshaped", { count: reshaped })}</li>}
        {settings.map((line) => (
          <li key={line}>{line}</li>
        ))}
        {runningOn > 0 && <li>{t("apply.running-on", { count: runningOn })}</li>}
        <li class="hint">{t("apply.unchanged", { count: answer.unchanged })}</li>
        {warnings.map((line) => (
          <li key={line} class="problem">
            {line}
          </li>
        ))}
      </ul>
      {!nothing && (
        <button type="button" class="primary" disabled={busy} onClick={onApply}>
          {t("apply.apply")}
        </button>
      )}
    </section>
  );
}

function Points(props: { list: readonly { readonly [key: string]: JsonValue }[]; of: number; sign: "+" | "-" }) {
  const { list, of, sign } = props;
  const words = (params: { readonly [key: string]: JsonValue }) =>
    Object.entries(params)
      .map(([key, value]) => `${key}=${shown(value)}`)
      .join(" ");
  return (
    <>
      {list.map((params) => (
        <li key={words(params)} class={sign === "+" ? "diff-added mono" : "diff-removed mono"}>
          {sign} {words(params)}
        </li>
      ))}
      {of > list.length && list.length > 0 && <li class="hint">{t("apply.more", { count: of - list.length })}</li>}
    </>
  );
}
