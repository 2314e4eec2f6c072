/** What each runbook is for, and an input to start it with: for who has to choose one. */
import type { Cluster } from '../contract/cluster-config.ts';
import { type RunbookName, runbookNames } from '../contract/names.ts';
import type { RunbookLinks } from './runbook-links.ts';

interface Guide {
  /** When to start it, in a sentence. */
  readonly purpose: string;
  /** An input that is right as it stands, or that shows what to fill in. */
  readonly input: (cluster: Cluster) => object;
}

const guides: Readonly<Record<RunbookName, Guide>> = {
  setup: {
    purpose:
      'Sets the cluster up; later it starts stopped standbys, builds those without data and corrects settings. Touches nothing that runs well.',
    input: () => ({}),
  },
  rejoin: {
    purpose:
      'Brings back a node that fell out: finds out itself whether to start, repoint, rewind or rebuild it. With "dryRun": true it only says what it would do; with "allowRebuild": true it rebuilds without asking.',
    input: ({ nodes }) => ({ node: nodes.at(1)?.name }),
  },
  switchover: {
    purpose:
      'Makes another node the primary while all are well: writes stop for a moment, nothing is lost, and the former primary becomes a standby.',
    input: ({ nodes }) => ({ to: nodes.at(1)?.name }),
  },
  failover: {
    purpose:
      'When the primary is down: fences it and promotes the standby that has every acknowledged commit. Refuses when it cannot prove that none is lost, or that the primary is down.',
    input: () => ({}),
  },
  maintenance: {
    purpose: 'Keeps alerts silent for some minutes, with a reason that is told; 0 minutes ends it early.',
    input: () => ({ minutes: 60, reason: 'say what for' }),
  },
  'allow-async': {
    purpose:
      'When no standby can be brought back soon: lets writes go on without one for some minutes. What is committed meanwhile is lost if the primary is lost.',
    input: () => ({ minutes: 60, reason: 'say why' }),
  },
  'resume-sync': {
    purpose: 'Ends allow-async before its time: commits wait for standbys again.',
    input: () => ({}),
  },
};

export interface RunbookView {
  readonly name: RunbookName;
  readonly purpose: string;
  /** Where the console starts it. */
  readonly console: string;
  /** What starts it from a shell. */
  readonly command: string;
}

/** All runbooks, in the order in which an operator meets them. */
export function runbookViews(cluster: Cluster, links: RunbookLinks): RunbookView[] {
  return runbookNames.map((name) => ({
    name,
    purpose: guides[name].purpose,
    console: links.console(name),
    command: links.startCommand(name, guides[name].input(cluster)),
  }));
}
