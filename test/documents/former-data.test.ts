/** Data that a rebuild replaces: what is discarded once the node streams, and what nobody but a person may remove. */
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Hosts } from './hosts.ts';

describe.sequential('former data', () => {
  let hosts: Hosts;
  const primary = { Primary: 'alpha' };
  const former = () => join(`${hosts.dataOf('beta')}.runbook`, 'former');
  const formerData = () => readdirSync(former()).map((name) => join(former(), name, 'data'));

  /** What may be the only copy of commits: nobody can tell what it is, and it is not a standby's. */
  function makeUnreadable(): void {
    hosts.stop('beta');
    rmSync(join(hosts.dataOf('beta'), 'standby.signal'));
    writeFileSync(join(hosts.dataOf('beta'), 'global/pg_control'), Buffer.alloc(8192, 7));
  }

  beforeAll(async () => {
    hosts = new Hosts({ names: ['alpha', 'beta'] });
    await hosts.setUp();
  });
  afterAll(() => hosts.remove());

  it('that may be a former primary’s stays, even when the rebuild ended halfway and another one came after it', async () => {
    makeUnreadable();
    const restore = hosts.replaceProgram('chmod', [
      '[[ "$*" != "0700 "*/incoming/data ]] || { echo "no more" >&2; exit 1; }',
      'exec /bin/chmod "$@"',
    ]);
    expect(await hosts.refuse('beta', 'rebuild-node', primary)).toMatchObject({ error: 'CommandFailed' });
    restore();
    expect(existsSync(hosts.dataOf('beta'))).toBe(false);
    const [kept = ''] = formerData();
    expect(await hosts.succeed('beta', 'rebuild-node', primary)).toMatchObject({ formerData: kept });
    await hosts.succeed('beta', 'start-standby', primary);
    expect(await hosts.succeed('beta', 'discard-former-data', primary)).toEqual({
      changed: false,
      directories: [],
      kept: [kept],
    });

    const rebuilt = await hosts.succeed('beta', 'rebuild-node', primary, { epoch: 2 });
    expect(rebuilt.formerData).not.toBe(kept);
    await hosts.succeed('beta', 'start-standby', primary, { epoch: 2 });
    expect(await hosts.succeed('beta', 'discard-former-data', primary, { epoch: 2 })).toEqual({
      changed: true,
      directories: [rebuilt.formerData],
      kept: [kept],
    });
    expect(formerData()).toEqual([kept]);
    expect(existsSync(join(kept, 'PG_VERSION'))).toBe(true);
    rmSync(join(kept, '..'), { recursive: true });
  });

  it('whose removal was interrupted is found again', async () => {
    await hosts.succeed('beta', 'rebuild-node', primary, { epoch: 3 });
    await hosts.succeed('beta', 'start-standby', primary, { epoch: 3 });
    const [directory = ''] = formerData();
    // In no order of its own: here the files go first, and then the host goes down.
    const restore = hosts.replaceProgram('rm', [
      'if [[ "$*" != *"/former/"* ]]; then exec /bin/rm "$@"; fi',
      'for file in "${@: -1}"/*; do if [[ -f $file ]]; then /bin/rm -- "$file"; fi; done',
      'exit 1',
    ]);
    await hosts.refuse('beta', 'discard-former-data', primary, { epoch: 3 });
    restore();
    expect(existsSync(join(directory, 'base'))).toBe(true);
    expect(await hosts.succeed('beta', 'discard-former-data', primary, { epoch: 3 })).toMatchObject({
      directories: [directory],
    });
    expect(readdirSync(former())).toEqual([]);
  });
});
