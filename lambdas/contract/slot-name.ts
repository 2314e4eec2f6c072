/**
 * Name of the physical replication slot of a node: PostgreSQL allows only `[a-z0-9_]`, at most 63 characters,
 * so upper case is lowered and every other character becomes `_`.
 *
 * @see https://www.postgresql.org/docs/current/warm-standby.html#STREAMING-REPLICATION-SLOTS-MANIPULATION
 */
export function slotName(nodeName: string): string {
  return nodeName
    .toLowerCase()
    .replace(/[^a-z0-9_]/g, '_')
    .slice(0, 63);
}
