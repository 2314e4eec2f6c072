/**
 * Makes documents of large clusters fit: SSM takes 64 KB of each, CloudFormation a megabyte of all. The largest ones are
 * packed until they do; those of an ordinary cluster stay as people read them.
 */
import { gzipSync } from 'node:zlib';

/** A document whose script may be packed. */
interface Packable {
  /** The whole document with the given script. */
  readonly contentWith: (script: readonly string[]) => object;
  /** The script as people read it. */
  readonly script: readonly string[];
  /** Lines at its beginning that must stay: SSM puts parameters there. */
  readonly head: number;
}

/** Bytes of one document, with room for what a deployment puts in the place of tokens. */
const largestDocument = 64_000;
/** Bytes of all of them in one template: from where on some are packed, and what is left then. */
const largestTotal = 720_000;
const packedTotal = 640_000;

const bytesOf = (content: object): number => Buffer.byteLength(JSON.stringify(content));

/** The script with everything after its head compressed; bash, base64 and gzip make it what it was. */
export function packedScript(script: readonly string[], head: number): string[] {
  const text = gzipSync(`${script.slice(head).join('\n')}\n`, { level: 9 }).toString('base64');
  return [
    ...script.slice(0, head),
    '# Compressed, since it would not fit otherwise; to read it: base64 -d | gzip -dc',
    `eval "$(base64 -d <<'END' | gzip -dc`,
    ...(text.match(/.{1,1000}/g) ?? []),
    'END',
    ')"',
  ];
}

/** The contents of the documents, in their order. */
export function fittingContents(documents: readonly Packable[]): object[] {
  const contents = documents.map(({ contentWith, script }) => contentWith(script));
  const bySize = contents
    .map((content, index) => ({ index, bytes: bytesOf(content) }))
    .toSorted((a, b) => b.bytes - a.bytes);
  let total = bySize.reduce((sum, { bytes }) => sum + bytes, 0);
  const goal = total > largestTotal ? packedTotal : largestTotal;
  for (const { index, bytes } of bySize) {
    const document = documents[index];
    if (document === undefined || (bytes <= largestDocument && total <= goal)) break;
    const packed = document.contentWith(packedScript(document.script, document.head));
    contents[index] = packed;
    total += bytesOf(packed) - bytes;
  }
  return contents;
}
