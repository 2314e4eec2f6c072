/** configure-primary after a run that was killed on its way, and where a stop or a start takes its time. */
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { waitFor } from '../../local/client/wait-for.ts';
import { Hosts, osUser } from './hosts.ts';

describe.sequential('configure-primary', () => {
  let hosts: Hosts;
  let rules: string;
  beforeAll(async () => {
    hosts = new Hosts({ names: ['alpha', 'beta'] });
    // The list goes on after the locale that is wanted, for longer than a pipe holds.
    const restore = hosts.replaceProgram('locale', ['echo C.utf8', 'seq -f "xx_%0200g" 2000']);
    await hosts.succeed('alpha', 'configure-primary');
    restore();
    rules = join(hosts.dataOf('alpha'), 'pg_hba.conf');
  });
  afterAll(() => hosts.remove());

  it('finds the locale on a host that has many', () => {
    expect(hosts.sql('alpha', "SELECT datcollate FROM pg_database WHERE datname = 'postgres'")).toBe('C.UTF-8');
  });

  it('has lines of pg_hba.conf in force that a killed run has only written', async () => {
    const wanted = readFileSync(rules, 'utf8');
    writeFileSync(rules, wanted.replaceAll('scram-sha-256', 'reject'));
    const before = hosts.sql('alpha', 'SELECT pg_conf_load_time()');
    hosts.sql('alpha', 'SELECT pg_reload_conf()');
    await waitFor('a reload', 10, () => hosts.sql('alpha', `SELECT pg_conf_load_time() > '${before}'`) === 't');
    writeFileSync(rules, wanted);
    expect(await hosts.succeed('alpha', 'configure-primary')).toMatchObject({ changed: false });
    // It logs in by them.
    await hosts.succeed('alpha', 'ensure-roles-and-slots', { Primary: 'alpha' });
  });

  it('refuses lines of pg_hba.conf that PostgreSQL would not load, also those that it did not write now', async () => {
    const wanted = readFileSync(rules, 'utf8');
    appendFileSync(rules, 'host all all 10.0.0.0/8 sesame\n');
    expect(await hosts.refuse('alpha', 'configure-primary')).toMatchObject({
      error: 'ConfigurationRefused',
      message: expect.stringContaining('sesame'),
    });
    writeFileSync(rules, wanted);
    expect(await hosts.succeed('alpha', 'configure-primary')).toMatchObject({ changed: false });
  });

  it('starts what a killed run was stopping, as soon as that has ended', async () => {
    const held = holdUpShutdown(hosts);
    hosts.cluster.postgres.maxWalSenders = 9;
    const { answer } = await hosts.run(
      'alpha',
      'configure-primary',
      {},
      {
        onStart: ({ pid = 0 }) => {
          waitFor('it is stopping', 20, () => isStopping(hosts)).then(() => process.kill(-pid, 'SIGKILL'));
        },
      },
    );
    expect(answer).toMatchObject({ error: 'NoResultLine' });
    setTimeout(() => process.kill(held, 'SIGCONT'), 2000);
    expect(await hosts.succeed('alpha', 'configure-primary')).toMatchObject({ changed: true });
    expect(hosts.sql('alpha', 'SHOW max_wal_senders')).toBe('9');
  });
});

describe.sequential('with systemd', () => {
  let hosts: Hosts;
  let unit: string;
  beforeAll(() => {
    hosts = new Hosts({
      names: ['alpha', 'beta'],
      postgres: { serviceControl: { kind: 'systemd', unit: 'pg.service' } },
    });
    unit = join(hosts.directory, 'unit');
    hosts.replaceProgram('journalctl', ['echo "what the journal says"']);
  });
  afterAll(() => hosts.remove());

  /** A `systemctl` that, as the real one, says that it is done when the unit is; with --no-block at once. */
  const systemctl = (start: string) => {
    const pgCtl = join(hosts.cluster.postgres.binDirectory, 'pg_ctl');
    hosts.replaceProgram('systemctl', [
      `pg_ctl() { local as=(); ((EUID)) || as=(runuser -u ${osUser} --); setsid "\${as[@]}" ${pgCtl} -D ${hosts.dataOf('alpha')} "$@"; }`,
      'wait_for_it() { [[ $* == *--no-block* ]] || sleep 1000; }',
      'case $1 in',
      `  start) rm -f ${unit}; { ${start}; } >/dev/null 2>&1 </dev/null 3>&- 4>&- 9>&- & wait_for_it "$@" ;;`,
      `  stop) pg_ctl stop -m fast -W >/dev/null 2>&1; wait_for_it "$@" ;;`,
      `  show) if [[ $* == *MainPID* ]]; then echo "MainPID=$(head -n 1 ${hosts.dataOf('alpha')}/postmaster.pid)"; else`,
      `    if [[ -e ${unit} ]]; then cat ${unit}; else printf 'ActiveState=activating\\nSubState=start\\nJob=7\\n'; fi; fi ;;`,
      'esac',
    ]);
  };

  it('a start that fails is told when it has', async () => {
    systemctl(`sleep 1; printf 'ActiveState=failed\\nSubState=failed\\n' >${unit}`);
    const run = await hosts.run('alpha', 'configure-primary');
    expect(run.answer).toMatchObject({
      error: 'StartFailed',
      message: expect.stringContaining('what the journal says'),
    });
    // Not only when the command's time for a start is over.
    expect(run.milliseconds).toBeLessThan(200_000);
  });

  it('a start and a restart go on as soon as PostgreSQL does, whatever systemctl waits for', async () => {
    systemctl('pg_ctl start -l /dev/null');
    await hosts.succeed('alpha', 'configure-primary');
    hosts.cluster.postgres.maxWalSenders = 9;
    expect(await hosts.succeed('alpha', 'configure-primary')).toMatchObject({ restarted: true });
  });
});

/** Has a process of alpha not end when PostgreSQL asks it to; returns it. */
function holdUpShutdown(hosts: Hosts): number {
  const pid = Number(hosts.sql('alpha', "SELECT pid FROM pg_stat_activity WHERE backend_type = 'autovacuum launcher'"));
  process.kill(pid, 'SIGSTOP');
  return pid;
}

const isStopping = (hosts: Hosts): boolean =>
  readFileSync(join(hosts.dataOf('alpha'), 'postmaster.pid'), 'utf8').includes('stopping');
