/** Before data is changed nothing works in it, and nothing is about to. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Hosts } from './hosts.ts';

/** The process is there, and not only because nobody has asked how it ended. */
function works(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

describe.sequential('a standby whose data is to be changed', () => {
  let hosts: Hosts;
  const primary = { Primary: 'alpha' };

  beforeAll(async () => {
    hosts = new Hosts({ names: ['alpha', 'beta'] });
    await hosts.setUp();
  });
  afterAll(() => hosts.remove());

  it('has no process left of a postmaster that died', async () => {
    const child = Number(hosts.sql('beta', "SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'"));
    process.kill(child, 'SIGSTOP');
    process.kill(hosts.postmasterOf('beta'), 'SIGKILL');
    expect(works(child)).toBe(true);
    await hosts.succeed('beta', 'rebuild-node', primary);
    expect(works(child)).toBe(false);
    await hosts.succeed('beta', 'start-standby', primary);
  });

  it('is not started by systemd meanwhile, which is about to restart it', async () => {
    const [unit, seen] = [join(hosts.directory, 'unit'), join(hosts.directory, 'seen')];
    hosts.stop('beta', 'immediate');
    writeFileSync(unit, 'activating\n');
    Object.assign(hosts.cluster.postgres, { serviceControl: { kind: 'systemd', unit: 'postgresql' } });
    // Stopping takes it a while.
    hosts.replaceProgram('systemctl', [
      'case $1 in',
      `stop) if [[ $(<${unit}) == activating ]]; then echo deactivating >${unit}; (sleep 2; echo inactive >${unit}) & fi ;;`,
      `show) if [[ $* == *ActiveState* ]]; then echo "ActiveState=$(<${unit})"; else echo MainPID=0; fi ;;`,
      'is-enabled) exit 1 ;;',
      'esac',
    ]);
    // What is called when the copy begins.
    hosts.replaceProgram('mkfifo', [`cat ${unit} >${seen}`, 'exec /usr/bin/mkfifo "$@"']);
    await hosts.succeed('beta', 'rebuild-node', primary, { epoch: 2 });
    expect(readFileSync(seen, 'utf8')).toBe('inactive\n');
  });
});
