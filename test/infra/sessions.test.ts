/** Every session of ours has the settings that keep users' objects and other settings out of it. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sessionOptions } from '../../lambdas/adapters/session-settings.ts';
import { managedSettings } from '../../lambdas/contract/postgres-settings.ts';
import { exampleCluster } from '../support/example-cluster.ts';

const scripts = 'infra/documents/scripts';

/** Texts of a directory's files, by path; a command of several lines is one. */
function texts(directory: string, ending: string): [path: string, text: string][] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(ending))
    .map((name) => [join(directory, name), readFileSync(join(directory, name), 'utf8').replaceAll('\\\n', ' ')]);
}

/** Names in `-c name=value`, of all that a text holds. */
const settingNames = (text: string) => [...text.matchAll(/-c (\w+)=/g)].map(([, name]) => name ?? '').toSorted();

const shared = readFileSync(join(scripts, 'lib/postgres.sh'), 'utf8');
const ofScripts = settingNames([...shared.matchAll(/^SESSION_SETTINGS\+?=.*$/gm)].join('\n'));

describe('sessions', () => {
  it('of the scripts are all opened by in_session', () => {
    const clients = texts(scripts, '.sh').flatMap(([path, text]) =>
      text
        .split('\n')
        .filter((line) =>
          /"\$BIN_DIRECTORY\/(psql|pg_basebackup|pg_rewind|pg_isready|pg_receivewal|pg_dump\w*)"/.test(line),
        )
        .map((line) => ({ path, line: line.trim(), inSession: line.includes('in_session ') })),
    );
    expect(clients.length).toBeGreaterThan(4);
    expect(clients.filter(({ inSession }) => !inSession)).toEqual([]);
    const others = texts(scripts, '.sh').filter(([, text]) => /PGOPTIONS| options='/.test(text));
    expect(others.map(([path]) => path)).toEqual([join(scripts, 'lib/postgres.sh')]);
  });

  it('of the functions are all opened with sessionOptions', () => {
    const opening = texts('lambdas', '.ts').filter(([, text]) => /new (pg\.)?(Client|Pool)\(/.test(text));
    expect(opening.map(([path]) => path)).toEqual(['lambdas/adapters/postgres-observer.ts']);
    for (const [, text] of opening) expect(text).toContain('options: sessionOptions(');
  });

  it('set the same on hosts and from the observer, but for limits of time', () => {
    const isLimit = (name: string) => name.endsWith('_timeout');
    expect(ofScripts.filter((name) => !isLimit(name))).toContain('search_path');
    expect(settingNames(sessionOptions(1)).filter((name) => !isLimit(name))).toEqual(
      ofScripts.filter((name) => !isLimit(name)),
    );
  });

  it('hide no setting that the runbooks manage', () => {
    const managed = managedSettings(exampleCluster()).map(({ name }) => name.toLowerCase());
    expect(
      [...ofScripts, ...settingNames(sessionOptions(1))].filter((name) => managed.includes(name.toLowerCase())),
    ).toEqual([]);
  });
});
