/** [P] The bus of a local stack: one account, a user for each role, with the rights of deploy/nats.conf. */

export interface NatsSettings {
  readonly host: string;
  readonly port: number;
  /** Absolute directory of the JetStream store. */
  readonly store: string;
  /** Undefined: without TLS. */
  readonly tls: { readonly certificateFile: string; readonly keyFile: string } | undefined;
  readonly coordinatorPassword: string;
  readonly agentPassword: string;
}

export function natsConfigText(settings: NatsSettings): string {
  const quote = JSON.stringify;
  const { certificateFile = "", keyFile = "" } = settings.tls ?? {};
  const tls = settings.tls ? `tls { cert_file: ${quote(certificateFile)}, key_file: ${quote(keyFile)} }\n` : "";
  return `# Made by "exp up" at each start.
server_name: exp-local
listen: ${quote(`${settings.host.includes(":") ? `[${settings.host}]` : settings.host}:${settings.port}`)}
max_payload: 512KB
${tls}authorization { timeout: 5 }
jetstream { store_dir: ${quote(settings.store)}, max_memory_store: 64MB, max_file_store: 4GB }
accounts {
  EXP {
    jetstream { max_memory: 64MB, max_file: 4GB, max_streams: 4, max_consumers: 16 }
    users: [
      {
        user: coordinator
        password: ${quote(settings.coordinatorPassword)}
        permissions { publish: ">", subscribe: ">" }
      }
      {
        user: agent
        password: ${quote(settings.agentPassword)}
        permissions {
          publish: { allow: ["exp.v1.>"] }
          subscribe: { allow: ["*.*"], deny: ["exp.*", "_INBOX.*", "$JS.*", "$SYS.*"] }
        }
      }
    ]
  }
}
`;
}
