/** The frame: navigation, the state of the live link, the choice of language and theme, and the view of the address. */
import { useSignal } from "@preact/signals";
import type { ComponentType } from "preact";
import { useEffect } from "preact/hooks";
import { t } from "./i18n/i18n.ts";
import { follow, link } from "./live.ts";
import { match, place } from "./router.ts";
import { token, tokenProblem, useToken } from "./session.ts";
import { NotFound } from "./views/not-found.tsx";
import { VIEWS, type View } from "./views/routes.ts";
import { LookChoices } from "./widgets/look.tsx";
import { Link, Waiting } from "./widgets/parts.tsx";
import { Shortcuts } from "./widgets/shortcuts.tsx";

const PAGES = [
  ["/", "nav.fleet"],
  ["/queue", "nav.queue"],
  ["/runs", "nav.runs"],
  ["/sweeps", "nav.sweeps"],
  ["/submit", "nav.submit"],
  ["/events", "nav.events"],
  ["/usage", "nav.usage"],
  ["/settings", "nav.settings"],
] as const;

let following = false;

export function App() {
  useEffect(() => {
    if (!following) void follow();
    following = true;
  }, []);
  if (token.value === "") return <Login />;
  const { path } = place.value;
  return (
    <>
      <a class="skip" href="#content">
        {t("nav.skip")}
      </a>
      <header class="top">
        <nav aria-label={t("nav.label")}>
          <strong class="brand">{t("app.name")}</strong>
          {PAGES.map(([to, key]) => (
            <Link key={to} to={to} class={isHere(to, path) ? "here" : ""}>
              {t(key)}
            </Link>
          ))}
        </nav>
        <p class={`link link-${link.value}`} role="status">
          {t(`link.${link.value}`)}
        </p>
        <p class="choices">
          <LookChoices bare />
        </p>
      </header>
      <main id="content" tabIndex={-1}>
        <Shown />
      </main>
      <Shortcuts />
    </>
  );
}

function isHere(to: string, path: string): boolean {
  return to === "/" ? path === "/" : path === to || path.startsWith(`${to}/`);
}

type Page = ComponentType<{ names: { readonly [name: string]: string } }>;

/** The view of the address. */
function Shown() {
  const loaded = useSignal<{ readonly view: View; readonly Page: Page } | undefined>(undefined);
  const problem = useSignal<Error | undefined>(undefined);
  const { path } = place.value;
  const view = VIEWS.find(({ pattern }) => match(pattern, path));
  const names = view ? match(view.pattern, path) : undefined;
  const load = () => {
    problem.value = undefined;
    view?.load().then(
      (Page) => {
        loaded.value = { view, Page };
      },
      (error: unknown) => {
        problem.value = error instanceof Error ? error : new Error(String(error));
      },
    );
  };
  useEffect(load, [view]);
  if (!view) return <NotFound />;
  // What another address loaded is not shown with the names of this one.
  if (loaded.value?.view !== view || problem.value) return <Waiting error={problem.value} reload={load} />;
  const { Page } = loaded.value;
  return <Page key={path} names={names ?? {}} />;
}

function Login() {
  const typed = useSignal("");
  return (
    <main class="login">
      <h1>{t("app.name")}</h1>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          useToken(typed.value.trim());
        }}
      >
        <label for="token">{t("login.title")}</label>
        <input
          id="token"
          type="password"
          autocomplete="off"
          spellcheck={false}
          required
          onInput={(event) => {
            typed.value = event.currentTarget.value;
          }}
        />
        <button type="submit">{t("login.open")}</button>
        <p role="alert" class="problem">
          {tokenProblem.value}
        </p>
        <p class="hint">{t("login.hint")}</p>
      </form>
    </main>
  );
}
