/** How the page looks for this user, who it is to the server, and how the server is. */
import { VERSION } from "../../../shared/version.ts";
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

/** The health check stands beside the API and needs no token. */
async function readHealth(signal: AbortSignal): Promise<Health> {
  const response = await fetch("/healthz", { signal });
  if (!response.ok) throw new Error(`${response.status} ${response.statusText}`);
  return (await response.json()) as Health;
}
