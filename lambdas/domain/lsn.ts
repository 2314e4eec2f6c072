/**
 * Position of an LSN (`16/B374D848`) as a number of bytes from the start of the WAL.
 *
 * @throws RangeError when the text is no LSN
 * @see https://www.postgresql.org/docs/current/datatype-pg-lsn.html
 */
export function lsnPosition(lsn: string): bigint {
  const match = /^([0-9A-F]{1,8})\/([0-9A-F]{1,8})$/i.exec(lsn);
  if (match === null) throw new RangeError(`"${lsn}" is not an LSN`);
  return (BigInt(`0x${match[1]}`) << 32n) | BigInt(`0x${match[2]}`);
}

/** A position as PostgreSQL prints it. */
export function lsnText(position: bigint): string {
  const half = (value: bigint) => value.toString(16).toUpperCase();
  return `${half(position >> 32n)}/${half(position & 0xffff_ffffn)}`;
}
