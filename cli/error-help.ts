/** [P] What each stable error id means and what to do: `exp help CODE`. A test holds it against the sources. */

export interface ErrorHelp {
  readonly meaning: string;
  readonly remedy: string;
}

/** By id. Ids without a dot are the classes that an error belongs to where it has no id of its own. */
export const ERROR_HELP: { readonly [id: string]: ErrorHelp } = table(`
usage | The words of the command cannot be understood as they stand. | exp COMMAND --help shows what it takes.
invalid | What was given cannot be. | The message names it; correct it and try again.
not_found | There is no such thing. | exp ls -a and exp sweeps list what there is.
conflict | It cannot be done as things are now. | The message says what stands against it.
unauthorized | The coordinator does not know you, or not well enough. | exp login HOST:PORT, or --token-file FILE with a token of this coordinator.
unavailable | Nobody answers at that address. | exp doctor checks the way there, step by step.
exhausted | A limit is reached. | Ask for less, or later.
fenced | An attempt spoke that is no longer the current one; its word does not count. | Nothing: the attempt after it goes on.
timeout | Time was up before it was done. | Give it more with --timeout; what was begun goes on.
internal | A fault of ours. | The report that the message names says more; please send it.
confirm.needed | It does a lot, and there is nobody to ask. | Add --yes, or type it in a terminal.

agent.container-engine | The engine of --container-engine is unknown, not on PATH, or does not answer. | Start or repair it, or name another one: auto, none, docker, podman, apptainer, charliecloud.
agent.coordinator | The agent was not told where the coordinator is, or the address is none. | exp-agent start --coordinator HOST:PORT
agent.cpu-slots | More CPU slots than an agent takes. | Give a smaller --cpu-slots.
agent.gpus | The devices of --gpus are not on this host, or the list cannot be read. | nvidia-smi -L lists them; numbers or UUIDs with commas between, auto or none.
agent.journal | The agent's own record cannot be opened. | Look at the rights of its --workdir; two agents cannot share one.
agent.address | The address of the node cannot be one. | A host name or an IP address, without a port; or leave --address out.
agent.label | A label is not KEY=VALUE. | Write --labels zone=a,disk=ssd.
agent.name | The name of the node cannot be one. | Letters, digits, dots and dashes; give --name.
agent.newer-journal | A newer version of the agent wrote this --workdir. | Start that version again, or another --workdir.
agent.not-running | No agent runs with this --workdir. | Start it, or name its --workdir.
agent.nvidia-smi | nvidia-smi failed. | Run it by hand; --gpus none offers CPU slots alone.
agent.silent | The agent runs and does not answer. | Look at its log; it may be under heavy load.
agent.socket | The agent cannot open its local socket. | Look at the rights and the length of the --workdir path.
agent.own-token | The token that the host has of its own is damaged, or belongs to another name or journal. | The message says which; exp token join NODE lets the host join again.
agent.token | The agent has no token, or one that it cannot read. | Where exp is: exp token join > FILE; on the host: --join-token-file FILE.
agent.workdir | The agent cannot use its --workdir. | Make it, or give one that it may write to.
auth.limited | Too many wrong tokens from this address. | Wait a minute, then log in with the right one.
auth.node | A host asked for something that is another's; its token speaks for its own node alone. | Each host joins with a join token of its own: exp token join NODE.
auth.role | Your token is for something else. | Ask whoever runs the coordinator for one that may: exp token create NAME --role ROLE.
auth.token | The token is missing, or not one of this coordinator. | exp login HOST:PORT --token-file FILE; the coordinator keeps its token in its data directory.

apply.code | The file asks for a copy of the code, and the sweep was submitted without one. | Submit the file as a new sweep.
apply.size | exp apply takes no files of so many runs. | Submit the file as a new sweep.
best.goal | The goal is neither maximize nor minimize. | --goal maximize or --goal minimize
best.no-metric | Neither the sweep nor the command says which metric to rank by. | Add --metric NAME, or an [objective] to the file.
best.reduce | No such choice of a run's values. | One of best, last, min, max.
best.unknown-metric | No run that succeeded logged this metric. | exp metrics REF lists those of a run.

artifact.form | A host told of an artifact that cannot be one. | Update the agent of that host.
artifact.gone | The artifact did not come, or was let go. | exp show REF says why.
artifact.many | Too many artifacts in one call. | Only programs see this: tell them in portions.
artifact.path | The artifact is a folder, and the file is not in it. | exp pull fetches it whole.
artifact.pending | The artifact is still on its way from its host. | Try again in a moment; exp show REF says how far it is.
artifact.unknown | The run has no artifact of this number. | exp show REF lists them.
agent.upload-rate | The value of --upload-rate is no size. | Write it as 50MB.
blob.busy | The same content is being uploaded by somebody else. | Try again in a moment.
blob.disk | The disk of the coordinator is nearly full: artifacts wait at their hosts. | exp prune removes results; [capture] keep_last and keep_best keep fewer checkpoints.
blob.damaged | A content is not what its hash says. | Send it again; where it is the stored one, look at the disk of the coordinator.
blob.many | Too many contents in one call. | Ask in portions.
blob.missing | The coordinator does not have this content. | Submit again from where the code is.
blob.name | The name of a content is not a SHA-256. | Only programs see this: use the client that belongs to the coordinator.
blob.offset | An upload went on at the wrong place. | Submit again.
blob.size | A file is too large to be stored as code. | Name it in .expignore, and give its place to the runs as a parameter.
code.broken | A copy of the code did not come whole. | Try again.
code.changing | A file was written while it was read. | Submit again when nothing writes there; .expignore leaves files out.
code.damaged | A copy of the code is not what its hash says. | Try again; where it stays so, look at the disk of the coordinator.
code.missing | A file that the record of the code names is not there. | Submit again from where the code is.
code.none | The file asks for a copy of the code, and none came with it. | Submit with exp, which sends it.
code.out | The directory for the code is there already, and is not empty. | Name another.
code.record | The record of the code is too long. | Leave data and results out with .expignore.
code.root | The directory of the code cannot be one. | Name the directory that holds your program in [run].
code.snapshot | The code cannot be copied. | The message names the file.
environment.damaged | The record of an environment is not what its hash says. | Look at the disk of the coordinator.
environment.size | The record of an environment is too long. | Only programs see this: use the agent that belongs to the coordinator.
environment.unknown | Nothing is known of this environment. | exp show REF says which one a run had.

bus.credentials | The file with the accounts of the bus cannot be read. | Name the right one with --bus-credentials.
bus.no-credentials | The coordinator was not told how to log in to the bus. | --bus-credentials FILE
bus.stream | The bus holds a stream of our name that somebody else made. | Use another NATS server, or remove that stream.
bus.version | The nats-server is too old. | Install the version that the message names.
config.file | The configuration file cannot be read. | The message says where it stops.
config.unknown-key | The configuration has a key that nobody reads. | Look for a slip of the pen.
config.value | A value of the configuration cannot be. | The message says what may be there.
context.file | The list of remembered coordinators is damaged. | Remove the file, and exp login again.
context.mode | The file with your tokens can be read by others. | chmod 600 FILE
context.unknown | No coordinator is remembered by that name. | exp context ls
convert | The file of another tool cannot be turned into a sweep file. | The message says what stands in the way; docs/converting.md.
coordinator.directory | The coordinator cannot use one of its directories. | Make it, or look at its rights.
coordinator.not-running | No coordinator runs on this data directory. | exp-coordinator start --data DIR
down.left | Some parts of the local stack did not end. | The message has their process ids.
edit.note | A note is too long, or no text. | Shorten it.
edit.nothing | Nothing was said that is to be changed. | exp edit REF --priority N
edit.priority | A priority is out of range. | The message has the range.
edit.tag | A tag cannot be one. | Without spaces and commas.
edit.tags | A run has too many tags. | Take some away first.

export.incomplete | The stream of results ended too early. | Try again.
export.path | The place for the export cannot be used. | Name another with --out.
export.write | The export cannot be written. | Look at the rights and the space of the place.
export.xlsx-size | A worksheet holds no more rows or columns. | --format csv or parquet.
expression.syntax | An expression cannot be read. | exp help expressions
expression.name | A name of an expression has no value. | exp help expressions lists the names; parameters and metrics go by their own.
expression.type | An operation does not know such a value, as "a" < 1. | Convert it: float(x), str(x).
expression.value | The value is of the right type, and cannot be: a division by zero. | Guard it: a / b if b != 0 else 0.
expression.limit | An expression is too long, too deep or too much work. | Make it smaller.
file.exists | The file is there already, and is not written over. | Name another place, or move it away.
file.kind | That is not an ordinary file. | Name a file.
file.read | A file cannot be read. | Look at its name and its rights.
file.size | A file is too large. | A sweep file holds the plan; put data elsewhere.
file.write | A file cannot be written. | Look at the rights and the space of the place.
files.layout | No such layout of results. | exp, ztxexp
files.unknown | The run has no such file. | The page of the run lists them.
http.body | The body of a request cannot be read. | docs/api says what each action takes.
http.body-too-large | The body of a request is too large. | Send a smaller one.
http.feeds | Too many pages follow the news with this token. | Close some.
http.key | The Idempotency-Key cannot be one. | 1 to 200 visible characters.
http.parts | Many hosts send artifacts at this moment. | Nothing: hosts send on when their turn comes.
http.query | A query parameter cannot be. | docs/api names those of each address.
http.streams | Too many streams are open at the coordinator. | Close some pages, or try again later.

identity.git | git cannot list the code. | Run git status there.
identity.no-lock | The environment is to count for the identity, and there is no lock file. | Add one (uv.lock, requirements.txt), or leave "env" out of [identity] include.
identity.read | A file that counts for the identity cannot be read. | Look at its name and its rights.
identity.too-much | The code directory is too large to count for the identity. | .expignore leaves files out.
import.config | The configuration of a run to import cannot be read. | The message has the directory.
import.points | The points of an imported run do not fit what is stored. | Import again; what is there already stays.
import.read | The directory to import cannot be read. | Look at its name and its rights.
import.request | The import cannot be understood. | Use the exp that belongs to the coordinator.
import.too-many | A sweep holds no more runs. | Import parts of the directory.
metric.unknown | The run has not logged this metric. | exp metrics REF lists what it has.
net.bind | The address cannot be listened on. | The message has the reason.
join.form | What a host sent to join with cannot be used. | Update the host: agent and coordinator of one version belong together.
join.name | Another host has that name, and a token of its own. | Choose another --name; where that host is gone or was set up anew: exp token join NODE.
join.node | The join token was made for another node. | Start the agent with --name of that node, or make another join token.
join.over | The join token was used, its time is over, or nobody knows it. | exp token ls says which; exp token join makes another.
join.token | That token is not for joining. | exp token join makes one that is; every other token is given with --token-file.
net.insecure | Without TLS, others of the network would see token and output. | Say --tls; or listen on 127.0.0.1 and forward the port by SSH; or say --insecure-lan on a network that you trust.
net.no-address | The address is none of this machine. | ip addr lists them.
net.port-forbidden | Ports below 1024 are not for ordinary users. | Use a higher one.
net.port-taken | Another program listens on this port. | Stop it, or use another port.
output.write | What exp prints could not be written. | Look at the space and the rights of where it goes.
node.action | No such action on a node. | exp cordon, uncordon, drain
node.unknown | No node has this name. | exp nodes
notify.channel | A sweep file wants to tell a channel that the coordinator does not have. | The message names those it has; an administrator adds others to channels.toml.
notify.file | The coordinator's file of channels cannot be used. | The message says where and why; only its owner may be able to read it (chmod 600).
pivot.unknown | No run has a parameter or metric of that name. | exp show REF lists those of a run.
prune.live | A run that is not over keeps its results. | Leave live states out of --state.
reader.busy | Too many questions wait at the coordinator. | Try again in a moment.
reader.died | The part that reads tables and curves ended; it starts again by itself. | Try again.

pull.blocked | Something that is no plain file or directory is where a file should go. | Name another directory with --to.
pull.broken | A file did not come whole, several times. | Type it again: it goes on where it stopped.
pull.damaged | The coordinator sent what cannot be. | Update both sides; if it stays so, please report it.
pull.none | The runs keep no such file. | exp show REF lists what they keep.
pull.other-file | Another file is there already. | Name another directory with --to, or say --force.
pull.pending | The file is still on its way from its host. | Try again in a moment.
ref.ambiguous | The reference fits several sweeps. | Write it in full: NAME.NUMBER or NAME.NUMBER.RUN.
ref.no-run | The sweep has no run of that number. | exp ls SWEEP lists them.
ref.several | The reference names several things where one is wanted. | Name one.
ref.sweep-wanted | The reference names runs where a sweep is wanted. | Leave the number of the run out.
ref.syntax | That is no reference. | exp help refs
ref.unknown | No sweep or run is called so. | exp sweeps lists them.
rerun.imported | How an imported run was started is not known. | Write a sweep file for it.
rerun.set | A --set of exp rerun cannot be. | --set KEY=VALUE
run.no-rank | The run was not on so many nodes. | exp show REF lists them.
run.no-attempt | The run did not have so many attempts. | exp show REF lists them.
server.no-dashboard | The coordinator serves no web page. | Start it with --http-port.
server.none | There is no coordinator to speak to. | exp up starts one here; exp login HOST:PORT remembers one.
server.stopping | The coordinator is stopping. | Try again when it is back.

spec.command | The command of the sweep cannot be run. | docs/command.md
spec.duplicate | Something is said twice. | Keep one of the two.
spec.empty | A list is empty, so there would be no run. | Give it a value, or take it out.
spec.extends | The file that this one extends cannot be used. | The path starts at the directory of the file.
spec.file | A file that the sweep file names cannot be used. | The path starts at the directory of the file.
spec.memory | The sweep is too large to be expanded. | Make fewer points at a time.
spec.missing | Something that is needed is not there. | docs/sweep-file.md; exp init writes a file to begin with.
spec.name | A name cannot be one. | Letters, digits, dots, dashes and underscores.
spec.no-effect | It is accepted, and changes nothing. | Take it out, or see the message for what would.
spec.reserved | The name is taken for something else. | Choose another.
spec.series | A series of numbers cannot be. | { from, to, step } or { from, to, count }
spec.set | A --set cannot be. | --set KEY=VALUE, or KEY=A,B for a grid
spec.syntax | The file is not TOML or JSON. | Look at the marked place, and at the line before it.
spec.template | A placeholder cannot be filled in. | docs/command.md lists them.
spec.too-deep | Tables are nested too deeply. | Make them flatter.
spec.too-large | Something is beyond its limit. | The message has the limit.
spec.too-many | The file makes more runs than a sweep holds. | Split it.
spec.too-many-points | The file makes more points than is usual: perhaps a slip of the pen. | Shorten the lists, or allow it with [limits] runs = N.
spec.trials | A list of trials cannot be read. | CSV with a line of titles, JSON, or JSON lines.
spec.type | A value has the wrong type. | The message has the right one.
spec.unknown-key | A key that nobody reads. | Look for a slip of the pen; exp schema lets editors check it.
spec.unknown-table | A table that nobody reads. | Look for a slip of the pen; docs/sweep-file.md lists them.
spec.value | A value cannot be. | The message says what may be there.
store.lock | The data directory cannot be locked. | Look at its rights; not every network disk can lock.
store.locked | Another coordinator uses this data directory. | Stop that one first.
store.newer-schema | A newer version wrote this store. | Start that version again.
store.open | The store cannot be opened. | Look at the rights and the space of the data directory.
store.settings | The disk refuses what a safe store needs. | Use a local disk.
store.sqlite-version | This SQLite can damage the store. | Use the Node.js that the message names.
submit.deadline | The sweep would stop before any of its runs has started. | Change the deadline in the file, or take it out.
submit.directory | The sweep file was sent without its directory. | Use the exp that belongs to the coordinator.
submit.id | The submission was sent without an id of its own. | Use the exp that belongs to the coordinator.
submit.manifest | The list of code files cannot be. | Use the exp that belongs to the coordinator.
submit.no-source | Nothing was submitted. | exp submit FILE

table.column | No such column. | The message has the nearest names.
table.too-long | A filter takes too long for so many runs. | Choose a sweep first.
table.too-many | Too many runs to sort or filter at once. | Choose a sweep first.
token.content | The token file is empty, or holds a part of a token. | Copy the coordinator's whole: one line. The coordinator writes its own anew where you remove it and start it.
token.file | The token file cannot be read. | Look at its name and its rights.
token.mode | The token file can be read by others. | chmod 600 FILE
token.exists | Another token has that name. | Choose another name, or revoke that one first.
token.none | There is no token of that name. | exp token ls lists them; the coordinator's own has no name and cannot be revoked.
token.wrong | A token cannot be like that. | The message names it; exp token create --help shows what there is.
tls.certificate | The coordinator's certificate cannot be used, or its time has passed. | Remove DATA/tls, start the coordinator, and copy its token file to everybody anew.
tls.other | Whoever answers has another certificate than your token names. | Make sure that it is your coordinator; then copy its token file again.
tls.plain | Whoever answers speaks without TLS, and your token names a certificate. | Start the coordinator with --tls, or copy its token file again where it is meant to be without.
tls.unknown | The coordinator speaks TLS, and your token names no certificate. | Copy its token file again: it carries the certificate.
token.write | The token file cannot be written. | Look at the rights of the data directory.
up.agent | The agent of the local stack did not start. | Its log is in ./.exp/logs.
up.coordinator | The coordinator of the local stack did not start. | Its log is in ./.exp/logs.
up.nats | The bus of the local stack did not start. | Its log is in ./.exp/logs.
up.directory | The directory of the local stack cannot be used. | Name another with --dir.
up.interrupted | You stopped it before it was ready; nothing is left running. | exp up starts it again.
up.no-nats | There is no nats-server. | npm run setup fetches one.
up.port | The port is not for ordinary users. | Use a higher one with --port.
up.port-taken | Another program listens on this port. | exp up --port 0 takes free ones.
up.running | The local stack runs already. | exp down stops it.
up.supervisor | What watches over the local stack did not start. | Its log is in ./.exp/logs.
wait.timeout | Time was up before all runs had ended; they go on. | exp wait REF goes on waiting.
wire.outcome | A message names an outcome that this version does not know. | Use the same version everywhere.
wire.state | A message names a state that this version does not know. | Use the same version everywhere.
wire.unreadable | A message cannot be read. | Use the same version everywhere.
`);

/** What `exp help CODE` prints; undefined for an id that nobody gives. */
export function errorHelpText(id: string): string | undefined {
  const found = Object.hasOwn(ERROR_HELP, id) ? ERROR_HELP[id] : undefined;
  return found && `${id}\n\n  ${found.meaning}\n  ${found.remedy}\n`;
}

function table(text: string): { [id: string]: ErrorHelp } {
  const rows: { [id: string]: ErrorHelp } = {};
  for (const line of text.split("\n")) {
    const [id = "", meaning = "", ...rest] = line.split(" | ");
    if (line !== "") rows[id] = { meaning, remedy: rest.join(" | ") };
  }
  return rows;
}
