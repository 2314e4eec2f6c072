/** What CloudWatch shows to whoever asks what the widget is: its answer to `{"describe": true}`. */
export const documentation = `## The cluster now

Asks every node over SQL at each refresh and shows what it saw: the status with its meaning for writes, an open
incident with what to do, the nodes and what flows between them, \`pg_stat_replication\`, who holds the cluster's lock,
which runbooks run, and how to start one.

It only looks: it has no permission to start or change anything. A runbook is started in the Step Functions console or
with the command that its button shows, with the permissions of whoever starts it.

The widget takes no parameters.
`;
