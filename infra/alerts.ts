import * as chatbot from 'aws-cdk-lib/aws-chatbot';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as sns from 'aws-cdk-lib/aws-sns';
import * as subscriptions from 'aws-cdk-lib/aws-sns-subscriptions';
import { Construct } from 'constructs';
import type { Cluster } from '../lambdas/contract/cluster-config.ts';
import { resourceNames } from '../lambdas/contract/names.ts';

/**
 * Where alerts go: one topic, with the configured e-mail, http(s) and Slack subscribers.
 *
 * The topic is not encrypted with KMS: CloudWatch alarms cannot publish under the AWS managed key, and a key of our
 * own would double the running cost of a cluster. Alerts hold names and positions, no data and no secret.
 */
export class Alerts extends Construct {
  readonly topic: sns.Topic;

  constructor(scope: Construct, id: string, cluster: Cluster) {
    super(scope, id);
    const { alerts } = cluster;
    const topicName = resourceNames(cluster.name).topic;
    this.topic = new sns.Topic(this, 'Topic', { topicName, displayName: topicName, enforceSSL: true });
    for (const email of new Set(alerts.emails)) this.topic.addSubscription(new subscriptions.EmailSubscription(email));
    for (const url of new Set(alerts.httpEndpoints)) this.topic.addSubscription(new subscriptions.UrlSubscription(url));
    if (alerts.slack) {
      new chatbot.SlackChannelConfiguration(this, 'Slack', {
        slackChannelConfigurationName: topicName,
        slackWorkspaceId: alerts.slack.workspaceId,
        slackChannelId: alerts.slack.channelId,
        notificationTopics: [this.topic],
        // The channel reads alerts. Without a guardrail its members could be given administrator rights.
        guardrailPolicies: [iam.ManagedPolicy.fromAwsManagedPolicyName('CloudWatchReadOnlyAccess')],
      });
    }
  }
}
