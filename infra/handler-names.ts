/** The Lambda functions of a cluster, each by the name of its file in `lambdas/handlers`. */
export const handlerNames = [
  'acquire-lock',
  'announce-runbook',
  'check-cluster',
  'complete-node-command',
  'dashboard-widget',
  'find-primary',
  'observe-cluster',
  'plan-allow-async',
  'plan-rejoin',
  'plan-resume-sync',
  'plan-setup',
  'record-allowance',
  'release-lock',
  'run-node-command',
  'schedule-checks',
  'set-maintenance',
  'sweep-node-commands',
  'verify-rejoin',
  'verify-replication',
] as const;

export type HandlerName = (typeof handlerNames)[number];
