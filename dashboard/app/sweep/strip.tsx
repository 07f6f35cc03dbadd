/** Every run of a sweep as one small cell, by position: where it fails, where it is, what is left. */
import { useSignal } from "@preact/signals";
import type { RunState } from "../../../shared/run/states.ts";
import { Canvas, type CanvasPoint, Tip } from "../charts/canvas.tsx";
import { t } from "../i18n/i18n.ts";
import { go } from "../router.ts";
import { colour } from "../theme.ts";

const STATES: { readonly [letter: string]: RunState } = {
  q: "queued",
  h: "held",
  a: "assigned",
  r: "running",
  u: "unknown",
  s: "succeeded",
  f: "failed",
  c: "cancelled",
  k: "skipped",
};
/** How tall a cell of each state is, in parts: what failed stands out without its colour too. */
const FILLS: { readonly [state in RunState]: readonly [name: string, from: number, to: number] } = {
  queued: ["--line", 0.3, 0.7],
  held: ["--wait", 0.3, 0.7],
  assigned: ["--busy", 0.15, 0.85],
  running: ["--busy", 0, 1],
  unknown: ["--bad", 0.15, 0.85],
  succeeded: ["--good", 0, 1],
  failed: ["--bad", 0, 1],
  cancelled: ["--idle", 0.3, 0.7],
  skipped: ["--idle", 0.15, 0.85],
};
const CELL_PX_MAX = 16;
const ROWS_MAX = 60;
const GAP_PX_MIN = 5;

interface Grid {
  readonly cell: number;
  readonly perRow: number;
  readonly rows: number;
}

export function Strip({ sweep, strip, label }: { sweep: string; strip: string; label: string }) {
  const over = useSignal<{ readonly index: number; readonly point: CanvasPoint } | undefined>(undefined);
  const width = useSignal(0);
  // The first drawing says how wide it is; the height follows.
  const grid = gridOf(strip.length, width.value || 1_000);
  const at = ({ x, y }: CanvasPoint): number | undefined => {
    const column = Math.floor(x / grid.cell);
    const index = Math.floor(y / grid.cell) * grid.perRow + column;
    return column < grid.perRow && index >= 0 && index < strip.length ? index : undefined;
  };
  const stateAt = (index: number) => STATES[strip[index] ?? ""] ?? "queued";
  return (
    <div class="canvas-box">
      <Canvas
        label={label}
        height={grid.rows * grid.cell}
        keys={[strip, width.value]}
        draw={(context, drawnWidth) => {
          width.value = drawnWidth;
          draw(context, strip, gridOf(strip.length, drawnWidth));
        }}
        onPoint={(point) => {
          const index = point.kind === "leave" ? undefined : at(point);
          over.value = index === undefined ? undefined : { index, point };
          if (point.kind === "up" && index !== undefined) go(`/runs/${sweep}.${index + 1}`);
        }}
      />
      {over.value && (
        <Tip
          x={over.value.point.x}
          y={over.value.point.y}
          width={over.value.point.width}
          lines={[`${sweep}.${over.value.index + 1}`, t(`state.${stateAt(over.value.index)}`)]}
        />
      )}
    </div>
  );
}

function gridOf(count: number, width: number): Grid {
  for (let cell = CELL_PX_MAX; cell > 1; cell--) {
    const perRow = Math.max(1, Math.floor(width / cell));
    const rows = Math.ceil(count / perRow);
    if (rows * cell <= Math.max(CELL_PX_MAX, ROWS_MAX * 2)) return { cell, perRow, rows };
  }
  const perRow = Math.max(1, Math.floor(width / 2));
  return { cell: 2, perRow, rows: Math.ceil(count / perRow) };
}

function draw(context: CanvasRenderingContext2D, strip: string, { cell, perRow }: Grid): void {
  const gap = cell >= GAP_PX_MIN ? 1 : 0;
  const colours = new Map<string, string>();
  for (let i = 0; i < strip.length; i++) {
    const state = STATES[strip[i] ?? ""] ?? "queued";
    const [name, from, to] = FILLS[state];
    if (!colours.has(name)) colours.set(name, colour(name));
    context.fillStyle = colours.get(name) ?? "";
    const x = (i % perRow) * cell;
    const y = Math.floor(i / perRow) * cell;
    const size = cell - gap;
    context.fillRect(x, y + from * size, size, Math.max(1, (to - from) * size));
    if (state === "failed" && cell >= 8) cross(context, x, y, size);
  }
}

function cross(context: CanvasRenderingContext2D, x: number, y: number, size: number): void {
  context.strokeStyle = colour("--ground");
  context.lineWidth = 1.5;
  context.beginPath();
  context.moveTo(x + size * 0.25, y + size * 0.25);
  context.lineTo(x + size * 0.75, y + size * 0.75);
  context.moveTo(x + size * 0.75, y + size * 0.25);
  context.lineTo(x + size * 0.25, y + size * 0.75);
  context.stroke();
}
