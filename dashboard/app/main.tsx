/** The dashboard's start: one page, drawn by Preact, that reads the HTTP API and follows the live feed. */
import { render } from "preact";
import { App } from "./app.tsx";
import { applyTheme } from "./theme.ts";

applyTheme();
const root = document.getElementById("app");
if (root) render(<App />, root);
