import type { PreflightFacts } from '../../lambdas/contract/node-commands.ts';

const systemIdentifier = '7434343434343434343';

type Overrides = { [K in keyof PreflightFacts]?: Partial<PreflightFacts[K]> | PreflightFacts[K] };

/** Facts of a host on which PostgreSQL 12 is installed and nothing else has happened. */
export function emptyHost(overrides: Overrides = {}): PreflightFacts {
  const base: PreflightFacts = {
    osUserExists: true,
    missingPrograms: [],
    postgresVersion: '12.22',
    dataDirectory: {
      state: 'absent',
      sample: [],
      isMountPoint: false,
      linkTo: null,
      parentWritable: true,
      majorVersion: null,
      systemIdentifier: null,
      standbySignal: false,
      bytes: 0,
    },
    freeBytes: 100 * 1024 ** 3,
    server: { running: false, inRecovery: null, configFile: null, synchronousStandbyNames: null, failure: null },
    portTakenBy: null,
    secret: { user: 'replica', failure: null, refusals: [] },
    busyWith: null,
  };
  const merged = Object.entries(overrides).map(([key, value]) => {
    const former = base[key as keyof PreflightFacts];
    const isPart = typeof value === 'object' && value !== null && !Array.isArray(value);
    return [key, isPart ? { ...(former as object), ...value } : value];
  });
  return { ...base, ...Object.fromEntries(merged) };
}

/** Facts of a host that holds the cluster's data: running or stopped, primary or standby. */
export function memberHost(role: 'primary' | 'standby', running: boolean, overrides: Overrides = {}): PreflightFacts {
  return emptyHost({
    dataDirectory: {
      state: 'postgres',
      majorVersion: '12',
      systemIdentifier,
      standbySignal: role === 'standby',
      bytes: 40_000_000,
    },
    server: running
      ? {
          running: true,
          inRecovery: role === 'standby',
          configFile: '/var/lib/pgsql/12/data/postgresql.conf',
          synchronousStandbyNames: '',
          failure: null,
        }
      : {},
    ...overrides,
  });
}
