/** [P] Progress bars as tqdm draws them: how far, how fast, how long it will take. */
import type { Progress } from "./captured.ts";

const NUMBER = String.raw`(\d{1,15}(?:\.\d{1,6})?)([kKMGTPE]?)i?[A-Za-z]{0,12}`;
const TIME = String.raw`\d{1,6}(?::\d\d){1,2}`;
/** After the drawn bar: ` 2587/29100 [1:22:29<526:27:27, 71.48s/it]`. */
const AFTER_BAR = new RegExp(String.raw`^ {0,8}${NUMBER}/${NUMBER} \[(?:${TIME})<(${TIME}|\?), {0,8}([^,\]]{1,40})`);
/** Without a total: `2587it [00:10, 250.30it/s]`. */
const NO_TOTAL = new RegExp(String.raw`(?:^|[ :])${NUMBER} \[${TIME}, {0,8}([^,\]]{1,40})`);
const LABEL_CHARS_MAX = 100;
const SEGMENT_CHARS_MAX = 2_048;

const SCALES = "kMGTPE";

/** The bar that a line shows, and where it ends; undefined where it shows none. */
export function readBar(segment: string): { readonly progress: Progress; readonly end: number } | undefined {
  if (segment.length > SEGMENT_CHARS_MAX) return undefined;
  const percent = segment.indexOf("%|");
  return percent < 0 ? withoutTotal(segment) : withTotal(segment, percent);
}

function withTotal(segment: string, percent: number): ReturnType<typeof readBar> {
  const barEnd = segment.indexOf("|", percent + 2);
  if (barEnd < 0) return undefined;
  const found = AFTER_BAR.exec(segment.slice(barEnd + 1));
  if (!found) return undefined;
  const [all, done = "", doneScale = "", total = "", totalScale = "", eta = "", rate = ""] = found;
  const label = segment
    .slice(0, percent)
    .replace(/\s*\d{1,3}$/, "")
    .replace(/:$/, "");
  const wholeDone = scaled(done, doneScale);
  const wholeTotal = scaled(total, totalScale);
  if (wholeTotal <= 0) return undefined;
  return {
    progress: {
      bar: `${label.slice(-LABEL_CHARS_MAX)}/${wholeTotal}`,
      done: wholeDone,
      total: wholeTotal,
      rate: rateOf(rate),
      etaSeconds: secondsOf(eta),
    },
    end: endOf(segment, barEnd + 1 + all.length),
  };
}

function withoutTotal(segment: string): ReturnType<typeof readBar> {
  if (!segment.includes("/s") && !segment.includes("s/")) return undefined;
  const found = NO_TOTAL.exec(segment);
  const rate = rateOf(found?.[3] ?? "");
  if (!found || rate === undefined) return undefined;
  const label = segment.slice(0, found.index);
  return {
    progress: {
      bar: `${label.slice(-LABEL_CHARS_MAX)}/?`,
      done: scaled(found[1] ?? "", found[2] ?? ""),
      total: undefined,
      rate,
      etaSeconds: undefined,
    },
    end: endOf(segment, found.index + found[0].length),
  };
}

/** Behind the closing bracket, before which there may be a postfix. */
function endOf(segment: string, from: number): number {
  const close = segment.indexOf("]", from);
  return close < 0 ? segment.length : close + 1;
}

function scaled(text: string, scale: string): number {
  return Number(text) * (scale === "" ? 1 : 1000 ** (SCALES.indexOf(scale.replace("K", "k")) + 1));
}

/** "9.50it/s", "71.48s/it", "10.1MB/s"; undefined for "?it/s". */
function rateOf(text: string): number | undefined {
  const perSecond = /^(\d{1,12}(?:\.\d{1,6})?)([kKMGTPE]?)[^/]{0,20}\/s/.exec(text);
  if (perSecond) return scaled(perSecond[1] ?? "", perSecond[2] ?? "");
  const perItem = /^(\d{1,12}(?:\.\d{1,6})?)s\//.exec(text);
  const seconds = Number(perItem?.[1]);
  return seconds > 0 ? 1 / seconds : undefined;
}

function secondsOf(text: string): number | undefined {
  if (text === "?") return undefined;
  return text.split(":").reduce((sum, part) => sum * 60 + Number(part), 0);
}
