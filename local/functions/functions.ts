/** The Lambda functions of the assembly: their instances, synchronous and asynchronous invocations. */
import { randomBytes, randomUUID } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AccessControl } from '../access/access-control.ts';
import { mayWriteFunctionLog } from '../access/log-writers.ts';
import type { RoleSession } from '../access/principal.ts';
import { resourcesOf, type Stack } from '../assembly/load-assembly.ts';
import type { LogStore } from '../logs/log-store.ts';
import { ownPace, type Pace } from '../pace/pace.ts';
import { AwsError } from '../protocols/aws-error.ts';
import { FunctionInstance, type InvocationResult } from './function-instance.ts';
import { type StartCarrier, startThread } from './instance-carrier.ts';

/** A function as deployed. */
export interface FunctionFacts {
  readonly name: string;
  readonly arn: string;
  readonly region: string;
  readonly handler: string;
  readonly runtime: string;
  readonly description: string;
  readonly role: string;
  readonly timeoutSeconds: number;
  readonly memoryMegabytes: number;
  readonly environment: Readonly<Record<string, string>>;
  readonly architectures: readonly string[];
  readonly logGroup: string;
  readonly taskRoot: string;
  /** In a VPC: without a route to AWS, so without endpoint and credentials. */
  readonly inVpc: boolean;
  /** Further attempts of a failed asynchronous invocation. */
  readonly asyncRetries: number;
  readonly lastModified: Date;
}

/** Instances that stay warm when nothing is to be done. */
const idleInstances = 4;
/** As in a new AWS account's default per function, scaled to one machine. */
const mostInstances = 64;
/** AWS waits one minute and then two between the attempts of an asynchronous invocation. */
const asyncRetryMilliseconds = [60_000, 120_000];

/** Largest synchronous and asynchronous payloads. */
const mostPayloadBytes = 6 * 1024 * 1024;
const mostAsyncPayloadBytes = 1024 * 1024;

/** Properties that change what a function does and that are not reproduced. */
const refusedProperties = [
  'Layers',
  'FileSystemConfigs',
  'ImageConfig',
  'SnapStart',
  'CapacityProviderConfig',
  'DurableConfig',
];

function text(value: unknown, fallback: string): string {
  return typeof value === 'string' ? value : fallback;
}

/** An instance that waits for its next call, and since when. */
interface Idle {
  readonly instance: FunctionInstance;
  readonly since: number;
}

interface Pool {
  readonly facts: FunctionFacts;
  /** The role, as the function's code and Lambda's logging use it. */
  readonly session: RoleSession;
  /** Whether the role lets Lambda write the log; asked before the first instance starts. */
  writesLog: Promise<boolean> | undefined;
  readonly idle: Idle[];
  readonly busy: Set<FunctionInstance>;
  readonly waiting: (() => void)[];
}

/** All functions of the assembly. */
export class Functions {
  readonly #pools = new Map<string, Pool>();
  readonly #logs: LogStore;
  readonly #access: AccessControl;
  readonly #startInVpc: StartCarrier;
  readonly #pace: Pace;
  readonly #pending = new Set<NodeJS.Timeout>();
  #endpoint = '';
  #stopped = false;

  /**
   * Unpacks the bundles below `directory`, as Lambda unpacks them into /var/task.
   *
   * @param startInVpc starts instances of functions in a VPC, where that is another network than this process's
   */
  constructor(
    stacks: readonly Stack[],
    directory: string,
    { logs, access }: { logs: LogStore; access: AccessControl },
    startInVpc: StartCarrier = startThread,
    pace: Pace = ownPace,
  ) {
    this.#logs = logs;
    this.#access = access;
    this.#pace = pace;
    this.#startInVpc = startInVpc;
    rmSync(directory, { recursive: true, force: true });
    mkdirSync(directory, { recursive: true });
    // Without a package.json of its own a bundle's .js is CommonJS in Lambda; a checkout above must not change that.
    writeFileSync(join(directory, 'package.json'), '{"type":"commonjs"}\n');
    for (const { stack, resource } of resourcesOf(stacks, 'AWS::Lambda::Function')) {
      const { properties } = resource;
      const refused = refusedProperties.filter((key) => properties[key] !== undefined);
      if (refused.length > 0) {
        throw new Error(`Function ${resource.id}: ${refused.join(', ')} is not supported by the local runtime`);
      }
      const runtime = text(properties.Runtime, '(none)');
      if (!/^nodejs\d+\.x$/.test(runtime)) {
        throw new Error(`Function ${resource.id}: runtime ${runtime} is not supported by the local runtime`);
      }
      const taskRoot = join(directory, resource.id);
      this.#unpack(resource.id, properties.Code, stack, taskRoot);
      const variables =
        (properties.Environment as { Variables?: Record<string, unknown> } | undefined)?.Variables ?? {};
      const logging = properties.LoggingConfig as { LogGroup?: string } | undefined;
      const invokeConfig = stack.resources.find(
        ({ type, properties: other }) =>
          type === 'AWS::Lambda::EventInvokeConfig' &&
          [resource.id, resource.attributes.Arn].includes(String(other.FunctionName)),
      );
      const facts: FunctionFacts = {
        name: resource.id,
        arn: resource.attributes.Arn ?? '',
        region: stack.region,
        handler: text(properties.Handler, 'index.handler'),
        runtime,
        description: text(properties.Description, ''),
        role: text(properties.Role, ''),
        timeoutSeconds: Number(properties.Timeout ?? 3),
        memoryMegabytes: Number(properties.MemorySize ?? 128),
        environment: Object.fromEntries(Object.entries(variables).map(([key, value]) => [key, String(value)])),
        architectures: (properties.Architectures as string[] | undefined) ?? ['x86_64'],
        logGroup: logging?.LogGroup ?? `/aws/lambda/${resource.id}`,
        taskRoot,
        inVpc: properties.VpcConfig !== undefined,
        asyncRetries: Number(invokeConfig?.properties.MaximumRetryAttempts ?? 2),
        lastModified: new Date(),
      };
      if (this.#pools.has(facts.arn)) throw new Error(`Function ${facts.arn} is defined twice`);
      logs.ensureGroup(facts.logGroup);
      const session = access.session(facts.role, facts.name, { 'lambda:SourceFunctionArn': facts.arn });
      this.#pools.set(facts.arn, { facts, session, writesLog: undefined, idle: [], busy: new Set(), waiting: [] });
    }
  }

  #unpack(name: string, code: unknown, stack: Stack, taskRoot: string): void {
    const { S3Key: key, ZipFile: inline } = (code ?? {}) as { S3Key?: string; ZipFile?: string };
    if (inline !== undefined) {
      mkdirSync(taskRoot);
      writeFileSync(join(taskRoot, 'index.js'), inline);
      return;
    }
    const source = key === undefined ? undefined : stack.assets.get(key);
    if (source === undefined || !existsSync(source))
      throw new Error(`Function ${name}: its code asset ${key} is missing`);
    cpSync(source, taskRoot, { recursive: true });
  }

  /** Tells the functions where AWS is; before the first invocation. */
  serveAt(endpoint: string): void {
    this.#endpoint = endpoint;
  }

  /** Every function, sorted by name. */
  list(region?: string): FunctionFacts[] {
    return [...this.#pools.values()]
      .map(({ facts }) => facts)
      .filter((facts) => region === undefined || facts.region === region)
      .sort((a, b) => a.name.localeCompare(b.name));
  }

  /** Finds a function by name, ARN or partial ARN; qualifiers other than $LATEST do not exist here. */
  find(nameOrArn: string, region: string): FunctionFacts {
    const match =
      /^(?:arn:aws[a-z-]*:lambda:([^:]+):\d*:function:|\d{12}:function:)?([A-Za-z0-9_-]+)(?::\$LATEST)?$/.exec(
        nameOrArn,
      );
    const found = this.list(match?.[1] ?? region).find(({ name }) => name === match?.[2]);
    if (found === undefined) {
      const arn = nameOrArn.startsWith('arn:') ? nameOrArn : `arn:aws:lambda:${region}:function:${nameOrArn}`;
      throw new AwsError('ResourceNotFoundException', `Function not found: ${arn}`, 404);
    }
    return found;
  }

  /** Invokes a function and waits for its result; a busy function gets one more instance. */
  async invoke(arn: string, payload: string): Promise<InvocationResult> {
    const pool = this.#pools.get(arn);
    if (pool === undefined) throw new AwsError('ResourceNotFoundException', `Function not found: ${arn}`, 404);
    if (Buffer.byteLength(payload) > mostPayloadBytes) {
      throw new AwsError('RequestTooLargeException', `Request must be smaller than ${mostPayloadBytes} bytes`, 413);
    }
    const { instance, isNew } = await this.#take(pool);
    try {
      if (isNew) await this.#pace.wait(pool.facts.inVpc ? 'coldStartInVpc' : 'coldStart');
      await this.#pace.wait('warmCall');
      return await this.#run(pool, instance, payload);
    } finally {
      pool.busy.delete(instance);
      const isKept = instance.alive && pool.idle.length < idleInstances && !this.#stopped;
      if (isKept) pool.idle.push({ instance, since: performance.now() });
      else void instance.stop();
      pool.waiting.shift()?.();
    }
  }

  async #run(pool: Pool, instance: FunctionInstance, payload: string): Promise<InvocationResult> {
    const requestId = randomUUID();
    const started = performance.now();
    const result = await instance.invoke(requestId, payload);
    const report = `REPORT RequestId: ${requestId}\tDuration: ${(performance.now() - started).toFixed(2)} ms\tMemory Size: ${pool.facts.memoryMegabytes} MB`;
    const lines = result.ok ? [report] : [`ERROR RequestId: ${requestId} ${JSON.stringify(result.error)}`, report];
    if (await this.#writesLog(pool)) this.#logs.append(pool.facts.logGroup, 'runtime', lines);
    return result;
  }

  /** Lambda writes the log with the function's role; without the permission the lines are lost. */
  async #writesLog(pool: Pool): Promise<boolean> {
    const { facts, session } = pool;
    pool.writesLog ??= mayWriteFunctionLog(this.#access, session, facts.region, facts.logGroup);
    return await pool.writesLog;
  }

  async #take(pool: Pool): Promise<{ instance: FunctionInstance; isNew: boolean }> {
    const writesLog = await this.#writesLog(pool);
    if (this.#stopped) throw new AwsError('ServiceException', 'The local runtime is stopping', 500);
    while (pool.busy.size >= mostInstances) await new Promise<void>((resolve) => pool.waiting.push(resolve));
    const kept = this.#takeIdle(pool);
    const instance = kept ?? this.#start(pool, writesLog);
    pool.busy.add(instance);
    return { instance, isNew: kept === undefined };
  }

  /** An instance that waits for a call; those that have died, or waited for too long, are thrown away. */
  #takeIdle({ idle }: Pool): FunctionInstance | undefined {
    const longest = this.#pace.milliseconds('idleEnvironment') || Number.POSITIVE_INFINITY;
    for (let next = idle.pop(); next !== undefined; next = idle.pop()) {
      if (next.instance.alive && performance.now() - next.since < longest) return next.instance;
      void next.instance.stop();
    }
    return undefined;
  }

  /** Throws away every instance that waits for a call, except those of functions of these names: the next call of the others is a first one. */
  async cool(exceptNames: readonly string[] = []): Promise<void> {
    const cooled = [...this.#pools.values()].filter(({ facts }) => !exceptNames.includes(facts.name));
    await Promise.all(cooled.flatMap(({ idle }) => idle.splice(0)).map(({ instance }) => instance.stop()));
  }

  #start({ facts, session }: Pool, writesLog: boolean): FunctionInstance {
    const credentials = this.#access.keys.issue(session);
    const stream = `${new Date().toISOString().slice(0, 10).replaceAll('-', '/')}/[$LATEST]${randomBytes(16).toString('hex')}`;
    // No real credentials or profile of this machine may ever be used in place of the deployed function's role.
    const nowhere = {
      AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
      AWS_CONFIG_FILE: '/dev/null',
      AWS_EC2_METADATA_DISABLED: 'true',
    };
    const access = facts.inVpc
      ? {}
      : {
          AWS_ACCESS_KEY_ID: credentials.accessKeyId,
          AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
          AWS_SESSION_TOKEN: credentials.sessionToken,
          AWS_ENDPOINT_URL: this.#endpoint,
        };
    return new FunctionInstance({
      timeoutSeconds: facts.timeoutSeconds,
      start: facts.inVpc ? this.#startInVpc : startThread,
      log: (lines) => {
        if (writesLog) this.#logs.append(facts.logGroup, stream, lines);
      },
      environment: {
        PATH: process.env.PATH ?? '/usr/bin:/bin',
        LANG: 'en_US.UTF-8',
        TZ: 'UTC',
        LAMBDA_TASK_ROOT: facts.taskRoot,
        _HANDLER: facts.handler,
        _X_AMZN_TRACE_ID: `Root=1-${Math.floor(Date.now() / 1000).toString(16)}-${randomBytes(12).toString('hex')};Sampled=0`,
        AWS_REGION: facts.region,
        AWS_DEFAULT_REGION: facts.region,
        AWS_EXECUTION_ENV: `AWS_Lambda_${facts.runtime}`,
        AWS_LAMBDA_FUNCTION_NAME: facts.name,
        AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
        AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(facts.memoryMegabytes),
        AWS_LAMBDA_LOG_GROUP_NAME: facts.logGroup,
        AWS_LAMBDA_LOG_STREAM_NAME: stream,
        AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
        ...nowhere,
        ...access,
        ...facts.environment,
      },
      data: {
        taskRoot: facts.taskRoot,
        handler: facts.handler,
        functionName: facts.name,
        functionArn: facts.arn,
        memoryMegabytes: facts.memoryMegabytes,
        logGroup: facts.logGroup,
        logStream: stream,
      },
    });
  }

  /** Invokes a function without waiting; a failed invocation is tried again as often as AWS does. */
  invokeAsync(arn: string, payload: string): void {
    const facts = this.#pools.get(arn)?.facts;
    if (facts === undefined) throw new AwsError('ResourceNotFoundException', `Function not found: ${arn}`, 404);
    if (Buffer.byteLength(payload) > mostAsyncPayloadBytes) {
      throw new AwsError(
        'RequestTooLargeException',
        `Request must be smaller than ${mostAsyncPayloadBytes} bytes`,
        413,
      );
    }
    const attempt = async (number: number): Promise<void> => {
      if (this.#stopped) return;
      const result = await this.invoke(arn, payload).catch((): InvocationResult | undefined => undefined);
      if (result?.ok === true || number >= facts.asyncRetries || this.#stopped) return;
      const timer = setTimeout(() => {
        this.#pending.delete(timer);
        void attempt(number + 1);
      }, asyncRetryMilliseconds[number] ?? 120_000);
      timer.unref();
      this.#pending.add(timer);
    };
    void attempt(0);
  }

  /** Ends every instance; invocations under way fail. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const timer of this.#pending) clearTimeout(timer);
    const instances = [...this.#pools.values()].flatMap(({ idle, busy }) => [
      ...idle.map(({ instance }) => instance),
      ...busy,
    ]);
    await Promise.all(instances.map((instance) => instance.stop()));
  }
}
