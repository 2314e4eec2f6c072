/** Which packages of a lockfile npm installs on a platform. Plain JavaScript, see run.mjs. */

/**
 * A package as npm's lockfiles describe it, as far as it matters here.
 * @typedef {object} LockedPackage
 * @property {string} [version]
 * @property {string} [integrity]
 * @property {string | readonly string[]} [os] systems that it is for, or with `!` those that it is not for
 * @property {string | readonly string[]} [cpu]
 * @property {string | readonly string[]} [libc]
 * @property {Readonly<Record<string, string>>} [dependencies]
 * @property {Readonly<Record<string, string>>} [devDependencies]
 * @property {Readonly<Record<string, string>>} [optionalDependencies]
 * @property {Readonly<Record<string, string>>} [peerDependencies]
 * @property {Readonly<Record<string, { optional?: boolean }>>} [peerDependenciesMeta]
 */

/**
 * What a package can be made for, in npm's words.
 * @typedef {object} Platform
 * @property {string} os such as `linux`
 * @property {string} cpu such as `x64`
 * @property {string} [libc] `glibc` or `musl`, on Linux
 */

/**
 * The platform that this runs on.
 * @returns {Platform}
 */
export function thisPlatform() {
  const { platform: os, arch: cpu } = process;
  if (os !== 'linux') return { os, cpu };
  const report = /** @type {{ header?: { glibcVersionRuntime?: string } }} */ (process.report.getReport());
  return { os, cpu, libc: report.header?.glibcVersionRuntime === undefined ? 'musl' : 'glibc' };
}

/**
 * Paths of the packages that belong on a platform: all that the project needs, directly or through another, without
 * the optional ones that are for other platforms and what only those need.
 * @param {Readonly<Record<string, LockedPackage>>} locked `packages` of a lockfile
 * @param {Platform} platform
 * @returns {Set<string>}
 */
export function packagesFor(locked, platform) {
  const project = '';
  const paths = new Set([project]);
  // A set that grows is iterated to its end.
  for (const path of paths) {
    const one = locked[path] ?? {};
    const needed = Object.keys({ ...one.dependencies, ...(path === project ? one.devDependencies : {}) });
    const peers = Object.keys(one.peerDependencies ?? {}).filter((name) => !one.peerDependenciesMeta?.[name]?.optional);
    for (const name of [...needed, ...peers]) {
      const found = resolve(locked, path, name);
      if (found !== undefined) paths.add(found);
    }
    for (const name of Object.keys(one.optionalDependencies ?? {})) {
      const found = resolve(locked, path, name);
      if (found !== undefined && fits(locked[found] ?? {}, platform)) paths.add(found);
    }
  }
  paths.delete(project);
  return paths;
}

/**
 * Where Node.js finds a package for another one: beside it, or beside one that it lies in.
 * @param {Readonly<Record<string, LockedPackage>>} locked
 * @param {string} from path of the package that needs it
 * @param {string} name
 * @returns {string | undefined}
 */
function resolve(locked, from, name) {
  const inside = from === '' ? `node_modules/${name}` : `${from}/node_modules/${name}`;
  if (locked[inside] !== undefined) return inside;
  return from === '' ? undefined : resolve(locked, from.replace(/\/?node_modules\/(?:@[^/]+\/)?[^/]+$/, ''), name);
}

/**
 * @param {LockedPackage} candidate
 * @param {Platform} platform
 */
function fits({ os, cpu, libc }, platform) {
  return (
    isListed(os, platform.os) &&
    isListed(cpu, platform.cpu) &&
    (libc === undefined || (platform.libc !== undefined && isListed(libc, platform.libc)))
  );
}

/**
 * @param {string | readonly string[] | undefined} list
 * @param {string} value
 */
function isListed(list, value) {
  if (list === undefined) return true;
  const words = typeof list === 'string' ? [list] : list;
  if (words.includes(`!${value}`)) return false;
  const allowed = words.filter((word) => !word.startsWith('!'));
  return allowed.length === 0 || allowed.includes(value) || allowed.includes('any');
}
