/** Files that a machine has beyond this system's own: PostgreSQL as PGDG's packages lay it out, and the SSM agent. */
import type { HostFacts } from '../host.ts';

/** A file or a symbolic link. */
export type SystemFile =
  | { readonly path: string; readonly text: string; readonly mode: number }
  | { readonly path: string; readonly target: string };

/** What the files are written from. */
export interface SystemFacts {
  readonly facts: HostFacts;
  readonly hostname: string;
  /** 32 hexadecimal digits. A machine without one would enable every unit that it has, as on its very first boot. */
  readonly machineId: string;
  /** Unit of PostgreSQL; undefined where the cluster uses pg_ctl. */
  readonly unit: string | undefined;
  /** Directory of the installed server programs. */
  readonly installedIn: string;
  /** The server tells systemd when it is ready: it was built `--with-systemd`. */
  readonly notifies: boolean;
}

/** The SSM agent's unit; scripts run in its control group. */
const agentUnit = 'amazon-ssm-agent.service';
/** Where the agent writes its process id, as the machine numbers it. */
export const agentPidFile = '/run/amazon-ssm-agent.pid';
/** What the runtime brings along is mounted here. */
export const toolsDirectory = '/opt/local-runtime';

const networkUnit = 'local-runtime-network.service';
const units = '/etc/systemd/system';
const wantedAtBoot = `${units}/multi-user.target.wants`;

const parent = (path: string) => path.slice(0, path.lastIndexOf('/'));

/** As in PGDG's `postgresql-NN` packages, without the check of the data directory that the server itself makes. */
function postgresUnit({ facts, notifies }: SystemFacts): string {
  return `[Unit]
Description=PostgreSQL database server
After=network.target

[Service]
Type=${notifies ? 'notify' : 'exec'}
User=${facts.osUser}
Environment=PGDATA=${facts.dataDirectory}
OOMScoreAdjust=-1000
Environment=PG_OOM_ADJUST_FILE=/proc/self/oom_score_adj
Environment=PG_OOM_ADJUST_VALUE=0
ExecStart=${facts.binDirectory}/postgres -D \${PGDATA}
ExecReload=/bin/kill -HUP $MAINPID
KillMode=mixed
KillSignal=SIGINT
TimeoutStartSec=0
TimeoutStopSec=1h

[Install]
WantedBy=multi-user.target
`;
}

/** Where a cluster uses pg_ctl, the host's own boot starts PostgreSQL if our scripts have asked for it. */
function autostartUnit({ facts }: SystemFacts): string {
  const state = `${facts.dataDirectory}.runbook`;
  return `[Unit]
Description=PostgreSQL, started by pg_ctl
After=network.target
ConditionPathExists=${state}/autostart

[Service]
Type=forking
User=${facts.osUser}
ExecStart=${facts.binDirectory}/pg_ctl -D ${facts.dataDirectory} -w -t 300 -s -l ${state}/postgresql.log start
TimeoutStartSec=0
`;
}

/** One link with everybody on it: the other addresses need not be of one subnet. */
function network({ facts }: SystemFacts): string {
  return `[Unit]
Description=The machine's address
DefaultDependencies=no
Before=network-pre.target network.target
Wants=network-pre.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=ip link set host0 up
ExecStart=ip address add ${facts.address}/32 dev host0
ExecStart=ip route add default dev host0 src ${facts.address}
`;
}

/** Only a process that lives while the agent would: scripts are started from outside, in its control group. */
const agent = `[Unit]
Description=Stands for the SSM agent
After=network.target

[Service]
Type=exec
ExecStart=sh -c 'echo $$$$ >${agentPidFile}; exec sleep infinity'
KillMode=process
`;

/** Every file, the ones that others lie below first. */
export function systemFiles(system: SystemFacts): SystemFile[] {
  const { facts, unit } = system;
  const file = (path: string, text: string, mode = 0o644): SystemFile => ({ path, text, mode });
  const enabled = (name: string): SystemFile => ({ path: `${wantedAtBoot}/${name}`, target: `${units}/${name}` });
  return [
    file('/etc/machine-id', `${system.machineId}\n`, 0o444),
    file('/etc/hostname', `${system.hostname}\n`),
    file(`${units}/${networkUnit}`, network(system)),
    enabled(networkUnit),
    file(`${units}/${agentUnit}`, agent),
    enabled(agentUnit),
    ...(unit === undefined
      ? [file(`${units}/postgresql-autostart.service`, autostartUnit(system)), enabled('postgresql-autostart.service')]
      : [file(`${units}/${unit}`, postgresUnit(system))]),
    file('/etc/sysusers.d/local-runtime.conf', `u ${facts.osUser} - "PostgreSQL server" /var/lib/pgsql /bin/bash\n`),
    file(
      '/etc/tmpfiles.d/local-runtime.conf',
      [
        `d ${facts.socketDirectory ?? '/run/postgresql'} 0755 ${facts.osUser} - -`,
        // The data directory's parent: its own is the business of setup.
        `d ${parent(facts.dataDirectory)} 0700 ${facts.osUser} - -`,
        '',
      ].join('\n'),
    ),
    ...(system.installedIn === facts.binDirectory ? [] : [{ path: facts.binDirectory, target: system.installedIn }]),
    file(
      '/usr/local/bin/aws',
      `#!/bin/sh\nexec ${toolsDirectory}/node ${toolsDirectory}/aws-on-host.mjs "$@"\n`,
      0o755,
    ),
  ];
}
