/** An address that leads nowhere. */
import { t } from "../i18n/i18n.ts";
import { place } from "../router.ts";

export function NotFound() {
  return (
    <section>
      <h1>{t("notfound.title")}</h1>
      <p>{t("notfound.text", { path: place.value.path })}</p>
    </section>
  );
}
