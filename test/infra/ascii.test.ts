/** Whatever stands in clusters.json, a document holds printable ASCII only: what could not is refused where it stands. */
import { expect, it } from 'vitest';
import { commandDocuments } from '../../infra/documents/command-documents.ts';
import { type Cluster, clustersSchema } from '../../lambdas/contract/cluster-config.ts';
import { clusterOf, facts, largestCluster } from '../documents/clusters.ts';
import { everyOption, example } from './clusters.ts';

type Place = (string | number)[];

/** Where the texts of a value are. */
function textsOf(value: unknown, place: Place = []): { place: Place; text: string }[] {
  if (typeof value === 'string') return [{ place, text: value }];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => textsOf(inner, [...place, key]));
}

/** A copy of the cluster with another text in that place. */
function withText(cluster: Cluster, place: Place, text: string): unknown {
  const copy = structuredClone(cluster);
  const last = place.at(-1) ?? '';
  const holder = place.slice(0, -1).reduce<Record<string, never>>((value, key) => value[key] ?? {}, copy as never);
  Object.assign(holder, { [last]: text });
  return copy;
}

it.each([
  ['the example', example],
  ['every option', everyOption],
  ['systemd', clusterOf()],
  ['the longest names', largestCluster()],
])('the documents of a cluster with %s are printable ASCII, in texts and scripts alike', (_, cluster) => {
  const texts = commandDocuments(cluster, facts).flatMap((document) => textsOf(document));
  expect(texts.length).toBeGreaterThan(1000);
  expect(texts.filter(({ text }) => !/^[ -~\t]*$/.test(text))).toEqual([]);
});

it.each(textsOf(everyOption).map(({ place, text }) => ({ where: place.join('.'), place, text })))(
  'clusters.json refuses $where with anything but ASCII',
  ({ place, text }) => {
    // A letter of another alphabet, a typographic apostrophe, one that nobody sees, one of two halves.
    for (const foreign of ['\u00e9', '\u2019', '\u200b', '\u{1f418}', '\u0007']) {
      const half = Math.ceil(text.length / 2);
      for (const changed of [text + foreign, foreign + text, text.slice(0, half) + foreign + text.slice(half)]) {
        const { success } = clustersSchema.safeParse([withText(everyOption, place, changed)]);
        expect(success, `${place.join('.')}: ${JSON.stringify(changed)}`).toBe(false);
      }
    }
  },
);

it('synthesis refuses a document that holds anything else, with the character and the document', () => {
  expect(() => commandDocuments(clusterOf(), { ...facts, replicationSecretId: 'pg/caf\u00e9' })).toThrow(
    'The document pg-test-preflight holds the character U+00E9',
  );
});
