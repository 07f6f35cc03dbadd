/** A part of the table of runs beside each other: one row for each name, one column for each run. */
import { text } from "../format.ts";
import type { ComparedRow } from "../stats/compare-runs.ts";

export function Rows(props: { title: string; rows: readonly ComparedRow[]; none: string; width: number }) {
  const { title, rows, none, width } = props;
  return (
    <tbody>
      <tr>
        <th scope="colgroup" colSpan={width} class="compare-title">
          {title} {rows.length === 0 && <span class="hint">{none}</span>}
        </th>
      </tr>
      {rows.map(({ key, values, differs }) => (
        <tr key={key} class={differs ? "differs" : ""}>
          <th scope="row">{key}</th>
          {values.map((value, i) => (
            <td key={i} class="mono wrap">
              {text(value)}
            </td>
          ))}
        </tr>
      ))}
    </tbody>
  );
}
