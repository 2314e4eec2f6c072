/** From the last release to the present sources: what an update does to what is there. */
import { describe, expect, it } from 'vitest';
import { version } from '../../infra/version.ts';
import { acceptedChanges } from './accepted-changes.ts';
import type { CompactResource, CompactTemplate } from './compact-template.ts';
import { presentTemplates, releasedClusters, releasedTemplates, releasedVersion } from './release.ts';
import { templateChanges } from './template-changes.ts';

describe('an update from the last release', () => {
  const released = releasedTemplates();
  const present = presentTemplates(releasedClusters());
  const changes = Object.keys(released).flatMap((stack) =>
    templateChanges(released[stack] as CompactTemplate, present[stack] as CompactTemplate),
  );

  it('makes the same stacks', () => {
    expect(Object.keys(present)).toEqual(Object.keys(released));
  });

  it('loses nothing that holds state or has a fixed name, unless that was thought about', () => {
    const unseen = changes.filter(({ what, problem }) => problem !== undefined && !(what in acceptedChanges));
    expect(
      unseen.map(({ what, problem }) => `${what}: ${problem}`),
      'if this is meant, accept it with its reason in test/infra/accepted-changes.ts',
    ).toEqual([]);
  });

  it('has another version, if it changes anything', () => {
    const [before, now] = [releasedVersion(), version].map((text) => text.split('.').map(Number));
    const order = Math.sign(
      (now ?? []).map((part, index) => part - (before?.[index] ?? 0)).find((part) => part !== 0) ?? 0,
    );
    if (JSON.stringify(present) === JSON.stringify(released)) expect(order).toBeGreaterThanOrEqual(0);
    else expect(order, `${version} must come after ${releasedVersion()}: raise it in package.json`).toBe(1);
  });

  it('does everything that was accepted', () => {
    const done = changes.map(({ what }) => what);
    expect(Object.keys(acceptedChanges).filter((what) => !done.includes(what))).toEqual([]);
  });
});

describe('a change of a template', () => {
  const table: CompactResource = {
    Type: 'AWS::DynamoDB::Table',
    Properties: { TableName: 'a-state', BillingMode: 'x' },
  };
  const secret: CompactResource = { Type: 'AWS::SecretsManager::Secret', Properties: { Name: 'a/password' } };
  const rule: CompactResource = {
    Type: 'AWS::EC2::SecurityGroupIngress',
    Properties: { GroupId: 'sg-1', IpProtocol: 'tcp', FromPort: 1, ToPort: 1, SourceSecurityGroupId: 'sg-1' },
  };
  const mapping: CompactResource = {
    Type: 'AWS::Lambda::EventSourceMapping',
    Properties: { EventSourceArn: { Ref: 'Queue' }, FunctionName: { Ref: 'Function' }, BatchSize: 1 },
  };
  const problems = (before: Record<string, CompactResource>, after: Record<string, CompactResource>) =>
    templateChanges({ Resources: before }, { Resources: after }).flatMap(({ what, problem }) =>
      problem === undefined ? [] : [`${what}: ${problem}`],
    );
  const changed = (resource: CompactResource, Properties: Record<string, unknown>): CompactResource => ({
    ...resource,
    Properties: { ...resource.Properties, ...Properties },
  });

  it('that AWS makes in place is none', () => {
    expect(problems({ Table: table }, { Table: changed(table, { BillingMode: 'y' }) })).toEqual([]);
    expect(problems({}, { Table: table, Secret: secret })).toEqual([]);
  });

  it('that renames what holds state loses that', () => {
    expect(problems({ Secret: secret }, { Secret: { ...secret, Properties: {} } })).toEqual([
      'replace Secret AWS::SecretsManager::Secret (Name): lost with it: the passwords that the databases have',
    ]);
    expect(problems({ Table: table }, { Table: changed(table, { TableName: 'b-state' }) })).toEqual([
      expect.stringContaining('lost with it: the lock, the epoch'),
    ]);
  });

  it('that replaces what keeps its name is refused by CloudFormation', () => {
    expect(problems({ Table: table }, { Table: changed(table, { KeySchema: [] }) })).toEqual([
      expect.stringContaining('refuses to replace what has a fixed name: TableName a-state'),
    ]);
  });

  it('that removes a name takes it from whoever uses it', () => {
    const schedule: CompactResource = { Type: 'AWS::Scheduler::Schedule', Properties: { Name: 'a-sweep' } };
    expect(problems({ Sweep: schedule }, {})).toEqual([
      'remove Sweep AWS::Scheduler::Schedule: its name is fixed and may be used: Name a-sweep',
    ]);
  });

  it('that only calls a resource otherwise inside the template meets the old one, by name or without one', () => {
    expect(problems({ Table: table }, { State: table })).toEqual([
      'remove Table AWS::DynamoDB::Table: State is the same to AWS and is made before this one goes',
    ]);
    expect(problems({ Old: rule }, { New: rule })).toEqual([expect.stringContaining('New is the same to AWS')]);
    expect(problems({ Old: mapping }, { New: changed(mapping, { BatchSize: 2 }) })).toEqual([
      expect.stringContaining('New is the same to AWS'),
    ]);
  });

  it('of a document is a new version, unless the document says otherwise', () => {
    const document = (UpdateMethod: string, Content: string): Record<string, CompactResource> => ({
      Document: { Type: 'AWS::SSM::Document', Properties: { Name: 'a-promote', Content, UpdateMethod } },
    });
    expect(problems(document('NewVersion', '1'), document('NewVersion', '2'))).toEqual([]);
    expect(problems(document('Replace', '1'), document('Replace', '2'))).toEqual([
      expect.stringContaining('refuses to replace what has a fixed name: Name a-promote'),
    ]);
  });

  it('that makes something else of a resource is refused by CloudFormation', () => {
    expect(problems({ It: table }, { It: secret })).toEqual([expect.stringContaining('turn It AWS::DynamoDB::Table')]);
  });

  it('follows what it refers to', () => {
    const queue: CompactResource = { Type: 'AWS::SQS::Queue', Properties: { FifoQueue: true } };
    const changes = templateChanges(
      { Resources: { Queue: queue, Mapping: mapping } },
      { Resources: { Queue: changed(queue, { FifoQueue: false }), Mapping: mapping } },
    );
    expect(changes.map(({ what }) => what)).toEqual([
      'replace Mapping AWS::Lambda::EventSourceMapping (EventSourceArn)',
      'replace Queue AWS::SQS::Queue (FifoQueue)',
    ]);
  });

  it('to a type of resource that nobody has judged is a problem', () => {
    expect(problems({}, { Key: { Type: 'AWS::KMS::Key', Properties: {} } })).toEqual([
      expect.stringContaining('use AWS::KMS::Key: say in'),
    ]);
  });
});
