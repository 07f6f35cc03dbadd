/** Names and values under each other; what has no value is left out. */
import { CsvButton } from "./parts.tsx";

export type Fact = readonly [name: string, value: string];

/** `file`: name of the CSV file. */
export function FactTable(props: { file: string; rows: readonly Fact[]; valueClass?: string }) {
  const { file, valueClass = "" } = props;
  const rows = props.rows.filter(([, value]) => value !== "");
  if (rows.length === 0) return null;
  return (
    <>
      <table>
        <tbody>
          {rows.map(([name, value]) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td class={valueClass}>{value}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <CsvButton file={file} header={["name", "value"]} rows={() => rows} />
    </>
  );
}
