/** Looks for verbs that do not go with their subjects, in sentences about numbers and about nodes. */

const singular = 'has|is|was|does|waits|streams|receives|answers|confirms|follows|accepts|needs|holds|returns';
const plural = 'have|are|were|do|wait|stream|receive|answer|confirm|follow|accept|need|hold|return';
const nouns = 'session|standby|node|commit|row|segment|file|receiver|process|slot|day|hour|minute|second';

/** The parts of a text that are wrong, each with what is around it. */
export function disagreements(text: string, names: readonly string[]): string[] {
  const name = `(?:${names.join('|')})`;
  const beside = '(?: still| can| now)?';
  const rules = [
    // 2 standbys has, only 2 streams
    new RegExp(
      `\\b(?!1\\b)\\d+(?: (?:more )?(?:synchronous )?(?:${nouns})s)?${beside} (?:${singular})\\b(?!\\.\\.\\.)`,
      'g',
    ),
    // 1 standby have
    new RegExp(`\\b1(?: (?:more )?(?:synchronous )?(?:${nouns}))?${beside} (?:${plural})\\b(?!\\.\\.\\.)`, 'g'),
    // 1 sessions, 2 session
    new RegExp(`\\b1 (?:more )?(?:synchronous )?(?:${nouns})s\\b`, 'g'),
    new RegExp(`\\b(?!1\\b)\\d+ (?:more )?(?:synchronous )?(?:${nouns})\\b(?!s)`, 'g'),
    // a and b has
    new RegExp(`\\b${name} and ${name}${beside} (?:${singular})\\b(?!\\.\\.\\.)`, 'g'),
    // a have, where nothing stands before it that it could be one of
    new RegExp(
      `(?<!(?:and|or|to|from|of|for|on|at|by|between|with) |, )\\b${name}${beside} (?:${plural})\\b(?!\\.\\.\\.)`,
      'g',
    ),
  ];
  // Whose subject is a question word.
  const asserted = text.replaceAll(/\bwhich of [^.\n]*? was\b/g, '');
  return rules.flatMap((rule) =>
    [...asserted.matchAll(rule)].map(({ index }) => asserted.slice(Math.max(0, index - 40), index + 300)),
  );
}
