/** How the members of a model's shapes are named and written in each protocol, as the endpoint decodes and encodes them. */
import type { Shape, ShapeReference } from './service-models.ts';

/** Form of the values of one direction of one protocol. */
export interface Dialect {
  /** Name under which a member stands. */
  readonly nameOf: (member: string, reference: ShapeReference) => string;
  /** Whether numbers, booleans and times are texts. */
  readonly texts: boolean;
  /** What a map is: an object, a Map, or a list of entries. */
  readonly maps: 'object' | 'map' | 'entries';
  /** The one format in which a Date is going to be written; undefined where values have come over the wire. */
  readonly dates?: NonNullable<Shape['timestampFormat']>;
}

const ownName = (member: string) => member;
const wireName = (member: string, { locationName }: ShapeReference) => locationName ?? member;

const capitalised = (name: string) => name.charAt(0).toUpperCase() + name.slice(1);

/** EC2 capitalises its requests' names, and some it names anew. */
const ec2Name = (member: string, { queryName, locationName }: ShapeReference) =>
  queryName ?? (locationName === undefined ? member : capitalised(locationName));

/** What a request holds. */
export const inputDialects = {
  json: { nameOf: ownName, texts: false, maps: 'object' },
  query: { nameOf: wireName, texts: true, maps: 'entries' },
  ec2: { nameOf: ec2Name, texts: true, maps: 'entries' },
  'rest-json': { nameOf: wireName, texts: false, maps: 'object' },
} as const satisfies Record<string, Dialect>;

/** What stands beside the body of a REST request. */
export const besideBody: Dialect = { nameOf: wireName, texts: true, maps: 'object' };

/** What an operation answers, before it is written as JSON or XML. */
export const outputDialects = {
  json: { nameOf: ownName, texts: false, maps: 'object', dates: 'unixTimestamp' },
  query: { nameOf: wireName, texts: false, maps: 'map', dates: 'iso8601' },
  ec2: { nameOf: wireName, texts: false, maps: 'map', dates: 'iso8601' },
  'rest-json': { nameOf: wireName, texts: false, maps: 'object', dates: 'unixTimestamp' },
} as const satisfies Record<string, Dialect>;
