/** One run: how it stands, its curves, its output, what it was given, what happened to it. */
import type { AttemptView, RunDetail } from "../../../shared/run/dashboard.ts";
import { isTerminal } from "../../../shared/run/states.ts";
import { NoticeLine, RunActions } from "../actions.tsx";
import { get, serverNow } from "../api.ts";
import { attemptWords } from "../attempt-words.ts";
import type { RunAction } from "../commands.ts";
import { duration } from "../format.ts";
import { t } from "../i18n/i18n.ts";
import { useLoaded } from "../loading.ts";
import { LogView } from "../logs/log-view.tsx";
import { queryOf, setQuery } from "../router.ts";
import { Artifacts } from "../run/artifacts.tsx";
import { Charts } from "../run/charts.tsx";
import { Facts, Params } from "../run/facts.tsx";
import { Files } from "../run/files.tsx";
import { Notes, Star, starCommand } from "../run/notes.tsx";
import { RunRecord } from "../run/record.tsx";
import { History } from "../widgets/history.tsx";
import { Command, Link, StateBadge, Waiting } from "../widgets/parts.tsx";

export function Run({ names }: { names: { readonly [name: string]: string } }) {
  const ref = names.ref ?? "";
  const path = `/runs/${encodeURIComponent(ref)}`;
  const detail = useLoaded((signal) => get<RunDetail>(`${path}/detail`, signal), [ref], [`run:${ref}`]);
  if (!detail.data) return <Waiting error={detail.error} reload={detail.reload} />;
  const { run, attempts } = detail.data;
  const asked = Number(queryOf("attempt"));
  const attempt = attempts.find((one) => one.number === asked) ?? attempts.at(-1);
  const ranks = detail.data.ranks.filter(({ number }) => number === attempt?.number);
  const output = ranks.find(({ rank }) => rank === Number(queryOf("rank"))) ?? attempt;
  return (
    <article class="run">
      <Heading detail={detail.data} onDone={detail.reload} />
      <NoticeLine />
      <Notes key={run.ref} detail={detail.data} onDone={detail.reload} />
      {(run.state === "queued" || run.state === "held") && detail.data.why.length > 0 && (
        <Why lines={detail.data.why} />
      )}
      <Attempts attempts={attempts} shown={attempt?.number ?? 0} />
      <Charts detail={detail.data} attempt={attempt} />
      <h2>{t("run.output")}</h2>
      <Ranks ranks={ranks} shown={output?.rank ?? 0} />
      {output && (
        <LogView
          key={output.fence}
          run={run.ref}
          attempt={output.number}
          rank={output.rank}
          size={output.outputBytes}
          live={output.finishedAt === null}
        />
      )}
      <Command
        text={`exp logs ${run.ref}${output?.rank ? ` --rank ${output.rank}` : ""}${isTerminal(run.state) ? "" : " -f"}`}
      />
      <div class="columns-2">
        <Params detail={detail.data} />
        <Facts detail={detail.data} />
      </div>
      <RunRecord key={`${run.ref} record`} detail={detail.data} attempt={attempt} />
      <Artifacts key={`${run.ref} artifacts`} run={run.ref} />
      <Files key={run.ref} run={run.ref} state={run.state} />
      {detail.data.events.length > 0 && (
        <section>
          <h2>{t("run.events")}</h2>
          <History events={detail.data.events} withRun={false} />
        </section>
      )}
      <Command text={`exp show ${run.ref}`} />
    </article>
  );
}

function Heading({ detail, onDone }: { detail: RunDetail; onDone: () => void }) {
  const { run } = detail;
  const started = run.startedAt === null ? undefined : Date.parse(run.startedAt);
  const ended = run.finishedAt === null ? serverNow() : Date.parse(run.finishedAt);
  return (
    <header class="run-head">
      <h1>{run.ref}</h1>
      <Star detail={detail} onDone={onDone} />
      <StateBadge state={run.state} />
      <span>{started === undefined ? t("run.waiting") : t("run.for", { duration: duration(ended - started) })}</span>
      {run.exitCode !== null && <span>{t("run.exit", { code: run.exitCode })}</span>}
      {run.node !== null && <Link to={`/nodes/${encodeURIComponent(run.node)}`}>{run.node}</Link>}
      <Link to={`/sweeps/${run.sweep}`}>{t("run.sweep", { sweep: run.sweep })}</Link>
      <RunActions
        key={run.ref}
        refs={[run.ref]}
        actions={actionsFor(detail)}
        priority={run.priority}
        commands={[starCommand(detail)]}
        onDone={onDone}
      />
      {run.reason !== "" && <p class="run-reason">{run.reason}</p>}
      {detail.reusedFrom !== null && (
        <p>
          <Link to={`/runs/${detail.reusedFrom}`}>{t("run.reused", { ref: detail.reusedFrom })}</Link>
        </p>
      )}
    </header>
  );
}

/** Only what would do something. */
function actionsFor({ run, reusedFrom }: RunDetail): RunAction[] {
  if (!isTerminal(run.state)) {
    if (run.state === "held") return ["resume", "cancel", "priority"];
    return run.state === "queued" ? ["pause", "cancel", "priority"] : ["cancel", "priority"];
  }
  return reusedFrom === null && (run.state === "failed" || run.state === "cancelled") ? ["retry"] : [];
}

function Why({ lines }: { lines: readonly string[] }) {
  return (
    <section class="card">
      <h2>{t("run.why")}</h2>
      <ul>
        {lines.map((line) => (
          <li key={line}>{line}</li>
        ))}
      </ul>
    </section>
  );
}

/** Of a run on several nodes, whose output is shown. */
function Ranks({ ranks, shown }: { ranks: readonly AttemptView[]; shown: number }) {
  if (ranks.length === 0) return null;
  return (
    <nav class="tabs" aria-label={t("run.ranks")}>
      {ranks.map((one) => (
        <button
          type="button"
          key={one.rank}
          aria-pressed={one.rank === shown}
          onClick={() => setQuery({ rank: String(one.rank) })}
        >
          {t("run.rank", { rank: one.rank, node: one.node })} <span class="hint">{t(...attemptWords(one))}</span>
        </button>
      ))}
    </nav>
  );
}

function Attempts({ attempts, shown }: { attempts: readonly AttemptView[]; shown: number }) {
  if (attempts.length < 2) return null;
  return (
    <nav class="tabs" aria-label={t("run.attempts")}>
      {attempts.map((attempt) => (
        <button
          type="button"
          key={attempt.number}
          aria-pressed={attempt.number === shown}
          onClick={() => setQuery({ attempt: String(attempt.number) })}
        >
          {t("run.attempt", { number: attempt.number })} <span class="hint">{t(...attemptWords(attempt))}</span>
        </button>
      ))}
    </nav>
  );
}
