/** Controls whose value stands in the address. */
import { t } from "../i18n/i18n.ts";
import { isOn, queryOf, setQuery } from "../router.ts";

/** A box that is ticked as the address says. `usual`: what it is where the address says nothing. */
export function QueryCheck({ name, label, usual = false }: { name: string; label: string; usual?: boolean }) {
  return (
    <label>
      <input
        type="checkbox"
        checked={isOn(name, usual)}
        onChange={(event) => {
          const { checked } = event.currentTarget;
          setQuery({ [name]: checked === usual ? "" : checked ? "1" : "0" });
        }}
      />{" "}
      {label}
    </label>
  );
}

/** How much curves are smoothed, from 0 to below 1. */
export function smoothingOf(): number {
  return Number(queryOf("smooth")) || 0;
}

export function SmoothingSlider() {
  return (
    <label>
      {t("chart.smooth")}{" "}
      <input
        type="range"
        min={0}
        max={0.99}
        step={0.01}
        value={smoothingOf()}
        onInput={({ currentTarget: { value } }) => setQuery({ smooth: Number(value) > 0 ? value : "" })}
      />
    </label>
  );
}
