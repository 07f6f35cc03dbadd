/** A canvas as wide as its place, sharp on every screen, drawn again when its data, its size or the theme changes. */
import { useEffect, useRef } from "preact/hooks";
import { shownTheme } from "../theme.ts";

export interface CanvasProps {
  readonly label: string;
  readonly height: number;
  /** In CSS pixels; the ground is clear. */
  readonly draw: (context: CanvasRenderingContext2D, width: number, height: number) => void;
  /** It is drawn again when one of them is another. */
  readonly keys: readonly unknown[];
  readonly onPoint?: (event: CanvasPoint) => void;
}

export interface CanvasPoint {
  readonly kind: "move" | "down" | "up" | "leave";
  readonly x: number;
  readonly y: number;
  /** Of the canvas. */
  readonly width: number;
}

export function Canvas(props: CanvasProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const latest = useRef(props);
  latest.current = props;
  const theme = shownTheme.value;

  const paint = () => {
    const element = canvas.current;
    const context = element?.getContext("2d");
    if (!element || !context) return;
    const { height, draw } = latest.current;
    const width = element.clientWidth;
    const scale = devicePixelRatio;
    element.width = Math.round(width * scale);
    element.height = Math.round(height * scale);
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.font = "12px system-ui, 'Noto Sans SC', sans-serif";
    draw(context, width, height);
  };
  useEffect(paint, [...props.keys, theme, props.height]);
  useEffect(() => {
    if (!canvas.current) return;
    const resized = new ResizeObserver(paint);
    resized.observe(canvas.current);
    return () => resized.disconnect();
  }, []);

  const tell = (kind: CanvasPoint["kind"]) => (event: PointerEvent) => {
    const element = canvas.current;
    if (!element) return;
    if (kind === "down") element.setPointerCapture(event.pointerId);
    const place = element.getBoundingClientRect();
    const point = { kind, x: event.clientX - place.left, y: event.clientY - place.top, width: place.width };
    latest.current.onPoint?.(point);
  };
  return (
    <canvas
      ref={canvas}
      class="canvas"
      role="img"
      aria-label={props.label}
      style={{ height: `${props.height}px` }}
      onPointerMove={tell("move")}
      onPointerDown={tell("down")}
      onPointerUp={tell("up")}
      onPointerLeave={tell("leave")}
    />
  );
}

/** What stands at the pointer, beside it. */
export function Tip({ x, y, width, lines }: { x: number; y: number; width: number; lines: readonly string[] }) {
  const side = x > width / 2 ? { right: `${width - x + 12}px` } : { left: `${x + 12}px` };
  return (
    <div class="tip" style={{ top: `${y + 12}px`, ...side }}>
      {lines.map((line, i) => (
        <div key={line}>{i === 0 ? <strong>{line}</strong> : line}</div>
      ))}
    </div>
  );
}
