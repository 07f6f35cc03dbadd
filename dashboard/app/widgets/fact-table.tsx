/** Names and values under each other; what has no value is left out. */
export function FactTable({ rows, valueClass = "" }: { rows: readonly Fact[]; valueClass?: string }) {
  return (
    <table>
      <tbody>
        {rows
          .filter(([, value]) => value !== "")
          .map(([name, value]) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td class={valueClass}>{value}</td>
            </tr>
          ))}
      </tbody>
    </table>
  );
}

export type Fact = readonly [name: string, value: string];
