/**
 * The local runtime: a synthesized cloud assembly, run on this machine behind one AWS endpoint.
 * This file puts the parts together; each part is in its own folder.
 */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import type { Cluster } from '../lambdas/contract/cluster-config.ts';
import { loadClusters } from '../lambdas/contract/load-clusters.ts';
import { AccessControl } from './access/access-control.ts';
import { checkConfiguredCalls } from './access/configured-calls.ts';
import { gateOf } from './access/gate.ts';
import { mayUploadOutput } from './access/log-writers.ts';
import type { RoleSession } from './access/principal.ts';
import { loadAssembly, type Stack } from './assembly/load-assembly.ts';
import { claimDirectory } from './claim-directory.ts';
import { clustersForMachines } from './clusters-for-machines.ts';
import { localiseClusters } from './clusters-for-processes.ts';
import type { MayUpload } from './commands/agent.ts';
import { Commands } from './commands/commands.ts';
import { Documents } from './commands/documents.ts';
import { controlRequests } from './control.ts';
import { EventBus } from './events/event-bus.ts';
import { Schedules } from './events/schedules.ts';
import { commandEvent, executionEvent, instanceEvent } from './events/service-events.ts';
import { ExecutionStore } from './executions/execution-store.ts';
import { StateMachines } from './executions/state-machines.ts';
import { TaskTokens } from './executions/task-tokens.ts';
import { Faults } from './faults/faults.ts';
import { Functions } from './functions/functions.ts';
import { processStarter } from './functions/instance-carrier.ts';
import type { Host } from './hosts/host.ts';
import type { Hosting, HostKind } from './hosts/hosting.ts';
import { Hosts, makeProcessHosts } from './hosts/hosts.ts';
import { makeMachines } from './hosts/machines/machines.ts';
import { whyNoMachines } from './hosts/machines/why-no-machines.ts';
import { LogStore } from './logs/log-store.ts';
import { checkedServices, taskInputCheck } from './models/checked-services.ts';
import { type Latency, ownPace, Pace } from './pace/pace.ts';
import { pageRequests } from './page/dashboard-page.ts';
import { AwsError } from './protocols/aws-error.ts';
import { startEndpoint } from './protocols/endpoint.ts';
import { EventSourceMappings } from './queues/event-source-mappings.ts';
import { Queues } from './queues/queues.ts';
import { Secrets } from './secrets/secrets.ts';
import { cloudFormationService } from './services/cloudformation.ts';
import { dynamoDbService } from './services/dynamodb.ts';
import { ec2Service } from './services/ec2.ts';
import { eventsService } from './services/events.ts';
import { lambdaService } from './services/lambda.ts';
import { logsService } from './services/logs.ts';
import { schedulerService } from './services/scheduler.ts';
import { secretsManagerService } from './services/secretsmanager.ts';
import { publishFromTask, snsService } from './services/sns.ts';
import { sqsService } from './services/sqs.ts';
import { ssmService } from './services/ssm.ts';
import { statesService } from './services/states.ts';
import { stsService } from './services/sts.ts';
import { isSynthesized, synthesize } from './synthesis.ts';
import { Tables } from './tables/tables.ts';
import { MailFolder } from './topics/mail-folder.ts';
import { Topics } from './topics/topics.ts';

/** What a runtime is started with. */
export interface RuntimeOptions {
  /** `clusters.json` as for EC2; localised for the kind of hosts. */
  readonly clustersFile: string;
  /** What hosts are made of; processes when omitted. */
  readonly hosts?: HostKind;
  /** Port of the endpoint on 127.0.0.1; 0 takes any free one, which localised addresses do not allow. */
  readonly port: number;
  /** Everything of the runtime is kept here. */
  readonly directory: string;
  /** Server programs to use for a PostgreSQL major version, in preference to installed ones. */
  readonly postgresBins?: ReadonlyMap<number, string>;
  /** Loses every event that AWS services send, so that only the sweep completes commands. */
  readonly dropEvents?: boolean;
  /** Nodes on whose hosts the SSM agent was never installed. */
  readonly withoutAgent?: readonly string[];
  /** How long everything takes: as on this machine, or as on AWS. */
  readonly latency?: Latency;
  /** Takes the assembly that an earlier runtime made of the same clusters in `directory`, whatever sources have changed. */
  readonly reuseAssembly?: boolean;
  /** Tells people what happens; silent when omitted. */
  readonly say?: (line: string) => void;
}

/** What the parts of a runtime are made from, once clusters are localised and the app is synthesized. */
export interface AssemblyOptions {
  /** `cdk.out`. */
  readonly assembly: string;
  /** Clusters whose nodes are the hosts, already localised. */
  readonly clusters: readonly Cluster[];
  /** What hosts are made of; processes when omitted. */
  readonly hosts?: HostKind;
  readonly postgresBins?: ReadonlyMap<number, string>;
  readonly port: number;
  readonly directory: string;
  readonly dropEvents?: boolean;
  /** Nodes on whose hosts the SSM agent was never installed. */
  readonly withoutAgent?: readonly string[];
  readonly latency?: Latency;
  readonly say?: (line: string) => void;
}

/** A runtime while it runs. */
export interface Runtime {
  /** URL of the AWS endpoint. */
  readonly endpoint: string;
  /** The localised clusters. */
  readonly clusters: readonly Cluster[];
  readonly stacks: readonly Stack[];
  /** ARNs of the state machines by name. */
  readonly stateMachines: ReadonlyMap<string, string>;
  /** Loses, or delivers again, the events that AWS services send. */
  setDropEvents(drop: boolean): void;
  /** Ends everything: executions, commands, PostgreSQL, every process of every host. */
  stop(): Promise<void>;
}

/** PostgreSQL may take this long to stop when the runtime ends. */
const shutDownMilliseconds = 5_000;

/** The checkout: cdk.json and the CDK app are there. */
const project = resolve(import.meta.dirname, '..');

const seconds = (since: number) => `${((performance.now() - since) / 1000).toFixed(1)} s`;

/** User that runs PostgreSQL on process hosts. */
function localOsUser(): string {
  const self = userInfo();
  return self.uid === 0 ? 'postgres' : self.username;
}

/** Localises the clusters, synthesizes the app for them and starts the runtime. */
export async function startRuntime(options: RuntimeOptions): Promise<Runtime> {
  const { clustersFile, port, hosts = 'processes', dropEvents = false, withoutAgent = [], latency = 'none' } = options;
  const { say = () => {} } = options;
  const directory = resolve(options.directory);
  const postgresBins = options.postgresBins ?? new Map();
  if (hosts === 'machines') {
    const why = await whyNoMachines();
    if (why !== undefined) throw new Error(`Hosts cannot be machines here: ${why}`);
  }
  prepareDirectory(directory);
  const release = claimDirectory(directory);
  try {
    const configured = loadClusters(clustersFile);
    const { clusters, replacements } =
      hosts === 'machines'
        ? clustersForMachines(configured, postgresBins)
        : await localiseClusters(configured, { directory, apiPort: port, postgresBins, osUser: localOsUser() });
    for (const line of replacements) say(line);
    const localised = join(directory, 'clusters.json');
    writeFileSync(localised, `${JSON.stringify(clusters, undefined, 2)}\n`);
    const assembly = join(directory, 'cdk.out');
    if (options.reuseAssembly !== true || !isSynthesized(localised, assembly)) {
      const started = performance.now();
      await synthesize(project, localised, assembly);
      say(`Synthesized the CDK app in ${seconds(started)}`);
    }
    return await start(
      { assembly, clusters, hosts, postgresBins, port, directory, dropEvents, withoutAgent, latency, say },
      release,
    );
  } catch (error) {
    release();
    throw error;
  }
}

/** Starts the runtime on an assembly that is there already. */
export async function startAssembly(options: AssemblyOptions): Promise<Runtime> {
  const directory = resolve(options.directory);
  prepareDirectory(directory);
  const release = claimDirectory(directory);
  try {
    return await start({ ...options, directory }, release);
  } catch (error) {
    release();
    throw error;
  }
}

function prepareDirectory(directory: string): void {
  mkdirSync(directory, { recursive: true, mode: 0o755 });
  // The PostgreSQL user passes through; what hosts have no business with is closed.
  chmodSync(directory, 0o755);
  for (const own of ['access', 'executions', 'logs', 'mail', 'secrets', 'ssm', 'table']) {
    mkdirSync(join(directory, own), { recursive: true, mode: 0o700 });
  }
}

/** What the hosts stand on. */
async function makeHosting(options: AssemblyOptions): Promise<Hosting> {
  const { clusters, directory, say = () => {}, postgresBins = new Map() } = options;
  if (options.hosts !== 'machines') return makeProcessHosts(clusters, directory, say);
  return makeMachines({ clusters, directory, postgresBins, apiPort: options.port, say });
}

/** What a lookup finds; undefined when the service would say that there is none. */
function ifThere<T>(find: () => T): T | undefined {
  try {
    return find();
  } catch (error) {
    if (error instanceof AwsError) return undefined;
    throw error;
  }
}

/** Gives each host the role of the instances of its cluster, whose stack has the cluster's name; returns what the agents there may. */
function enrolHosts(stacks: readonly Stack[], hosts: readonly Host[], access: AccessControl): MayUpload {
  const sessions = new Map<string, { region: string; session: RoleSession }>();
  for (const { facts } of hosts) {
    const stack = stacks.find(({ name }) => name === facts.cluster);
    if (stack === undefined) throw new Error(`The cluster ${facts.cluster} has no stack of its name`);
    const role = access.policies.instanceRole(stack);
    const session: RoleSession = { kind: 'role', role, session: facts.instanceId, context: {} };
    access.keys.enrol(facts.instanceId, session);
    sessions.set(facts.instanceId, { region: facts.region, session });
  }
  return async (instanceId, logGroup) => {
    const host = sessions.get(instanceId);
    return host !== undefined && (await mayUploadOutput(access, host.session, host.region, logGroup));
  };
}

async function start(options: AssemblyOptions, release: () => void): Promise<Runtime> {
  const { directory, clusters, port, dropEvents = false, withoutAgent = [], say = () => {} } = options;
  const started = new Date();
  const pace = new Pace(options.latency);
  const stacks = loadAssembly(options.assembly);
  const onInternalError = (what: string, error: unknown) => say(`${what}: ${(error as Error).stack ?? error}`);

  const logs = new LogStore(join(directory, 'logs'));
  for (const { type, id } of stacks.flatMap(({ resources }) => resources))
    if (type === 'AWS::Logs::LogGroup') logs.ensureGroup(id);
  const account = stacks[0]?.account ?? '';
  const access = new AccessControl(stacks, account, join(directory, 'access'), say);
  await checkConfiguredCalls(stacks, access);
  const hosting = await makeHosting(options);
  const startInVpc = hosting.networkCommand.length === 0 ? undefined : processStarter(hosting.networkCommand);
  const functions = new Functions(stacks, join(directory, 'functions'), { logs, access }, startInVpc, pace);
  const bus = new EventBus(stacks, functions, access, dropEvents, pace);
  const schedules = new Schedules(stacks, functions, access, pace);
  const queues = new Queues(stacks);
  const mappings = new EventSourceMappings(stacks, queues, functions, pace);
  const secrets = new Secrets(stacks, join(directory, 'secrets'));
  const mails = new MailFolder(join(directory, 'mail'));
  const topics = new Topics(stacks, { functions, queues, access }, mails, say, pace);
  const documents = new Documents(stacks);
  const tokens = new TaskTokens();
  const checkPublish = await taskInputCheck('sns', 'Publish');
  const machines = new StateMachines(
    stacks,
    new ExecutionStore(join(directory, 'executions')),
    { access, functions, tokens, publish: async (input) => publishFromTask(topics, input, checkPublish) },
    (record, region) => bus.put(executionEvent(record, region, record.executionArn.split(':')[4] ?? '')),
    pace,
  );
  const hosts = new Hosts(hosting.hosts, new Set(withoutAgent));
  const mayUpload = enrolHosts(stacks, hosting.hosts, access);
  const faults = new Faults(hosting.hosts, hosting.network);
  let url = '';
  const commands = new Commands({
    documents,
    hosts,
    logs,
    directory: join(directory, 'ssm'),
    endpoint: () => url,
    onStatus: (command, invocation) => bus.put(commandEvent(command, invocation)),
    mayUpload,
    pace,
  });
  const tables = await Tables.open(stacks, join(directory, 'table'));
  const endpoint = await startEndpoint({
    port,
    gate: gateOf(access, account, (region) => ({
      secretArn: (id) => ifThere(() => secrets.find(id, region).arn),
      functionArn: (name) => ifThere(() => functions.find(name, region).arn),
      partitionKey: (table) => tables.partitionKey(table),
      machineOfToken: (token) => tokens.machineOf(token),
    })),
    services: await checkedServices([
      statesService(machines, tokens),
      ssmService(documents, hosts, commands, pace),
      secretsManagerService(secrets),
      snsService(topics),
      sqsService(queues),
      lambdaService(functions),
      eventsService(bus),
      schedulerService(schedules),
      logsService(logs),
      ec2Service(hosts, onInternalError),
      cloudFormationService(stacks, started),
      stsService(account),
      dynamoDbService(tables),
    ]),
    pace,
    control: [controlRequests({ bus, faults, hosts, functions, pace }), pageRequests(stacks, functions)],
    onInternalError: (service, operation, error) => onInternalError(`${service}:${operation}`, error),
  }).catch(async (error: unknown) => {
    await tables.close();
    await hosting.close();
    throw error;
  });
  url = endpoint.url;
  endpoint.serve(await hosting.listen(endpoint.port));
  functions.serveAt(url);
  topics.serveAt(url);

  let stopping: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    schedules.stop();
    mappings.stop();
    bus.dropServiceEvents = true;
    await machines.stopAll();
    commands.stop();
    for (const host of hosts.list()) host.pace = ownPace;
    const off = (host: Host) => (host.hasPower ? host.shutDown(shutDownMilliseconds) : host.powerOff());
    await Promise.all(hosts.list().map(off));
    topics.stop();
    await functions.stop();
    await hosting.close();
    await endpoint.close();
    await tables.close();
    access.close();
    release();
  };
  try {
    await Promise.all(hosts.list().map((host) => host.boot()));
  } catch (error) {
    await stop();
    throw error;
  }
  for (const host of hosts.list()) {
    // They were there before.
    host.pace = pace;
    host.onStateChange((state) => bus.put(instanceEvent(host.facts, state, account)));
  }
  mappings.start();
  schedules.start();
  return {
    endpoint: url,
    clusters,
    stacks,
    stateMachines: new Map(machines.list().map(({ name, arn }) => [name, arn])),
    setDropEvents(drop) {
      bus.dropServiceEvents = drop;
    },
    stop: () => (stopping ??= stop()),
  };
}
