/** The choice of language and theme. */
import { chooseLanguage, language, t } from "../i18n/i18n.ts";
import { chooseTheme, type Theme, theme } from "../theme.ts";

const THEMES: readonly Theme[] = ["system", "light", "dark"];

/** `bare`: with labels for screen readers only. */
export function LookChoices({ bare = false }: { bare?: boolean }) {
  const labelClass = bare ? "visually-hidden" : "";
  return (
    <>
      <label>
        <span class={labelClass}>{t("language.label")}</span>{" "}
        <select
          value={language.value}
          onChange={(event) => chooseLanguage(event.currentTarget.value === "zh" ? "zh" : "en")}
        >
          <option value="en">English</option>
          <option value="zh">简体中文</option>
        </select>
      </label>
      <label>
        <span class={labelClass}>{t("theme.label")}</span>{" "}
        <select value={theme.value} onChange={(event) => chooseTheme(event.currentTarget.value as Theme)}>
          {THEMES.map((choice) => (
            <option key={choice} value={choice}>
              {t(`theme.${choice}`)}
            </option>
          ))}
        </select>
      </label>
    </>
  );
}
