import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { waitFor } from '../../local/client/wait-for.ts';
import { execAsPostgres, Hosts } from './hosts.ts';

/** Often: what is to be interrupted may take less than a second. */
const lookAgainMilliseconds = 20;

describe.sequential('a base backup that is interrupted', () => {
  let hosts: Hosts;
  const primary = { Primary: 'alpha' };
  const state = (name: string) => join(`${hosts.dataOf('beta')}.runbook`, name);
  const copying = () => existsSync(state('incoming/data/base'));

  beforeAll(async () => {
    hosts = new Hosts({ names: ['alpha', 'beta'] });
    await hosts.succeed('alpha', 'configure-primary');
    await hosts.succeed('alpha', 'ensure-roles-and-slots', primary);
    // Large enough that a copy takes a while: about 200 MB.
    hosts.sql('alpha', 'CREATE TABLE filler AS SELECT i, repeat(md5(i::text), 6) FROM generate_series(1, 900000) i');
  });
  beforeEach(() => rmSync(hosts.dataOf('beta'), { recursive: true, force: true }));
  afterAll(() => hosts.remove());

  it('by kill -9 of its command: the data directory stays absent, and the next command makes a right copy', async () => {
    const killed = await hosts.run('beta', 'take-base-backup', primary, {
      onStart: (child) => {
        void waitFor('files arrive', 20, copying, lookAgainMilliseconds).then(() => child.kill('SIGKILL'));
      },
    });
    expect(killed.exitCode).toBeNull();
    expect(scratchDirectories()).not.toEqual([]);
    expect(existsSync(hosts.dataOf('beta'))).toBe(false);
    expect(await hosts.succeed('beta', 'take-base-backup', primary)).toMatchObject({ changed: true });
    expect(scratchDirectories()).toEqual([]);
    await hosts.succeed('beta', 'start-standby', primary);
    expect(hosts.sql('beta', 'SELECT count(*) FROM filler')).toBe('900000');
    hosts.stop('beta');
  });

  it('by kill -9 of its command: what it left in memory goes, also when its number has passed to another process', async () => {
    const left = `/dev/shm/runbook.${process.pid}.1.left`;
    mkdirSync(left);
    writeFileSync(join(left, 'password'), 'secret');
    expect(await hosts.succeed('beta', 'take-base-backup', primary, { epoch: 1 })).toMatchObject({ changed: true });
    expect(existsSync(left)).toBe(false);
  });

  it('by kill -9 of everything, as when the host goes down', async () => {
    await hosts.run('beta', 'take-base-backup', primary, {
      onStart: (child) => {
        void waitFor('files arrive', 20, copying, lookAgainMilliseconds).then(() =>
          process.kill(-(child.pid ?? 0), 'SIGKILL'),
        );
      },
    });
    expect(existsSync(hosts.dataOf('beta'))).toBe(false);
    expect(await hosts.succeed('beta', 'take-base-backup', primary)).toMatchObject({ changed: true });
    expect(existsSync(state('incoming'))).toBe(false);
  });

  it('by a command of a newer operation: it stops itself and puts nothing in place', async () => {
    let newer: Promise<unknown> | undefined;
    const run = await hosts.run('beta', 'take-base-backup', primary, {
      epoch: 2,
      onStart: () => {
        newer = waitFor('files arrive', 20, copying, lookAgainMilliseconds).then(() =>
          hosts.succeed('beta', 'take-base-backup', primary, { epoch: 3 }),
        );
      },
    });
    expect(run.answer).toMatchObject({ ok: false, error: 'CommandSuperseded' });
    expect(await newer).toMatchObject({ changed: true });
  });

  it('not at all: its progress can be seen, its stream is nobody’s standby, and the host is busy meanwhile', async () => {
    hosts.sql('alpha', "ALTER SYSTEM SET synchronous_standby_names = 'beta'; ");
    hosts.sql('alpha', 'SELECT pg_reload_conf()');
    const seen: unknown[] = [];
    let busyWith: unknown;
    let streams = '';
    const run = await hosts.run('beta', 'take-base-backup', primary, {
      epoch: 4,
      onStart: () => {
        void waitFor('progress', 20, () => existsSync(state('base-backup.progress')), lookAgainMilliseconds).then(
          async () => {
            seen.push(readFileSync(state('base-backup.progress'), 'utf8'));
            const preflight = await hosts.succeed('beta', 'preflight');
            busyWith = preflight.busyWith;
            streams = hosts.sql('alpha', 'SELECT application_name, sync_state FROM pg_stat_replication');
          },
        );
      },
    });
    expect(run.answer).toMatchObject({ ok: true });
    expect(seen).toEqual([expect.stringMatching(/^base backup of beta: \d+ of \d+ bytes \(\d+%\)\n$/)]);
    expect(busyWith).toContain('take-base-backup of operation 4');
    expect(streams).not.toMatch(/\|(sync|quorum|potential)/);
    expect(run.stderr).toMatch(/^base backup of beta: \d+ of \d+ bytes \(\d+%\)$/m);
    expect(readFileSync(join(hosts.memoryOf('beta'), 'epoch'), 'utf8')).toBe('4\n');
    hosts.sql('alpha', 'ALTER SYSTEM RESET synchronous_standby_names');
    hosts.sql('alpha', 'SELECT pg_reload_conf()');
  });

  it('by nothing when a line of its progress comes in two pieces, as from a busy host', async () => {
    const instead = {
      'take_base_backup() {': [
        'in_pieces() {',
        `  printf '  1'; sleep 2; printf '07584/229544 kB (46%%), 0/1 tablespace\\n'; run_pg_basebackup`,
        '}',
        'take_base_backup() {',
      ].join('\n'),
      'followed run_pg_basebackup': 'followed in_pieces',
    };
    const run = await hosts.run('beta', 'take-base-backup', primary, { epoch: 5, instead });
    expect(run.answer).toMatchObject({ ok: true });
    expect(run.stderr).toContain(`${107_584 * 1024} of ${229_544 * 1024} bytes (46%)`);
  });

  it('not at all: its progress is in the log group, under the name of its node', async () => {
    const before = hosts.logged().length;
    expect(await hosts.succeed('beta', 'take-base-backup', primary, { epoch: 5 })).toMatchObject({
      changed: true,
      progressFailure: null,
    });
    const events = await waitFor('the last event', 20, () => {
      const since = hosts.logged().slice(before);
      return since.some(([, message]) => message.endsWith('(100%)')) ? since : null;
    });
    for (const [stream, message] of events) {
      expect(stream).toMatch(/^beta\/take-base-backup\/5\.\d+$/);
      expect(message).toMatch(/^base backup of beta: \d+ of \d+ bytes \(\d+%\)$/);
    }
  });

  it('not at all: its progress goes on in the log group when the number of a publisher has passed to another process', async () => {
    const instead = {
      // The first process lives as long as the host. Time passes between two lines, as in a long copy.
      'publisher=$!': 'publisher=1',
      'note_progress() {': 'note_progress() {\n  SECONDS=$((SECONDS + 31))',
      'take_base_backup() {': [
        'in_steps() {',
        `  for i in 10 20 30 40 50; do printf '%s/100 kB (%s%%), 0/1 tablespace\n' "$i" "$i"; done; run_pg_basebackup`,
        '}',
        'take_base_backup() {',
      ].join('\n'),
      'followed run_pg_basebackup': 'followed in_steps',
    };
    const before = hosts.logged().length;
    const run = await hosts.run('beta', 'take-base-backup', primary, { epoch: 5, instead });
    expect(run.answer).toMatchObject({ ok: true });
    await waitFor('progress from the middle of the copy', 20, () => {
      const since = hosts.logged().slice(before);
      return [20, 30, 40].every((percent) => since.some(([, message]) => message.endsWith(`(${percent}%)`)));
    });
  });

  it('not at all: a host without a way to CloudWatch Logs neither waits for it nor fails', async () => {
    const release = join(hosts.directory, 'release');
    const restore = hosts.replaceProgram('timeout', [
      // The first argument of `timeout -k 1 10 aws logs` is one that no other call of it has.
      `if [[ "$1 $5" == "-k logs" ]]; then until [[ -e ${release} ]]; do /usr/bin/sleep 0.05; done; exit 124; fi`,
      'exec /usr/bin/timeout "$@"',
    ]);
    // Nothing releases it before the command has ended: if the command waited, this would not end.
    expect(await hosts.succeed('beta', 'take-base-backup', primary, { epoch: 5 })).toMatchObject({ changed: true });
    writeFileSync(release, '');
    restore();
  });

  it('not at all: what keeps the progress from the log group is told with the result', async () => {
    const restore = hosts.replaceProgram('timeout', [
      'if [[ "$1 $5" == "-k logs" ]]; then',
      'echo "An error occurred (AccessDeniedException) when calling the CreateLogStream operation: no"; exit 254; fi',
      'exec /usr/bin/timeout "$@"',
    ]);
    expect(await hosts.succeed('beta', 'take-base-backup', primary, { epoch: 5 })).toMatchObject({
      changed: true,
      progressFailure: 'An error occurred (AccessDeniedException) when calling the CreateLogStream operation: no',
    });
    restore();
  });

  it('by a copy that is not whole: nothing is put in place', async () => {
    // A file that the manifest knows and that changes on its way stands for a disk that loses data.
    const path = hosts.sql('alpha', "SELECT pg_relation_filepath('filler')");
    const run = await hosts.run('beta', 'take-base-backup', primary, {
      epoch: 5,
      onStart: () => {
        const copy = state(`incoming/data/${path}`);
        void waitFor(
          'the manifest arrives',
          20,
          () =>
            existsSync(state('incoming/data/backup_manifest')) ||
            existsSync(state('incoming/data/backup_manifest.tmp')),
          lookAgainMilliseconds,
        ).then(() => execAsPostgres(['truncate', '-s', '8192', copy]));
      },
    });
    expect(run.answer).toMatchObject({
      ok: false,
      error: 'BaseBackupInvalid',
      message: expect.stringContaining(path),
    });
    expect(existsSync(hosts.dataOf('beta'))).toBe(false);
  });
});

/** Directories of commands that have ended, for their temporary files. */
function scratchDirectories(): string[] {
  const ended = (name: string) => !existsSync(`/proc/${name.split('.')[1]}`);
  return readdirSync('/dev/shm').filter((name) => /^runbook\.\d+\./.test(name) && ended(name));
}
