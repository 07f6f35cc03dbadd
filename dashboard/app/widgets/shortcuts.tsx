/** The keyboard: `?` lists the keys, `g` and a letter goes somewhere, `/` to the filter of the view. */
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { t } from "../i18n/i18n.ts";
import { go } from "../router.ts";

const PLACES: { readonly [key: string]: string } = { f: "/", q: "/queue", r: "/runs", s: "/sweeps", e: "/events" };
/** After `g`, the letter must follow within this time. */
const SECOND_KEY_MS = 1_000;

const LIST = [
  ["?", "keys.help"],
  ["/", "keys.search"],
  ["j", "keys.next"],
  ["k", "keys.previous"],
  ["Enter", "keys.open"],
  ["x", "keys.select"],
  ["p", "keys.pin"],
  ["+ -", "keys.priority"],
  ["h", "keys.hold"],
  ["g f, g q, g r, g s, g e", "keys.go"],
] as const;

export function Shortcuts() {
  const open = useSignal(false);
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    let wentAtMs = 0;
    const onKey = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      const to = performance.now() - wentAtMs < SECOND_KEY_MS ? PLACES[event.key] : undefined;
      wentAtMs = event.key === "g" ? performance.now() : 0;
      if (to !== undefined) go(to);
      else if (event.key === "?") open.value = true;
      else if (event.key === "/") {
        const filter = document.querySelector<HTMLInputElement>("[data-filter]");
        if (!filter) return;
        event.preventDefault();
        filter.focus();
      }
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);
  useEffect(() => {
    if (open.value) dialog.current?.showModal();
  }, [open.value]);
  if (!open.value) return null;
  return (
    <dialog
      ref={dialog}
      aria-labelledby="keys-title"
      onClose={() => {
        open.value = false;
      }}
    >
      <h2 id="keys-title">{t("keys.title")}</h2>
      <dl class="keys">
        {LIST.map(([key, what]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{t(what)}</dd>
          </div>
        ))}
      </dl>
      <button type="button" onClick={() => dialog.current?.close()}>
        {t("common.close")}
      </button>
    </dialog>
  );
}

/** True where a key is text, or the field's own. */
export function isTyping(target: EventTarget | null): boolean {
  if (target instanceof HTMLInputElement && /^(checkbox|radio|button|submit)$/.test(target.type)) return false;
  return (
    target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
  );
}
