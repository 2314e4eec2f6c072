/** Settings that are not what the cluster's configuration asks for, and where they come from. */
import type { Cluster } from '../contract/cluster-config.ts';
import type { Finding } from '../contract/health.ts';
import type { SettingFact } from '../contract/observation.ts';
import { managedSettings, type Setting } from '../contract/postgres-settings.ts';
import { expectedRule, sameRule } from './expected-rule.ts';
import { finding } from './finding-policy.ts';
import { satisfies, shown } from './setting-values.ts';
import { type Answered, type Survey, sameName } from './survey.ts';
import { localCommitLevels, ruleInForce } from './synchronous-situation.ts';
import { renderSynchronousStandbyNames } from './synchronous-standby-names.ts';

const namesSetting = 'synchronous_standby_names';

/** All settings that the observer reports. */
export function observedSettings(cluster: Cluster): string[] {
  return [...managedSettings(cluster).map(({ name }) => name), namesSetting];
}

export function driftFindings(seen: Survey): Finding[] {
  const { cluster, primary } = seen;
  return [
    ...(primary === null ? [] : ruleDrift(cluster, primary)),
    ...seen.answered
      // What holds another database is not ours to configure.
      .filter(({ facts }) => primary === null || facts.systemIdentifier === primary.facts.systemIdentifier)
      .flatMap((answered) => managedSettings(cluster).flatMap((expected) => settingDrift(answered, expected, primary))),
  ];
}

function source({ sourceFile, sourceLine }: SettingFact): string {
  if (sourceFile === null) return '';
  return sourceLine === null ? ` (${sourceFile})` : ` (${sourceFile}, line ${sourceLine})`;
}

/** What a setting must be, in words. */
function wanted({ value, rule, accepted }: Setting): string {
  if (rule === 'at-least') return `at least ${value}`;
  return rule === 'one-of' ? `one of ${(accepted ?? []).join(', ')}` : value;
}

function settingDrift({ node, facts }: Answered, expected: Setting, primary: Answered | null): Finding[] {
  const { name } = expected;
  const found = facts.settings.find((setting) => setting.name === name);
  // A level that waits for nobody is a finding of its own on the primary, and of no consequence elsewhere.
  if (name === 'synchronous_commit' && primary?.node === node && localCommitLevels.has(facts.synchronousCommit))
    return [];
  const drifted = (title: string, message: string) => [
    finding('ConfigurationDrift', node.name, { title, message }, { detail: name }),
  ];
  if (found === undefined) {
    return drifted(
      `${name} is unknown on ${node.name}`,
      `PostgreSQL on ${node.name} does not know the setting ${name}; expected is ${wanted(expected)}.`,
    );
  }
  if (!satisfies(expected, found)) {
    const pending = found.pendingRestart ? ' Its files hold another value, which waits for a restart.' : '';
    return drifted(
      `${name} differs on ${node.name}`,
      `${name} on ${node.name} is ${shown(found)}${source(found)}; expected is ${wanted(expected)}.${pending}`,
    );
  }
  if (found.pendingRestart) {
    return drifted(
      `${name} will change on ${node.name}`,
      `${name} on ${node.name} is ${shown(found)} as expected, but its files hold another value, which the next restart puts in force.`,
    );
  }
  return [];
}

/** The rule on the primary; an empty one is worse than drift and is found elsewhere. */
function ruleDrift(cluster: Cluster, { node, facts }: Answered): Finding[] {
  const found = ruleInForce(facts);
  const expected = expectedRule(cluster, node.name);
  if (found === null || sameRule(found, expected)) return [];
  const fact = facts.settings.find(({ name }) => name === namesSetting);
  const onlyOthers = found.names.every((name) => !cluster.nodes.some((each) => sameName(each.name, name)));
  return [
    finding(
      'ConfigurationDrift',
      node.name,
      {
        title: `${namesSetting} differs on ${node.name}`,
        message: `${namesSetting} on ${node.name} is ${facts.synchronousStandbyNames}${fact === undefined ? '' : source(fact)}; expected is ${renderSynchronousStandbyNames(expected)}.${onlyOthers ? ' It names no node of the cluster.' : ''}`,
      },
      { detail: namesSetting },
    ),
  ];
}
