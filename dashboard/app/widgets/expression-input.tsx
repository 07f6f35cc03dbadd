/** The field for an expression over runs, with the names that fit what is typed. Tab takes the first, the arrows choose. */
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { Column } from "../../../shared/run/dashboard.ts";
import { type Completion, completionsAt } from "../complete.ts";
import { t } from "../i18n/i18n.ts";

export interface ExpressionInputProps {
  readonly value: string;
  readonly columns: readonly Column[];
  readonly onSubmit: (text: string) => void;
}

export function ExpressionInput({ value, columns, onSubmit }: ExpressionInputProps) {
  const typed = useSignal(value);
  const options = useSignal<readonly Completion[]>([]);
  const chosen = useSignal(-1);
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    typed.value = value;
  }, [value]);
  const close = () => {
    options.value = [];
    chosen.value = -1;
  };
  const take = ({ from, to, text }: Completion) => {
    const field = input.current;
    if (!field) return;
    // In the field at once, with the caret behind it: the next key may come before the next drawing.
    field.value = typed.value.slice(0, from) + text + typed.value.slice(to);
    field.setSelectionRange(from + text.length, from + text.length);
    typed.value = field.value;
    close();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const count = options.value.length;
    if (count === 0) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const option = options.value[Math.max(0, chosen.value)];
    if (step !== undefined) {
      event.preventDefault();
      chosen.value = (chosen.value + step + (chosen.value < 0 && step < 0 ? 1 : 0) + count) % count;
    } else if (option && ((event.key === "Tab" && !event.shiftKey) || (event.key === "Enter" && chosen.value >= 0))) {
      event.preventDefault();
      take(option);
    } else if (event.key === "Escape") close();
  };
  return (
    <form
      class="filter"
      onSubmit={(event) => {
        event.preventDefault();
        close();
        onSubmit(typed.value.trim());
      }}
    >
      <label>
        {t("runs.filter")}{" "}
        <input
          ref={input}
          data-filter
          class="mono"
          size={42}
          spellcheck={false}
          autocomplete="off"
          role="combobox"
          aria-autocomplete="list"
          aria-expanded={options.value.length > 0}
          aria-controls="filter-options"
          aria-activedescendant={chosen.value >= 0 ? `filter-option-${chosen.value}` : undefined}
          placeholder={t("runs.filter-hint")}
          value={typed.value}
          onInput={(event) => {
            const { value: text, selectionStart } = event.currentTarget;
            typed.value = text;
            chosen.value = -1;
            options.value = completionsAt(text, selectionStart ?? text.length, columns);
          }}
          onKeyDown={onKeyDown}
          onBlur={close}
        />
      </label>
      <div
        id="filter-options"
        role="listbox"
        aria-label={t("runs.filter")}
        class="filter-options"
        hidden={options.value.length === 0}
      >
        {options.value.map((option, i) => (
          <div
            key={option.text}
            id={`filter-option-${i}`}
            role="option"
            tabIndex={-1}
            aria-selected={i === chosen.value}
            // Before the field loses its focus, and with it the list.
            onMouseDown={(event) => {
              event.preventDefault();
              take(option);
            }}
          >
            {option.text}
          </div>
        ))}
      </div>
    </form>
  );
}
