/** The operating system user that runs PostgreSQL on process hosts. */
import { execFileSync, spawnSync } from 'node:child_process';
import { userInfo } from 'node:os';

/** A user of this machine. */
export interface OsUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
  /** Options that make a child process run as this user; empty when the runtime itself does. */
  readonly spawn: { readonly uid?: number; readonly gid?: number };
}

/** Looks a user up. Only root can run processes as somebody else. */
export function findOsUser(name: string): OsUser {
  const self = userInfo();
  if (self.username === name) {
    return { name, uid: self.uid, gid: self.gid, home: self.homedir, spawn: {} };
  }
  if (self.uid !== 0) {
    throw new Error(`The local runtime runs as ${self.username} and cannot run PostgreSQL as ${name}`);
  }
  let entry: string[];
  try {
    entry = execFileSync('getent', ['passwd', name], { encoding: 'utf8' }).trim().split(':');
  } catch {
    throw new Error(`There is no operating system user ${name}; install PostgreSQL or create it`);
  }
  const [, , uid, gid, , home] = entry;
  return { name, uid: Number(uid), gid: Number(gid), home: home ?? '/', spawn: { uid: Number(uid), gid: Number(gid) } };
}

/** Whether a user can do this (`-r`, `-w`, `-x`) with a path. */
export function userCan(user: OsUser, test: '-r' | '-w' | '-x', path: string): boolean {
  return spawnSync('test', [test, path], { cwd: '/', ...user.spawn }).status === 0;
}
