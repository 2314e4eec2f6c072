import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { awkwardPassword, Hosts, osUser } from './hosts.ts';

describe.sequential('secrets', () => {
  let hosts: Hosts;
  const password = 'Never-Seen-Anywhere-1';
  const primary = { Primary: 'alpha' };
  const outputs: string[] = [];
  const processes = new Set<string>();

  beforeAll(async () => {
    hosts = new Hosts({ names: ['alpha', 'beta'] });
    hosts.putSecret('replication', { username: 'replica', password });
    hosts.putSecret('monitoring', { username: 'replication_monitor', password });
    const watch = setInterval(() => rememberProcesses(processes), 20);
    try {
      const run = async (node: string, command: Parameters<Hosts['run']>[1], parameters = {}) => {
        const { answer, stdout, stderr } = await hosts.run(node, command, parameters);
        outputs.push(stdout, stderr);
        expect(answer).toMatchObject({ ok: true });
      };
      await run('alpha', 'configure-primary');
      hosts.sql('alpha', "ALTER SYSTEM SET log_statement = 'all'");
      hosts.sql('alpha', 'SELECT pg_reload_conf()');
      await run('alpha', 'ensure-roles-and-slots', primary);
      await run('beta', 'take-base-backup', primary);
      await run('beta', 'start-standby', primary);
    } finally {
      clearInterval(watch);
    }
  });
  afterAll(() => hosts.remove());

  it('are in no output, no process’s arguments or environment, and no server log', () => {
    const log = readFileSync(join(`${hosts.dataOf('alpha')}.runbook`, 'postgresql.log'), 'utf8');
    // From version 17 on psql puts every name in quotation marks.
    expect(log).toMatch(/ALTER USER "?replica"? PASSWORD/);
    expect([...processes].some((text) => text.includes('psql'))).toBe(true);
    for (const text of [...outputs, ...processes, log]) expect(text).not.toContain(password);
  });

  it('reach the server as a SCRAM verifier', () => {
    const verifiers = "SELECT bool_and(rolpassword LIKE 'SCRAM-SHA-256$%') FROM pg_authid WHERE rolname LIKE 'repl%'";
    expect(hosts.sql('alpha', verifiers)).toBe('t');
  });

  it('are on a host in a file of the PostgreSQL user alone, and in no temporary file', () => {
    const state = `${hosts.dataOf('beta')}.runbook`;
    const passfile = statSync(join(state, 'pgpass'));
    expect(passfile.mode & 0o777).toBe(0o600);
    expect(passfile.uid).toBe(statSync(hosts.homeOf('beta')).uid);
    expect(statSync(state).mode & 0o777).toBe(0o700);
    const scratch = readdirSync('/dev/shm').filter((name) => name.startsWith('runbook.'));
    for (const { uid, mode } of scratch.map((name) => statSync(join('/dev/shm', name)))) {
      expect(mode & 0o066).toBe(0);
      // Without root, commands run as that user themselves.
      if (process.getuid?.() === 0) expect(uid, `${osUser} cannot list it`).not.toBe(passfile.uid);
    }
  });

  it('may hold every printable character, and change', async () => {
    hosts.putSecret('replication', `{"username":"replica","port":5432,"password":${JSON.stringify(awkwardPassword)}}`);
    const changed = await hosts.succeed('alpha', 'ensure-roles-and-slots', primary);
    expect(changed).toMatchObject({ changed: true, roles: ['replica'] });
    expect(await hosts.succeed('beta', 'start-standby', primary)).toEqual({
      changed: true,
      started: false,
      configurationFailure: null,
    });
    hosts.stop('beta');
    expect(await hosts.succeed('beta', 'start-standby', primary)).toEqual({
      changed: true,
      started: true,
      configurationFailure: null,
    });
    expect(await hosts.succeed('alpha', 'ensure-roles-and-slots', primary)).toMatchObject({ changed: false });
  });
});

/** Arguments and environment of every process that can be read. */
function rememberProcesses(seen: Set<string>): void {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)) {
    for (const file of ['cmdline', 'environ']) {
      try {
        seen.add(readFileSync(`/proc/${pid}/${file}`, 'latin1'));
      } catch {
        // It has ended.
      }
    }
  }
}
