/** IPv4 addresses and ranges, as far as `clusters.json` has rules for them. */
import { isIPv4 } from 'node:net';

/** The 32 bits of a dotted address as a number. Give it only what a schema has accepted as IPv4. */
export function addressBits(address: string): number {
  return address.split('.').reduce((bits, part) => bits * 256 + Number(part), 0);
}

/** A range such as `192.168.168.0/24`, split. */
export function parseRange(cidr: string): { address: string; prefix: number } {
  const [address = '', prefix = ''] = cidr.split('/');
  return { address, prefix: Number(prefix) };
}

/** Whether `cidr` is a range at all; the other functions here take it for granted. */
export function isRange(cidr: string): boolean {
  const [address = '', prefix = ''] = cidr.split('/');
  return cidr.split('/').length === 2 && isIPv4(address) && /^(?:[12]?\d|3[0-2])$/.test(prefix);
}

/** Whether an address is inside a range. */
function inRange(address: string, cidr: string): boolean {
  const range = parseRange(cidr);
  const size = 2 ** (32 - range.prefix);
  return Math.floor(addressBits(address) / size) === Math.floor(addressBits(range.address) / size);
}

/** The first address of the range that `cidr` lies in: equal to its own address if no host bits are set. */
export function networkAddress(cidr: string): string {
  const { address, prefix } = parseRange(cidr);
  const size = 2 ** (32 - prefix);
  const first = Math.floor(addressBits(address) / size) * size;
  return [24, 16, 8, 0].map((shift) => Math.floor(first / 2 ** shift) % 256).join('.');
}

/** 127.0.0.0/8: this host itself. Only clusters of the local runtime live there. */
export const isLoopback = (address: string): boolean => inRange(address, '127.0.0.0/8');

/** Ranges that are routed inside one organisation only (RFC 1918, and RFC 6598 which a VPC may use too). */
export const isPrivate = (address: string): boolean =>
  ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10'].some((range) => inRange(address, range));

/** Why no host can have this address, or undefined if one can. */
export function whyNotAHost(address: string): string | undefined {
  if (!isIPv4(address)) return undefined; // the schema says so
  if (inRange(address, '0.0.0.0/8')) return 'means "every address"';
  if (inRange(address, '169.254.0.0/16')) return 'is link-local';
  if (inRange(address, '224.0.0.0/4')) return 'is a multicast address';
  if (inRange(address, '240.0.0.0/4')) return 'is a reserved address';
  return undefined;
}
