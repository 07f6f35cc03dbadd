/** How a client of ours speaks to the coordinator: TLS where its token names a certificate, and only to who has that one. */
import { createSecureContext } from "node:tls";
import { type ChannelCredentials, type ChannelOptions, credentials } from "@grpc/grpc-js";
import type { Token } from "../kernel/token.ts";
import { pinnedTls } from "./pinned.ts";

export function credentialsFor({ certificate }: Token): ChannelCredentials {
  if (certificate === undefined) return credentials.createInsecure();
  const { ca, minVersion, checkServerIdentity } = pinnedTls(certificate);
  return credentials.createFromSecureContext(createSecureContext({ ca, minVersion }), { checkServerIdentity });
}

/** For every channel with such credentials: the name that is asked for. It stands for no host, and an address may not stand there. */
export const TLS_NAME: ChannelOptions = { "grpc.ssl_target_name_override": "expfleet" };
