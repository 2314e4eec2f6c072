/**
 * What an update from the last release replaces or removes although something is lost by it, each with the reason why
 * that is right. `template-changes.ts` words the keys. Empty after a release.
 */
export const acceptedChanges: Readonly<Record<string, string>> = {
  'remove HostsPolicyF5575A21 AWS::IAM::ManagedPolicy':
    'The hosts have an inline policy now, made before this one goes. Attached by hand, it stays as it is and goes on working.',
  'remove CommandsreportstatusE4F0666C AWS::SSM::Document':
    'No runbook and no function ever sent it; the observer and preflight see what it reported.',
  'remove Commandsraisestandbylimits5494FBC7 AWS::SSM::Document':
    'configure-standby does what it did, and brings the rest of a standby up to date. No runbook runs during an update.',
};
