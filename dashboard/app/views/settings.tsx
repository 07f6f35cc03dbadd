/** How the page looks for this user, who it is to the server, and how the server is. */
import type { ChannelView } from "../../../shared/run/notify.ts";
import { VERSION } from "../../../shared/version.ts";
import { get } from "../api.ts";
import { t } from "../i18n/i18n.ts";
import { useLoaded } from "../loading.ts";
import { forgetToken } from "../session.ts";
import { LookChoices } from "../widgets/look.tsx";
import { Command, CsvButton, Waiting } from "../widgets/parts.tsx";

interface Health {
  readonly status: string;
  readonly bus: string;
}

export function Settings() {
  return (
    <section>
      <h1>{t("nav.settings")}</h1>
      <h2>{t("settings.look")}</h2>
      <p class="toolbar">
        <LookChoices />
      </p>
      <p class="hint">{t("settings.kept")}</p>
      <h2>{t("settings.access")}</h2>
      <p>
        {t("settings.token")}{" "}
        <button type="button" class="danger" onClick={() => forgetToken("")}>
          {t("settings.forget")}
        </button>
      </p>
      <p class="hint">{t("settings.token-hint")}</p>
      <h2>{t("settings.server")}</h2>
      <Server />
      <h2>{t("settings.channels")}</h2>
      <Channels />
      <h2>{t("settings.more")}</h2>
      <ul>
        <li>
          <code>exp help</code> {t("settings.help")}
        </li>
        <li>
          <code>docs/dashboard.md</code> {t("settings.docs")}
        </li>
      </ul>
      <Command text="exp doctor" />
    </section>
  );
}

function Server() {
  const health = useLoaded(readHealth, []);
  if (!health.data) return <Waiting error={health.error} reload={health.reload} />;
  const { status, bus } = health.data;
  const rows: [string, string, boolean][] = [
    [t("settings.version"), VERSION, true],
    [t("settings.address"), location.host, true],
    [t("settings.health"), status === "ok" ? t("settings.ok") : status, status === "ok"],
    [
      t("settings.bus"),
      bus === "connected" ? t("settings.connected") : t("settings.disconnected"),
      bus === "connected",
    ],
  ];
  return (
    <>
      <table>
        <tbody>
          {rows.map(([name, value, isGood]) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td class={isGood ? "" : "problem"}>{value}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <CsvButton file="server.csv" header={["name", "value"]} rows={() => rows.map(([name, value]) => [name, value])} />
    </>
  );
}

function Channels() {
  const channels = useLoaded((signal) => get<ChannelView[]>("/channels", signal), []);
  if (!channels.data) return <Waiting error={channels.error} reload={channels.reload} />;
  const { data } = channels;
  if (data.length === 0) return <p class="hint">{t("settings.no-channels")}</p>;
  return (
    <>
      <div class="scroll-x">
        <table>
          <thead>
            <tr>
              <th scope="col">{t("settings.channel-kind")}</th>
              <th scope="col">{t("settings.channel")}</th>
              <th scope="col" class="number">
                {t("settings.channel-waiting")}
              </th>
              <th scope="col">{t("settings.channel-state")}</th>
            </tr>
          </thead>
          <tbody>
            {data.map(({ kind, name, waiting, problem }) => (
              <tr key={`${kind}:${name}`}>
                <td>{kind}</td>
                <th scope="row">{name}</th>
                <td class="number">{waiting.toLocaleString("en")}</td>
                <td class={problem === "" ? "" : "problem"}>{problem === "" ? t("settings.ok") : problem}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <CsvButton
        file="channels.csv"
        header={["kind", "name", "waiting", "problem"]}
        rows={() => data.map(({ kind, name, waiting, problem }) => [kind, name, waiting, problem])}
      />
    </>
  );
}

/** The health check stands beside the API and needs no token. */
async function readHealth(signal: AbortSignal): Promise<Health> {
  const response = await fetch("/healthz", { signal });
  if (!response.ok) throw new Error(`${response.status} ${response.statusText}`);
  return (await response.json()) as Health;
}
