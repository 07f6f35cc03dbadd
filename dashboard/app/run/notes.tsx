/** What people say of a run: a star, tags, a note. */
import { useSignal } from "@preact/signals";
import type { RunDetail } from "../../../shared/run/dashboard.ts";
import { act } from "../actions.tsx";
import { t } from "../i18n/i18n.ts";
import { Command } from "../widgets/parts.tsx";

interface Props {
  readonly detail: RunDetail;
  readonly onDone: () => void;
}

/** What the star does, as a command. */
export function starCommand({ run, favourite }: RunDetail): string {
  return `exp edit ${run.ref} ${favourite ? "--no-favourite" : "--favourite"}`;
}

export function Star({ detail, onDone }: Props) {
  const { run, favourite } = detail;
  return (
    <button
      type="button"
      class="star"
      aria-pressed={favourite}
      aria-label={t("run.favourite")}
      title={t("run.favourite")}
      onClick={() => {
        void act("annotate", { ref: run.ref, favourite: !favourite }).then((done) => done && onDone());
      }}
    >
      {favourite ? "★" : "☆"}
    </button>
  );
}

/** Tags that came with the sweep stay; people's own are added and taken away. */
export function Notes({ detail, onDone }: Props) {
  const { run, tags, ownTags, note } = detail;
  const editing = useSignal(false);
  const typedTags = useSignal("");
  const typedNote = useSignal("");
  if (!editing.value) {
    return (
      <div class="notes">
        {tags.map((tag) => (
          <span class="label" key={tag}>
            {tag}
          </span>
        ))}
        {note !== "" && <p class="note">{note}</p>}
        <button
          type="button"
          onClick={() => {
            typedTags.value = ownTags.join(", ");
            typedNote.value = note;
            editing.value = true;
          }}
        >
          {t("run.edit-notes")}
        </button>
      </div>
    );
  }
  return (
    <form
      class="card notes-form"
      onSubmit={(event) => {
        event.preventDefault();
        const own = [...new Set(typedTags.value.split(/[\s,，]+/).filter((tag) => tag !== ""))];
        void act("annotate", { ref: run.ref, tags: own, note: typedNote.value }).then((done) => {
          if (!done) return;
          editing.value = false;
          onDone();
        });
      }}
    >
      <label for="run-tags">{t("run.tags")}</label>
      <input
        id="run-tags"
        value={typedTags.value}
        onInput={(event) => {
          typedTags.value = event.currentTarget.value;
        }}
      />
      <label for="run-note">{t("run.note")}</label>
      <textarea
        id="run-note"
        rows={4}
        value={typedNote.value}
        onInput={(event) => {
          typedNote.value = event.currentTarget.value;
        }}
      />
      <p class="toolbar">
        <button type="submit" class="primary">
          {t("run.save-notes")}
        </button>
        <button
          type="button"
          onClick={() => {
            editing.value = false;
          }}
        >
          {t("common.cancel")}
        </button>
      </p>
      <Command text={`exp edit ${run.ref} --tag TAG --note TEXT`} />
    </form>
  );
}
