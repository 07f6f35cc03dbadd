/** A part of a page under a line that opens it. */
import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";

/** Drawn only when it is open: a difference has thousands of lines. */
export function Unfold({ title, children }: { title: string; children: ComponentChildren }) {
  const open = useSignal(false);
  return (
    <details
      class="unfold"
      onToggle={(event) => {
        open.value = event.currentTarget.open;
      }}
    >
      <summary>{title}</summary>
      {open.value && children}
    </details>
  );
}
