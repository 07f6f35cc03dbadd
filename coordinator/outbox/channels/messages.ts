/** Channels that take messages: Slack's incoming webhooks, the custom bots of Feishu and Lark, and any address by JSON. */
import { createHmac } from "node:crypto";
import type { OutboxEntry } from "../../store/outbox.ts";
import { type Channel, type Delivery, DONE } from "../channel.ts";
import type { SweepFacts } from "../facts.ts";
import { type Answer, CallError, call, fieldsOf } from "../http-call.ts";
import { noticeLines } from "../texts.ts";

export interface MessageTarget {
  /** As `kind:name`. */
  readonly name: string;
  readonly url: string;
  /** Empty: nothing is signed. */
  readonly secret: string;
}

interface Request {
  readonly headers?: { readonly [name: string]: string };
  readonly body: string;
}

/** `nowMs`: the wall clock. */
export function createSlackChannel(target: MessageTarget, nowMs: () => number): Channel {
  const request = (_: OutboxEntry, facts: SweepFacts): Request => ({
    body: JSON.stringify({ text: slackText(noticeLines(facts)) }),
  });
  return messageChannel(target, nowMs, request);
}

/** Feishu and Lark speak the same. `nowMs` is the wall clock: the signature holds for an hour around it. */
export function createBotChannel(target: MessageTarget, nowMs: () => number): Channel {
  const request = (_: OutboxEntry, facts: SweepFacts): Request => {
    const timestamp = String(Math.floor(nowMs() / 1000));
    const signed = target.secret === "" ? {} : { timestamp, sign: botSignature(timestamp, target.secret) };
    const content = { text: noticeLines(facts).join("\n") };
    return { body: JSON.stringify({ ...signed, msg_type: "text", content }) };
  };
  return messageChannel(target, nowMs, request, botAnswer);
}

/** `nowMs`: the wall clock. */
export function createWebhookChannel(target: MessageTarget, nowMs: () => number): Channel {
  return messageChannel(target, nowMs, ({ id, createdAt, tries }, facts) => {
    const text = noticeLines(facts).join("\n");
    const body = JSON.stringify({ id, at: new Date(createdAt).toISOString(), text, ...facts });
    const signature = createHmac("sha256", target.secret).update(body).digest("hex");
    const headers = {
      "x-expfleet-delivery": id,
      "x-expfleet-try": String(tries),
      ...(target.secret !== "" && { "x-expfleet-signature": `sha256=${signature}` }),
    };
    return { headers, body };
  });
}

/** As documented for custom bots: HMAC-SHA256 of nothing, keyed by the time and the secret. */
export function botSignature(timestamp: string, secret: string): string {
  return createHmac("sha256", `${timestamp}\n${secret}`).digest("base64");
}

function messageChannel(
  { name, url }: MessageTarget,
  nowMs: () => number,
  request: (entry: OutboxEntry, facts: SweepFacts) => Request,
  read: (answer: Answer) => Delivery = () => DONE,
): Channel {
  return {
    name,
    batchMax: 1,
    async deliver(entries, signal) {
      const deliveries: Delivery[] = [];
      for (const entry of entries) {
        const facts = JSON.parse(entry.body) as SweepFacts;
        deliveries.push(read(await call({ method: "POST", url, signal, ...request(entry, facts) })));
      }
      return deliveries;
    },
    async probe(signal) {
      const entry = {
        seq: 0,
        id: "test",
        channel: name,
        subject: "",
        body: "",
        createdAt: nowMs(),
        dueAt: 0,
        tries: 1,
      };
      const delivery = read(await call({ method: "POST", url, signal, ...request(entry, { sweep: "", project: "" }) }));
      if (delivery.kind !== "done") throw new CallError("error" in delivery ? delivery.error : "no answer", false);
      return "a message was sent";
    },
  };
}

/** Bots say most of what goes wrong with HTTP 200. 9499 and 11232: too often. */
const BOT_BUSY: ReadonlySet<unknown> = new Set([9499, 11232, 11233]);

function botAnswer({ json, text }: Answer): Delivery {
  const fields = fieldsOf(json);
  const code = fields.code ?? fields.StatusCode;
  if (code === 0) return DONE;
  const error = `code ${code ?? "missing"}: ${String(fields.msg ?? text).slice(0, 200)}`;
  return BOT_BUSY.has(code) ? { kind: "later", error } : { kind: "refused", error };
}

/** The three characters that have a meaning in Slack's texts. */
function slackText(lines: readonly string[]): string {
  return lines.join("\n").replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
