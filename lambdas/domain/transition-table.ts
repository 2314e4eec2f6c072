/** When what is sent: a table, read from top to bottom. The first row of the present phase whose situation holds is taken. */
import type { AlertEventKind } from '../contract/alerts.ts';

/** `calm`: nothing is open. `open`: an incident has been told and not recovered. */
export const phases = ['calm', 'open'] as const;
export type Phase = (typeof phases)[number];

/** What one check shows beside what has been told. */
export interface Outlook {
  /** Maintenance keeps everything silent. */
  readonly silenced: boolean;
  /** Something untold is sure enough to be sent. */
  readonly news: boolean;
  /** Something is wrong, told or not. */
  readonly wrong: boolean;
  /** All that is wrong has been told. */
  readonly allTold: boolean;
  /** All that was told is over. */
  readonly allOver: boolean;
  /** Something critical was told, it is over, and nothing critical is left. */
  readonly criticalOver: boolean;
  /** The last alert is as old as the configured interval between reminders, or maintenance has just ended. */
  readonly reminderDue: boolean;
}

const situations = {
  silenced: ({ silenced }) => silenced,
  well: ({ wrong, allOver }) => !wrong && allOver,
  // Not while something new is only suspected: after a restart of the primary its standbys need a second to reconnect.
  better: ({ wrong, criticalOver, allTold, news }) => wrong && criticalOver && (allTold || news),
  alarming: ({ news }) => news,
  overdue: ({ wrong, reminderDue }) => wrong && reminderDue,
  quiet: () => true,
} satisfies Record<string, (outlook: Outlook) => boolean>;

export type Situation = keyof typeof situations;

export interface Transition {
  readonly from: Phase;
  readonly when: Situation;
  readonly to: Phase;
  readonly event: AlertEventKind | null;
}

// biome-ignore format: a table
export const transitions: readonly Transition[] = [
  { from: 'calm', when: 'silenced', to: 'calm', event: null },
  { from: 'calm', when: 'alarming', to: 'open', event: 'opened' },
  { from: 'calm', when: 'quiet',    to: 'calm', event: null },
  { from: 'open', when: 'silenced', to: 'open', event: null },
  { from: 'open', when: 'well',     to: 'calm', event: 'recovered' },
  // What is new beside the end of the critical part is told with it.
  { from: 'open', when: 'better',   to: 'open', event: 'improved' },
  { from: 'open', when: 'alarming', to: 'open', event: 'worsened' },
  { from: 'open', when: 'overdue',  to: 'open', event: 'reminder' },
  { from: 'open', when: 'quiet',    to: 'open', event: null },
];

export function transitionFor(phase: Phase, outlook: Outlook): Transition {
  const found = transitions.find(({ from, when }) => from === phase && situations[when](outlook));
  if (found === undefined) throw new RangeError(`no transition leads out of ${phase}`);
  return found;
}
