import type { LocalClients } from '../client/aws-clients.ts';
import type { LocalCluster } from '../client/host-access.ts';
import type { Mailbox } from '../client/mailbox.ts';

/** What the scenarios of a rehearsal work with. */
export interface RehearsalContext {
  /** The cluster as it runs here. */
  readonly cluster: LocalCluster;
  readonly clients: LocalClients;
  /** Mails to the cluster's subscribers. */
  readonly mailbox: Mailbox;
  /** How many times as long as at this machine's own pace everything may take. */
  readonly patience: number;
  /** Tells what is going on, now. */
  readonly tell: (line: string) => void;
  /** Shows something that stays: a table, a refusal, a mail. */
  readonly show: (text: string) => void;
}

/** One scenario of the notes, or one refusal. */
export interface Scenario {
  readonly id: string;
  readonly title: string;
  /** @throws Error saying what was expected and what was seen */
  readonly run: (context: RehearsalContext) => Promise<void>;
}

/** Fails a scenario unless `condition` holds. */
export function check(condition: boolean, expectation: string, seen: unknown): asserts condition {
  if (!condition)
    throw new Error(`expected ${expectation}; seen: ${typeof seen === 'string' ? seen : JSON.stringify(seen)}`);
}
