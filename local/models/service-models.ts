/**
 * The published models of AWS's services: what each operation takes and answers, with every length, range, pattern and
 * enumeration. They are botocore's, of which AWS makes its own command line and its Python SDK; the CDK brings them to
 * every machine in its layer with the AWS CLI.
 */
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import { ASSET_FILE } from '@aws-cdk/asset-awscli-v1';
import { type Entry, openPromise } from 'yauzl';

/** A type of a model. https://smithy.io explains the traits; botocore's names of them are these. */
export interface Shape {
  readonly type:
    | 'structure'
    | 'list'
    | 'map'
    | 'string'
    | 'character'
    | 'integer'
    | 'long'
    | 'float'
    | 'double'
    | 'boolean'
    | 'timestamp'
    | 'blob';
  readonly required?: readonly string[];
  readonly members?: Readonly<Record<string, ShapeReference>>;
  readonly member?: ShapeReference;
  readonly key?: ShapeReference;
  readonly value?: ShapeReference;
  /** Of a string's characters, a list's items, a map's entries, a blob's bytes, or of a number. */
  readonly min?: number;
  readonly max?: number;
  readonly pattern?: string;
  readonly enum?: readonly string[];
  /** Exactly one member is set. */
  readonly union?: boolean;
  /** Holds any JSON. */
  readonly document?: boolean;
  /** Is never to be shown. */
  readonly sensitive?: boolean;
  readonly timestampFormat?: 'iso8601' | 'unixTimestamp' | 'rfc822';
  /** The member that is the body of a request or an answer, as it is. */
  readonly payload?: string;
  /** Of an error: the code under which clients know it. */
  readonly error?: { readonly code?: string; readonly httpStatusCode?: number };
}

/** A shape where it is used. */
export interface ShapeReference {
  readonly shape: string;
  /** Where a REST service looks for it, if not in the body. */
  readonly location?: 'uri' | 'querystring' | 'header' | 'headers' | 'statusCode';
  readonly locationName?: string;
  /** Its name in a request to EC2. */
  readonly queryName?: string;
  readonly timestampFormat?: Shape['timestampFormat'];
}

/** An operation of a model. */
export interface OperationModel {
  readonly http?: { readonly method: string; readonly requestUri: string };
  readonly input?: ShapeReference;
  readonly output?: ShapeReference;
  readonly errors?: readonly ShapeReference[];
}

/** A service as its makers describe it. */
export interface ServiceModel {
  readonly metadata: { readonly protocol: string; readonly protocols?: readonly string[] };
  readonly operations: Readonly<Record<string, OperationModel>>;
  readonly shapes: Readonly<Record<string, Shape>>;
}

/** Folder of a service's model, where it has another name than in a signature's credential scope. */
const folders: Readonly<Record<string, string>> = { states: 'stepfunctions' };

/** Path of a model in the layer. */
const modelPath = /^awscli\/botocore\/data\/([^/]+)\/(\d{4}-\d\d-\d\d)\/service-2\.json\.gz$/;

/** What AWS itself contradicts in its models, by service and shape. */
const corrections: Readonly<Record<string, Readonly<Record<string, Partial<Shape>>>>> = {
  ssm: {
    // Its pattern allows one digit of a second's fraction, no duration and no empty text, while a duration is what
    // ExecutionElapsedTime holds, and an empty text, so the model's own documentation, what has not started yet.
    // https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetCommandInvocation.html
    StringDateTime: { pattern: '.*' },
  },
  dynamodb: {
    // "If there are no unprocessed keys remaining, the response contains an empty UnprocessedKeys map", and the same of items.
    // https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
    BatchGetRequestMap: { min: 0 },
    BatchWriteItemRequestMap: { min: 0 },
  },
};

const loaded = new Map<string, ServiceModel>();

/**
 * The models of services, by the names under which requests are signed for them. Each is read once in a process.
 *
 * @throws Error when there is no model of a service
 */
export async function loadServiceModels(services: readonly string[]): Promise<ReadonlyMap<string, ServiceModel>> {
  const missing = services.filter((service) => !loaded.has(service));
  if (missing.length > 0) await readModels(missing);
  return new Map(services.map((service) => [service, loaded.get(service) as ServiceModel]));
}

async function readModels(services: readonly string[]): Promise<void> {
  const layer = await openPromise(ASSET_FILE, { autoClose: false });
  try {
    const newest = new Map<string, { version: string; entry: Entry }>();
    for await (const entry of layer.eachEntry()) {
      const [, folder = '', version = ''] = modelPath.exec(entry.fileName) ?? [];
      if (version > (newest.get(folder)?.version ?? '')) newest.set(folder, { version, entry });
    }
    for (const service of services) {
      const found = newest.get(folders[service] ?? service);
      if (found === undefined) throw new Error(`There is no published model of the service ${service}`);
      const packed = await buffer(await layer.openReadStreamPromise(found.entry));
      const model = JSON.parse(gunzipSync(packed).toString('utf8')) as ServiceModel;
      const corrected = Object.entries(corrections[service] ?? {}).map(([name, correction]) => {
        const shape = model.shapes[name];
        if (shape === undefined)
          throw new Error(`The model of ${service} has no shape ${name}, which was to be corrected`);
        return [name, { ...shape, ...correction }] as const;
      });
      loaded.set(service, { ...model, shapes: { ...model.shapes, ...Object.fromEntries(corrected) } });
    }
  } finally {
    layer.close();
  }
}
