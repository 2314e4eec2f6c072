/**
 * The shape of `clusters.json`: every rule that involves one value stands here, beside the value.
 * Rules between values are in `cluster-rules.ts`; `cluster-config.ts` puts both together.
 * The JSON Schema for editors (`clusters.schema.json`) is generated from this file.
 */
import * as z from 'zod';
import { isLoopback, isRange, networkAddress, parseRange, whyNotAHost } from './ipv4.ts';
import { reservedRoleNames } from './reserved-words.ts';

/** Directories that hold a running system: never a data directory, nor is anything above them. */
// biome-ignore format: a list to scan
const systemDirectories = [
  '/bin', '/boot', '/dev', '/etc', '/home', '/lib', '/lib64', '/media', '/mnt', '/opt', '/proc', '/root',
  '/run', '/sbin', '/srv', '/sys', '/tmp', '/usr', '/usr/bin', '/usr/lib', '/usr/local', '/usr/sbin', '/usr/share',
  '/var', '/var/lib', '/var/lib/pgsql', '/var/lib/postgresql', '/var/log', '/var/run', '/var/tmp',
];

/** Trees that belong to the system from top to bottom, or do not outlive a boot. */
const systemTrees = /^\/(?:bin|boot|dev|etc|lib|lib64|proc|sbin|sys|usr\/bin|usr\/sbin)(?:\/|$)/;
const volatileTrees = /^\/(?:run|var\/run)\//;

const absoluteDirectory = z
  .string()
  .regex(
    /^\/(?:[A-Za-z0-9_.+@-]+\/)*[A-Za-z0-9_.+@-]+$/,
    'must be an absolute path of letters, digits and _ . + @ - without a slash at its end',
  )
  .refine((path) => !path.split('/').some((part) => part === '.' || part === '..'), 'must not contain . or ..');

const dataDirectory = absoluteDirectory
  .refine(
    (path) => !systemDirectories.includes(path) && !systemTrees.test(path),
    'is a system directory; give PostgreSQL a directory of its own',
  )
  .refine((path) => !volatileTrees.test(path), 'is emptied at every boot; give PostgreSQL a directory on a disk');

/** PostgreSQL’s own default is /tmp, and packages use /run/postgresql: both are right for a socket. */
const socketDirectory = absoluteDirectory.refine(
  (path) => /^\/(?:var\/)?tmp$/.test(path) || !(systemDirectories.includes(path) || systemTrees.test(path)),
  'is a system directory; use /tmp, /run/postgresql or a directory of its own',
);

const port = z.int().min(1024, 'must be 1024 to 65535').max(65535, 'must be 1024 to 65535');

/** A role name that needs no quoting in SQL, pg_hba.conf or a connection string. */
const roleName = z
  .string()
  .regex(/^[a-z_][a-z0-9_]{0,62}$/, 'must be 1 to 63 lower-case letters, digits or _, not starting with a digit')
  .refine((name) => !name.startsWith('pg_'), 'must not start with pg_, which PostgreSQL reserves')
  .refine((name) => !reservedRoleNames.has(name), 'is a word that SQL or pg_hba.conf reserves');

/** `application_name` of a standby: letters, digits, `_`, `.`, `-`; case is kept but does not distinguish. */
export const nodeNamePattern = '[A-Za-z0-9][A-Za-z0-9_.-]{0,62}';

/**
 * application_names that PostgreSQL's own WAL receivers use when nobody names them: under a node's name they would
 * count as that synchronous standby. Our own base backups connect under names with spaces, which no node can have.
 */
const foreignReceiverNames = new Set(['walreceiver', 'pg_basebackup', 'pg_receivewal', 'pg_recvlogical', 'pg_rewind']);

/** An address that a host can have. */
const hostAddress = z.ipv4('must be an IPv4 address').refine((address) => whyNotAHost(address) === undefined, {
  error: ({ input }) => `${whyNotAHost(`${input}`)}; it must be the private address of the host`,
});

const nodeSchema = z
  .strictObject({
    name: z
      .string()
      .regex(
        new RegExp(`^${nodeNamePattern}$`),
        'must be 1 to 63 letters, digits, _ . or -, starting with a letter or digit',
      )
      .refine(
        (name) => !foreignReceiverNames.has(name.toLowerCase()),
        'is the name that PostgreSQL’s own programs connect under; they would count as this standby',
      )
      .describe('Name of the node; also its application_name and, mapped to [a-z0-9_], its replication slot'),
    instanceId: z
      .string()
      .regex(/^i-(?:[0-9a-f]{8}|[0-9a-f]{17})$/, 'must be an EC2 instance id such as i-0123456789abcdef0'),
    address: hostAddress.describe('Private address that the other nodes and the observer connect to'),
    connectsFrom: hostAddress
      .optional()
      .describe('Address that the node’s own connections come from, if it is not `address` (a second interface, NAT)'),
    port: port.optional().describe('Overrides postgres.port for this node'),
    dataDirectory: dataDirectory.optional().describe('Overrides postgres.dataDirectory for this node'),
    socketDirectory: socketDirectory.optional().describe('Overrides postgres.socketDirectory for this node'),
  })
  .describe('One host, in order of priority; the first is the primary of a new cluster');

const serviceControlSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('systemd'),
    unit: z.string().regex(/^[A-Za-z0-9@_.-]+\.service$/, 'must be a unit name such as postgresql-12.service'),
  }),
  z.strictObject({ kind: z.literal('pg_ctl') }),
]);

const postgresSchema = z.strictObject({
  majorVersion: z.int().min(12, 'must be 12 to 18').max(18, 'must be 12 to 18'),
  port: port.default(5432),
  binDirectory: absoluteDirectory.describe('Where postgres, initdb, pg_ctl and pg_basebackup are'),
  dataDirectory,
  socketDirectory: socketDirectory
    .optional()
    .describe('Directory of the Unix socket; PostgreSQL’s own default when omitted'),
  osUser: z
    .string()
    .regex(/^[a-z_][a-z0-9_-]{0,31}$/, 'must be a Linux user name')
    .refine((user) => user !== 'root', 'is a user that PostgreSQL refuses to run as')
    .default('postgres')
    .describe('Operating system user that runs PostgreSQL; its superuser role has the same name'),
  serviceControl: serviceControlSchema,
  listenAddresses: z
    .enum(['*', 'address'])
    .default('*')
    .describe('* listens on every interface; address only on the node’s own address and localhost'),
  initializeIfEmpty: z
    .boolean()
    .default(true)
    .describe('Setup may run initdb on the first node when all nodes are empty'),
  maxWalSenders: z.int().min(1).max(262143).optional().describe('Derived from the number of nodes when omitted'),
  walKeepSegments: z
    .int()
    .min(16, 'must be at least 16 (pg_rewind and a returning standby need WAL)')
    .max(65536)
    .default(512)
    .describe('WAL kept for standbys, in segments of 16 MB'),
  slotKeepSegments: z
    .int()
    .min(16)
    .max(131072)
    .optional()
    .describe(
      'Most WAL that the slot of an absent standby may keep (13 and later); twice walKeepSegments when omitted',
    ),
});

const replicationSchema = z.strictObject({
  user: roleName.default('replica'),
  method: z
    .enum(['FIRST', 'ANY'])
    .default('FIRST')
    .describe('FIRST: the first `count` nodes of the list that stream confirm commits; ANY: any `count` of them'),
  count: z.int().min(1, 'must be at least 1').default(1).describe('Standbys that must confirm a commit'),
  commitLevel: z
    .enum(['on', 'remote_write', 'remote_apply'])
    .default('on')
    .describe(
      'synchronous_commit: on = flushed to disk by the standby, remote_apply = visible there, remote_write = written there but not flushed: lost if its operating system crashes too',
    ),
  authentication: z.enum(['scram-sha-256', 'md5']).default('scram-sha-256'),
  tls: z.boolean().default(true).describe('Require TLS for replication and monitoring connections'),
});

const monitoringSchema = z.strictObject({
  user: roleName.default('replication_monitor'),
  checkIntervalSeconds: z.int().min(5, 'must be 5 to 60').max(60, 'must be 5 to 60').default(10),
  lagWarningBytes: z.int().min(1).default(67_108_864),
  lagWarningSeconds: z.int().min(1).default(30),
  reminderMinutes: z.int().min(1).max(10_080).default(60),
});

const alertsSchema = z.strictObject({
  emails: z.array(z.email('must be an e-mail address')).default([]),
  httpEndpoints: z
    .array(
      z
        .url({ protocol: /^https?$/, error: 'must be an http or https URL' })
        .refine((url) => /^[!-~]*$/.test(url), 'must be ASCII: percent-encode the path, and write the host as xn--…'),
    )
    .default([]),
  slack: z
    .strictObject({
      workspaceId: z.string().regex(/^T[A-Z0-9]{5,}$/, 'must be a Slack workspace id such as T0123ABCD'),
      channelId: z.string().regex(/^[CG][A-Z0-9]{5,}$/, 'must be a Slack channel id such as C0123ABCD'),
    })
    .optional()
    .describe(
      'Authorize the workspace first, once in the console (Amazon Q Developer in chat applications: Configure new client, Slack): without it the whole stack fails. A channel serves one cluster of an account',
    ),
});

/** AWS allows /16 to /28. Anything wider would let strangers reach the password prompt. Loopback is the local runtime’s. */
function isSubnetRange(cidr: string): boolean {
  if (!isRange(cidr)) return true; // said already
  const { address, prefix } = parseRange(cidr);
  if (isLoopback(address)) return prefix >= 8;
  return prefix >= 16 && prefix <= 28 && whyNotAHost(address) === undefined;
}

const networkSchema = z.strictObject({
  region: z.string().regex(/^[a-z]{2}(?:-[a-z]+)+-\d$/, 'must be an AWS region such as eu-central-1'),
  account: z
    .string()
    .regex(/^\d{12}$/, 'must be a 12-digit AWS account id')
    .optional(),
  vpcId: z.string().regex(/^vpc-[0-9a-f]{8,17}$/, 'must be a VPC id'),
  nodeSecurityGroupId: z
    .string()
    .regex(/^sg-[0-9a-f]{8,17}$/, 'must be a security group id')
    .describe('The security group that the nodes share'),
  securityGroupRules: z
    .enum(['managed', 'yours'])
    .default('managed')
    .describe(
      'managed: the stack adds the rules for replication and the observer to the nodes’ group, and removes them with itself; yours: the stack leaves the group alone, and its output AddRules is the command that adds them. A group takes a rule once: yours where it has these rules already, or where clusters share it and a port',
    ),
  observerSubnets: z
    .array(
      z.strictObject({
        subnetId: z.string().regex(/^subnet-[0-9a-f]{8,17}$/, 'must be a subnet id'),
        cidr: z
          .cidrv4('must be an IPv4 range such as 192.168.168.0/24')
          .refine((cidr) => !isRange(cidr) || networkAddress(cidr) === parseRange(cidr).address, {
            error: ({ input }) =>
              `has host bits set; the range is ${networkAddress(`${input}`)}/${parseRange(`${input}`).prefix}`,
          })
          .refine(
            isSubnetRange,
            'must be the range of one subnet, /16 to /28: pg_hba.conf lets the observer in from here',
          )
          .describe('pg_hba.conf lets the observer in from here'),
        availabilityZone: z.string().regex(/^[a-z]{2}(?:-[a-z]+)+-\d[a-z]$/, 'must be an availability zone'),
      }),
    )
    .min(1, 'must name at least one subnet for the observer'),
  hostRoleName: z
    .string()
    .regex(/^[A-Za-z0-9+=,.@_-]{1,64}$/, 'must be an IAM role name')
    .optional()
    .describe(
      'Role of the instances’ profile; gets the right to read the cluster’s secrets. When omitted, the stack’s output AllowHosts is the command that gives it',
    ),
});

const policySchema = z.strictObject({
  whenNoStandby: z
    .enum(['block', 'degrade'])
    .default('block')
    .describe('block: writes wait for a standby; degrade: the checker starts allow-async, once per incident'),
  degradeMinutes: z
    .int()
    .min(1)
    .max(1440)
    .default(60)
    .describe('For how long degrade lets writes go on without a standby; then they wait'),
  failover: z
    .enum(['manual', 'automatic'])
    .default('manual')
    .describe('automatic: the checker starts failover when three looks in a row show that the primary is down'),
  autoRejoin: z
    .boolean()
    .default(false)
    .describe('The checker starts rejoin for a node that fell out and whose host can be reached; at most three times'),
  rebuild: z
    .enum(['automatic', 'ask'])
    .default('automatic')
    .describe(
      'Whether rejoin may copy a node anew when nothing less helps; ask sends an alert with the commands to approve or refuse',
    ),
  minimumFreeMiB: z
    .int()
    .min(64)
    .default(256)
    .describe('Disk space that must stay free on a node after its base backup'),
});

/** One cluster, without the rules between its values. */
export const clusterShape = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z][a-z0-9-]{1,29}$/, 'must be 2 to 30 lower-case letters, digits or -, starting with a letter')
    .refine((name) => !name.endsWith('-'), 'must not end in -')
    .refine((name) => !/^(?:aws|amazon|amzn)/.test(name), 'must not start with aws, amazon or amzn, which AWS reserves')
    .describe('Prefix of every AWS resource of the cluster'),
  postgres: postgresSchema,
  nodes: z.array(nodeSchema).min(2, 'must have at least a primary and a standby').max(32, 'must be at most 32 nodes'),
  replication: replicationSchema.prefault({}),
  monitoring: monitoringSchema.prefault({}),
  alerts: alertsSchema.prefault({}),
  network: networkSchema,
  policy: policySchema.prefault({}),
});

/** One cluster of `clusters.json`, checked, with every default filled in. */
export type Cluster = z.output<typeof clusterShape>;
/** One node of a cluster as configured. */
export type ClusterNode = Cluster['nodes'][number];
