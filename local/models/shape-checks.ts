/** Checks of values against the shapes of a service model. A shape is compiled when it is first met. */
import type { Dialect } from './dialects.ts';
import type { ServiceModel, Shape, ShapeReference } from './service-models.ts';

/** What is wrong with a value. */
export interface Problem {
  /** A value of another type; a member that must be there; one that the model does not know; anything else that it forbids. */
  readonly kind: 'type' | 'required' | 'unknown' | 'constraint';
  /** Members and indices that lead to the value. */
  readonly path: string;
  readonly message: string;
}

/** Checks a value that stands at a path. */
export type Check = (value: unknown, path: string, problems: Problem[]) => void;

/** A value as it may be shown to people. */
function show(value: unknown, { sensitive }: Shape): string {
  if (sensitive === true) return 'the value';
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}

/** Characters, not UTF-16 units. */
const characters = (text: string) => (/[\ud800-\udbff]/.test(text) ? [...text].length : text.length);

/**
 * A pattern of a model. It is written for Java and must match the whole value, as the services do it, anchored or not.
 *
 * @throws SyntaxError for one that JavaScript cannot read
 */
export function wholeMatch(pattern: string): RegExp {
  // What Java sets from here on, JavaScript sets for a group.
  const whole = `^(?:${pattern.replace(/^\(\?i\)(.*)$/s, '(?i:$1)')})$`;
  try {
    return new RegExp(whole, 'u');
  } catch {
    return new RegExp(whole);
  }
}

const isNumberText = (text: string) => text.trim() !== '' && Number.isFinite(Number(text));

/** Which JavaScript values are of a scalar type, where they are not texts. */
const isOfType: Readonly<Record<string, (value: unknown) => boolean>> = {
  string: (value) => typeof value === 'string',
  character: (value) => typeof value === 'string',
  blob: (value) => typeof value === 'string' || value instanceof Uint8Array,
  integer: (value) => Number.isInteger(value) && Math.abs(value as number) <= 2 ** 31,
  long: (value) => Number.isSafeInteger(value),
  float: (value) => Number.isFinite(value),
  double: (value) => Number.isFinite(value),
  boolean: (value) => typeof value === 'boolean',
  timestamp: (value) => Number.isFinite(value) && (value as number) >= 0,
};

/** The same where they are. */
const isTextOfType: Readonly<Record<string, (text: string) => boolean>> = {
  string: () => true,
  character: () => true,
  blob: () => true,
  integer: (text) => /^[+-]?\d+$/.test(text),
  long: (text) => /^[+-]?\d+$/.test(text),
  float: isNumberText,
  double: isNumberText,
  boolean: (text) => text === 'true' || text === 'false',
  timestamp: (text) => isNumberText(text) || !Number.isNaN(Date.parse(text)),
};

/** The checks of one model in one dialect. */
export class ShapeChecks {
  readonly #shapes: ServiceModel['shapes'];
  readonly #dialect: Dialect;
  readonly #checks = new Map<string, Check>();

  constructor({ shapes }: ServiceModel, dialect: Dialect) {
    this.#shapes = shapes;
    this.#dialect = dialect;
  }

  /** The shape of a name. */
  shape(name: string): Shape {
    const shape = this.#shapes[name];
    if (shape === undefined) throw new Error(`The model has no shape ${name}`);
    return shape;
  }

  /** The check of a shape where it is used. */
  of(reference: ShapeReference): Check {
    const { shape: name, timestampFormat } = reference;
    const key = `${name} ${timestampFormat ?? ''}`;
    const known = this.#checks.get(key);
    if (known !== undefined) return known;
    // A shape may hold itself; what is inside it is compiled when a value gets there.
    const check = this.#compile({ ...this.shape(name), ...(timestampFormat === undefined ? {} : { timestampFormat }) });
    this.#checks.set(key, check);
    return check;
  }

  #compile(shape: Shape): Check {
    if (shape.document === true) return () => {};
    switch (shape.type) {
      case 'structure':
        return this.#structure(shape);
      case 'list':
        return this.#list(shape);
      case 'map':
        return this.#map(shape);
      default:
        return this.#scalar(shape);
    }
  }

  #structure(shape: Shape): Check {
    const names = new Map(
      Object.entries(shape.members ?? {}).map(([member, reference]) => [
        this.#dialect.nameOf(member, reference),
        { member, reference },
      ]),
    );
    const required = (shape.required ?? []).map((member) => {
      const reference = shape.members?.[member];
      return reference === undefined ? member : this.#dialect.nameOf(member, reference);
    });
    return (value, path, problems) => {
      const object = this.#emptyText(value) ? {} : value;
      if (object === null || typeof object !== 'object' || Array.isArray(object) || object instanceof Map) {
        problems.push({ kind: 'type', path, message: `${show(value, shape)} is not a structure` });
        return;
      }
      const given = Object.entries(object).filter(([, item]) => !this.#isAbsent(item));
      for (const [name, item] of given) {
        const known = names.get(name);
        const inner = path === '' ? name : `${path}.${name}`;
        if (known === undefined)
          problems.push({ kind: 'unknown', path: inner, message: 'is not a member of the model' });
        else this.of(known.reference)(item, inner, problems);
      }
      for (const name of required) {
        if (given.some(([key]) => key === name)) continue;
        problems.push({
          kind: 'required',
          path: path === '' ? name : `${path}.${name}`,
          message: 'must not be missing',
        });
      }
      if (shape.union === true && given.length !== 1) {
        problems.push({ kind: 'constraint', path, message: 'must have exactly one member' });
      }
    };
  }

  #list(shape: Shape): Check {
    const inner = shape.member as ShapeReference;
    return (value, path, problems) => {
      const items = this.#emptyText(value) ? [] : value;
      if (!Array.isArray(items)) {
        problems.push({ kind: 'type', path, message: `${show(value, shape)} is not a list` });
        return;
      }
      checkSize(items.length, 'items', shape, path, problems);
      for (const [index, item] of items.entries()) this.of(inner)(item, `${path}[${index}]`, problems);
    };
  }

  #map(shape: Shape): Check {
    const [keys, values] = [shape.key as ShapeReference, shape.value as ShapeReference];
    return (value, path, problems) => {
      const entries = this.#entries(value, keys.locationName ?? 'key', values.locationName ?? 'value');
      if (entries === undefined) {
        problems.push({ kind: 'type', path, message: `${show(value, shape)} is not a map` });
        return;
      }
      checkSize(entries.length, 'entries', shape, path, problems);
      for (const [key, item] of entries) {
        this.of(keys)(key, `${path}, a key`, problems);
        this.of(values)(item, `${path}.${String(key)}`, problems);
      }
    };
  }

  /** Entries of a map as the dialect writes one; undefined for anything else. */
  #entries(value: unknown, keyName: string, valueName: string): [unknown, unknown][] | undefined {
    if (this.#emptyText(value)) return [];
    if (this.#dialect.maps === 'map') return value instanceof Map ? [...value] : undefined;
    if (this.#dialect.maps === 'entries') {
      return Array.isArray(value) ? value.map((entry) => [entry?.[keyName], entry?.[valueName]]) : undefined;
    }
    if (value === null || typeof value !== 'object' || Array.isArray(value) || value instanceof Map) return undefined;
    return Object.entries(value).filter(([, item]) => !this.#isAbsent(item));
  }

  #scalar(shape: Shape): Check {
    const format = shape.pattern === undefined ? undefined : wholeMatch(shape.pattern);
    const { dates, texts } = this.#dialect;
    const isDate = (value: unknown) =>
      value instanceof Date && dates !== undefined && (shape.timestampFormat ?? dates) === dates;
    return (value, path, problems) => {
      const fits = texts
        ? typeof value === 'string' && isTextOfType[shape.type]?.(value) === true
        : isOfType[shape.type]?.(value) === true || (shape.type === 'timestamp' && isDate(value));
      if (!fits) {
        problems.push({ kind: 'type', path, message: `${show(value, shape)} is not of the type ${shape.type}` });
        return;
      }
      const violation = (message: string) => problems.push({ kind: 'constraint', path, message });
      if (shape.type === 'string' || shape.type === 'character') {
        const text = value as string;
        checkSize(characters(text), 'characters', shape, path, problems);
        if (format !== undefined && !format.test(text)) {
          violation(`${show(text, shape)} does not match the pattern ${shape.pattern}`);
        }
        if (shape.enum !== undefined && !shape.enum.includes(text)) {
          violation(`${show(text, shape)} is none of ${shape.enum.join(', ')}`);
        }
      } else if (shape.type === 'blob') {
        checkSize(Buffer.byteLength(value as string, 'base64'), 'bytes', shape, path, problems);
      } else if (shape.type !== 'boolean' && shape.type !== 'timestamp') {
        const { min, max } = shape;
        if (min !== undefined && Number(value) < min) violation(`${value} is less than ${min}`);
        if (max !== undefined && Number(value) > max) violation(`${value} is more than ${max}`);
      }
    };
  }

  /** The query protocols write an empty list, map or structure as an empty text. */
  #emptyText(value: unknown): boolean {
    return this.#dialect.texts && value === '';
  }

  /** What is not written; a null in a request counts as nothing, while no service answers one. */
  #isAbsent(value: unknown): boolean {
    return value === undefined || (value === null && this.#dialect.dates === undefined);
  }
}

function checkSize(size: number, unit: string, { min, max }: Shape, path: string, problems: Problem[]): void {
  const violation = (message: string) => problems.push({ kind: 'constraint', path, message });
  if (min !== undefined && size < min) violation(`has ${size} ${unit}, fewer than ${min}`);
  if (max !== undefined && size > max) violation(`has ${size} ${unit}, more than ${max}`);
}
