/**
 * What an update from the last release replaces or removes although something is lost by it, each with the reason why
 * that is right. `template-changes.ts` words the keys. Empty after a release.
 */
export const acceptedChanges: Readonly<Record<string, string>> = {};
