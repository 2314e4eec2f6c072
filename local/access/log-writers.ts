/** The two that write logs with somebody's role: Lambda with that of a function, the SSM agent with that of an instance. */
import type { AccessControl, Call } from './access-control.ts';
import type { RoleSession } from './principal.ts';

const ofGroup = ({ role }: RoleSession, region: string, group: string) =>
  `arn:aws:logs:${region}:${role.account}:log-group:${group}`;

async function mayAll(access: AccessControl, session: RoleSession, calls: readonly Call[]): Promise<boolean> {
  for (const call of calls) if (!(await access.may(session, call))) return false;
  return true;
}

/** Whether Lambda may write a function's log; without the permission its lines are lost. */
export function mayWriteFunctionLog(access: AccessControl, session: RoleSession, region: string, group: string) {
  const resources = [`${ofGroup(session, region, group)}:log-stream:${session.session}`];
  return mayAll(access, session, [
    { action: 'logs:CreateLogStream', resources },
    { action: 'logs:PutLogEvents', resources },
  ]);
}

/**
 * Whether the SSM agent may upload what a command prints: it looks for the group, makes a stream, looks for that, and
 * writes.
 *
 * @see https://github.com/aws/amazon-ssm-agent/blob/mainline/agent/agentlogstocloudwatch/cloudwatchlogspublisher/cloudwatchlogsservice.go
 */
export function mayUploadOutput(access: AccessControl, session: RoleSession, region: string, group: string) {
  const own = ofGroup(session, region, group);
  const stream = [`${own}:log-stream:${session.session}`];
  return mayAll(access, session, [
    { action: 'logs:DescribeLogGroups', resources: [], region },
    { action: 'logs:CreateLogStream', resources: stream },
    { action: 'logs:DescribeLogStreams', resources: [`${own}:log-stream:`] },
    { action: 'logs:PutLogEvents', resources: stream },
  ]);
}
