/** One node: what it is, its devices, what runs there and ran lately, and whether it takes new runs. */
import { useSignal } from "@preact/signals";
import type { NodeAttempt, NodeDetail } from "../../../shared/run/dashboard.ts";
import type { DeviceView, NodeStateName } from "../../../shared/run/views.ts";
import { act, NoticeLine } from "../actions.tsx";
import { get, serverNow } from "../api.ts";
import { attemptWords } from "../attempt-words.ts";
import { bytes, duration, time } from "../format.ts";
import { t } from "../i18n/i18n.ts";
import { useLoaded } from "../loading.ts";
import { type Fact, FactTable } from "../widgets/fact-table.tsx";
import { History } from "../widgets/history.tsx";
import { Command, CsvButton, Link, Waiting } from "../widgets/parts.tsx";

type NodeVerb = "cordon" | "uncordon" | "drain";

export function Node({ names }: { names: { readonly [name: string]: string } }) {
  const name = names.name ?? "";
  const path = `/nodes/${encodeURIComponent(name)}`;
  const detail = useLoaded((signal) => get<NodeDetail>(path, signal), [name], ["nodes", "runs"]);
  if (!detail.data) return <Waiting error={detail.error} reload={detail.reload} />;
  const { node, current, recent, events } = detail.data;
  return (
    <article>
      <header class="run-head">
        <h1>{node.name}</h1>
        <span class={`badge badge-${node.state}`}>{t(`node.${node.state}`)}</span>
        {Object.entries(node.labels).map(([key, value]) => (
          <span class="label" key={key}>
            {key}={value}
          </span>
        ))}
      </header>
      <Verbs name={node.name} state={node.state} onDone={detail.reload} />
      <Facts detail={detail.data} />
      <h2>{t("node.devices")}</h2>
      <Devices devices={node.devices} name={node.name} />
      <h2>{t("node.current")}</h2>
      <Attempts attempts={current} name={`${node.name}-current`} />
      <h2>{t("node.recent")}</h2>
      <Attempts attempts={recent} name={`${node.name}-recent`} />
      {events.length > 0 && (
        <>
          <h2>{t("node.events")}</h2>
          <History events={events} />
        </>
      )}
      <Command text="exp gpus" />
    </article>
  );
}

/** Only what would change something. */
function verbsFor(state: NodeStateName): NodeVerb[] {
  if (state === "draining") return ["uncordon"];
  return state === "cordoned" ? ["uncordon", "drain"] : ["cordon", "drain"];
}

function Verbs({ name, state, onDone }: { name: string; state: NodeStateName; onDone: () => void }) {
  const asked = useSignal<NodeVerb | undefined>(undefined);
  const verbs = verbsFor(state);
  const chosen = asked.value !== undefined && verbs.includes(asked.value) ? asked.value : undefined;
  return (
    <section aria-label={t("node.verbs")}>
      <p class="toolbar">
        {verbs.map((verb) => (
          <button
            type="button"
            key={verb}
            aria-expanded={chosen === verb}
            onClick={() => {
              asked.value = chosen === verb ? undefined : verb;
            }}
          >
            {t(`node.${verb}`)}
          </button>
        ))}
      </p>
      {chosen && (
        <div class="card">
          <p>{t(`node.about-${chosen}`)}</p>
          <button
            type="button"
            class="primary"
            onClick={() => {
              void act("node", { name, action: chosen }).then((done) => {
                asked.value = undefined;
                if (done) onDone();
              });
            }}
          >
            {t("node.do-it", { verb: t(`node.${chosen}`) })}
          </button>
          <Command text={`exp ${chosen} ${name}`} />
        </div>
      )}
      <NoticeLine />
    </section>
  );
}

function Facts({ detail }: { detail: NodeDetail }) {
  const { node } = detail;
  const rows: Fact[] = [
    [t("node.hostname"), detail.hostname],
    [t("node.platform"), detail.platform],
    [
      t("node.cpu"),
      [detail.cpuModel, detail.cpuCount > 0 ? t("node.cores", { count: detail.cpuCount }) : ""]
        .filter(Boolean)
        .join(", "),
    ],
    [t("node.memory"), detail.memoryBytes > 0 ? bytes(detail.memoryBytes) : ""],
    [t("node.driver"), detail.driverVersion],
    [t("node.engine"), node.containerEngine ?? ""],
    [t("node.version"), detail.version],
    [t("node.seen"), node.seenAt === null ? "" : time(Date.parse(node.seenAt))],
  ];
  return <FactTable file={`${node.name}.csv`} rows={rows} />;
}

function Devices({ devices, name }: { devices: readonly DeviceView[]; name: string }) {
  if (devices.length === 0) return <p class="hint">{t("fleet.no-devices")}</p>;
  return (
    <>
      <div class="scroll-x">
        <table>
          <thead>
            <tr>
              <th scope="col" class="number">
                {t("node.index")}
              </th>
              <th scope="col">{t("node.model")}</th>
              <th scope="col" class="number">
                {t("node.memory")}
              </th>
              <th scope="col">{t("node.state")}</th>
              <th scope="col">{t("node.run")}</th>
              <th scope="col">{t("node.foreign")}</th>
              <th scope="col">{t("node.uuid")}</th>
            </tr>
          </thead>
          <tbody>
            {devices.map((device) => (
              <tr key={device.uuid}>
                <td class="number">{device.index}</td>
                <td>{device.model}</td>
                <td class="number">{device.memoryBytes > 0 ? bytes(device.memoryBytes) : ""}</td>
                <td>{t(`device.${device.state}`)}</td>
                <td>
                  {device.runs.map((run, i) => (
                    <span key={run}>
                      {i > 0 && ", "}
                      <Link to={`/runs/${run}`}>{run}</Link>
                    </span>
                  ))}
                </td>
                <td>
                  {device.foreign.map(({ pid, name, user, memoryBytes }) => (
                    <div key={pid}>
                      {user} <span class="mono">{name}</span>{" "}
                      <span class="hint">
                        pid {pid}, {bytes(memoryBytes)}
                      </span>
                    </div>
                  ))}
                </td>
                <td class="mono">{device.uuid}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <CsvButton
        file={`${name}-devices.csv`}
        header={["index", "model", "memory_bytes", "state", "run", "foreign", "uuid"]}
        rows={() =>
          devices.map(({ index, model, memoryBytes, state, run, foreign, uuid }) => [
            ...[index, model, memoryBytes, state, run],
            foreign.map((one) => `${one.user} ${one.name} (pid ${one.pid}, ${bytes(one.memoryBytes)})`).join("; "),
            uuid,
          ])
        }
      />
    </>
  );
}

function Attempts({ attempts, name }: { attempts: readonly NodeAttempt[]; name: string }) {
  if (attempts.length === 0) return <p class="hint">{t("node.no-attempts")}</p>;
  const lasted = ({ startedAt, finishedAt }: NodeAttempt) =>
    startedAt === null ? undefined : (finishedAt ?? serverNow()) - startedAt;
  const csv = () =>
    attempts.map((one) => {
      const ms = lasted(one);
      const at = (value: number | null) => (value === null ? "" : new Date(value).toISOString());
      return [
        ...[one.ref, one.number, one.state, one.devices.join(" "), at(one.startedAt), at(one.finishedAt)],
        ms === undefined ? "" : ms / 1_000,
      ];
    });
  return (
    <>
      <div class="scroll-x">
        <table>
          <thead>
            <tr>
              <th scope="col">{t("node.run")}</th>
              <th scope="col" class="number">
                {t("node.attempt")}
              </th>
              <th scope="col">{t("node.state")}</th>
              <th scope="col">{t("node.started")}</th>
              <th scope="col" class="number">
                {t("node.lasted")}
              </th>
              <th scope="col">{t("node.devices")}</th>
            </tr>
          </thead>
          <tbody>
            {attempts.map((one) => {
              const ms = lasted(one);
              return (
                <tr key={one.fence}>
                  <td>
                    <Link to={`/runs/${one.ref}?attempt=${one.number}`}>{one.ref}</Link>
                  </td>
                  <td class="number">{one.number}</td>
                  <td>{t(...attemptWords(one))}</td>
                  <td>{one.startedAt === null ? "" : time(one.startedAt)}</td>
                  <td class="number">{ms === undefined ? "" : duration(ms)}</td>
                  <td class="mono">{one.devices.join(", ")}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
      <CsvButton
        file={`${name}.csv`}
        header={["run", "attempt", "state", "devices", "started", "finished", "seconds"]}
        rows={csv}
      />
    </>
  );
}
