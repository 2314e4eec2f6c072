/**
 * Hosts with SELinux. The kernel of a machine that runs tests has none, so its programs are stand-ins here: they answer
 * as those of CentOS 7 do, and note what they were asked.
 */
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Hosts } from './hosts.ts';

const databaseType = 'system_u:object_r:postgresql_db_t:s0';
const programs = ['selinuxenabled', 'matchpathcon', 'restorecon', 'chcon', 'stat'];
const otherType = 'system_u:object_r:var_lib_t:s0';

describe('labels', () => {
  let hosts: Hosts;
  let notes: string;

  beforeAll(async () => {
    hosts = new Hosts({ names: ['alpha', 'off', 'right', 'wrong', 'own', 'unasked', 'failing'] });
    notes = join(hosts.directory, 'labels');
    mkdirSync(notes);
    chmodSync(notes, 0o777);
    await hosts.succeed('alpha', 'configure-primary');
    await hosts.succeed('alpha', 'ensure-roles-and-slots', { Primary: 'alpha' });
  });
  afterAll(async () => {
    await hosts?.remove();
  });
  afterEach(() => {
    for (const program of programs) rmSync(join(hosts.directory, 'bin', program), { force: true });
    forget();
  });

  const calls = (): string[] => {
    const file = join(notes, 'calls');
    return existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n') : [];
  };
  const asked = (program: string) => calls().filter((call) => call.startsWith(`${program} `));
  const forget = () => rmSync(join(notes, 'calls'), { force: true });

  /** SELinux as `selinuxenabled` says; a policy with this context for data directories; labels right or wrong. */
  function selinux({
    enabled = true,
    policy = databaseType,
    right = true,
    has = otherType,
    restorecon = 'exit 0',
  } = {}): void {
    const note = `echo "\${0##*/} $*" >>${notes}/calls; chmod -f 0666 ${notes}/calls || true`;
    const texts: Record<string, string[]> = {
      selinuxenabled: [`exit ${enabled ? 0 : 1}`],
      matchpathcon: [note, `[[ $1 == -n ]] && { echo '${policy}'; exit 0; }`, `exit ${right ? 0 : 1}`],
      restorecon: [note, restorecon],
      chcon: [note, 'exit 0'],
      stat: [`[[ $* == '-c %C -- '* ]] || exec /usr/bin/stat "$@"`, `echo '${has}'`],
    };
    for (const program of programs) hosts.replaceProgram(program, texts[program] ?? []);
  }

  it('are nobody’s business where SELinux is off', async () => {
    selinux({ enabled: false });
    await hosts.succeed('off', 'take-base-backup', { Primary: 'alpha' });
    await hosts.succeed('off', 'start-standby', { Primary: 'alpha' });
    expect(calls()).toEqual([]);
  });

  it('are right from the first file of a copy on: nothing walks through the data', async () => {
    selinux();
    await hosts.succeed('right', 'take-base-backup', { Primary: 'alpha' });
    expect(asked('chcon')[0]).toMatch(`chcon -h -t postgresql_db_t -- ${hosts.dataOf('right')}.runbook`);
    expect(calls().findIndex((call) => call.startsWith('chcon'))).toBeLessThan(
      calls().findIndex((call) => call.startsWith('matchpathcon -V')),
    );
    expect(asked('matchpathcon')).toContain(`matchpathcon -V ${hosts.dataOf('right')}/PG_VERSION`);
    expect(asked('restorecon')).toEqual([]);
  });

  it('are restored where they are wrong, after a copy and before a start', async () => {
    selinux({ right: false });
    const walk = [`restorecon -R -- ${hosts.dataOf('wrong')}`];
    await hosts.succeed('wrong', 'take-base-backup', { Primary: 'alpha' });
    expect(asked('restorecon')).toEqual(walk);
    // As after a command that was killed between its rename and this.
    forget();
    await hosts.succeed('wrong', 'start-standby', { Primary: 'alpha' });
    expect(asked('restorecon')).toEqual(walk);
  });

  it('are those of the data directory that is replaced, where the policy knows nothing of it', async () => {
    selinux({ policy: otherType, has: 'system_u:object_r:own_pgdata_t:s0', right: false });
    await hosts.succeed('own', 'take-base-backup', { Primary: 'alpha' });
    // There was none: nothing says what would be right.
    expect([...asked('chcon'), ...asked('restorecon')]).toEqual([]);
    hosts.replaceProgram('stat', [
      `[[ $* == '-c %C -- '* ]] || exec /usr/bin/stat "$@"`,
      `if [[ $* == *.runbook ]]; then echo '${otherType}'; else echo system_u:object_r:own_pgdata_t:s0; fi`,
    ]);
    await hosts.succeed('own', 'rebuild-node', { Primary: 'alpha' });
    expect(asked('chcon')).toEqual([expect.stringMatching(/^chcon -h -t own_pgdata_t -- \S+\.runbook /)]);
    // What the operator did by hand stays: the policy would undo it.
    expect(asked('restorecon')).toEqual([]);
  });

  it('are restored without asking the policy where its program is not there', async () => {
    selinux();
    await hosts.succeed(
      'unasked',
      'take-base-backup',
      { Primary: 'alpha' },
      { instead: { 'type -P matchpathcon': 'type -P no-such-program' } },
    );
    expect(asked('restorecon')).toEqual([`restorecon -R -- ${hosts.dataOf('unasked')}`]);
  });

  it('stop no command, whatever the programs do', async () => {
    selinux({ right: false, restorecon: 'exit 255' });
    hosts.replaceProgram('chcon', ['echo denied >&2', 'exit 1']);
    await hosts.succeed('failing', 'take-base-backup', { Primary: 'alpha' });
    hosts.replaceProgram('stat', [
      `[[ $* == '-c %C -- '* ]] || exec /usr/bin/stat "$@"`,
      'echo "stat: failed to get security context" >&2',
      'echo ?',
      'exit 1',
    ]);
    await hosts.succeed('failing', 'start-standby', { Primary: 'alpha' });
    writeFileSync(join(notes, 'calls'), '');
    await hosts.succeed('failing', 'start-standby', { Primary: 'alpha' });
    expect(asked('restorecon')).toEqual([]); // It runs already.
  });
});
