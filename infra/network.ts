import { Validations } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { Construct } from 'constructs';
import type { Cluster } from '../lambdas/contract/cluster-config.ts';

/**
 * The user's network, imported by id, with the only ways in to PostgreSQL that this stack opens:
 * from node to node, and from the observer to the nodes. With `securityGroupRules: yours` the user opens them, by
 * {@link rulesToAdd}.
 *
 * Egress of the nodes' security group stays the user's: EC2 allows it by default.
 */
export class Network extends Construct {
  readonly vpc: ec2.IVpc;
  readonly observerSubnets: ec2.ISubnet[];
  readonly observerSecurityGroup: ec2.SecurityGroup;
  /** Commands that open the ways in; undefined where the stack does. */
  readonly rulesToAdd: string | undefined;

  constructor(scope: Construct, id: string, cluster: Cluster) {
    super(scope, id);
    const { network } = cluster;
    this.vpc = ec2.Vpc.fromVpcAttributes(this, 'Vpc', {
      vpcId: network.vpcId,
      availabilityZones: [...new Set(network.observerSubnets.map((subnet) => subnet.availabilityZone))],
    });
    this.observerSubnets = network.observerSubnets.map(({ subnetId, availabilityZone }) =>
      this.importSubnet(subnetId, availabilityZone),
    );
    const nodes = ec2.SecurityGroup.fromSecurityGroupId(this, 'Nodes', network.nodeSecurityGroupId);
    this.observerSecurityGroup = new ec2.SecurityGroup(this, 'Observer', {
      vpc: this.vpc,
      description: `Observer of ${cluster.name}: reaches PostgreSQL on the nodes and nothing else`,
      allowAllOutbound: false,
    });
    const ports = postgresPorts(cluster);
    for (const port of ports.map((each) => ec2.Port.tcp(each))) {
      if (network.securityGroupRules === 'managed') {
        nodes.connections.allowInternally(port, 'Replication between the nodes');
        this.observerSecurityGroup.connections.allowTo(nodes, port, 'Observer to PostgreSQL');
      } else {
        this.observerSecurityGroup.addEgressRule(nodes, port, 'Observer to PostgreSQL');
      }
    }
    if (network.securityGroupRules === 'yours') this.rulesToAdd = this.authorize(cluster, ports);
  }

  /**
   * The commands that add every rule as the stack would have added it, one rule each: where another cluster shares the
   * group, the rule from node to node is there already, and EC2 refuses a whole request for one rule that it has.
   */
  private authorize({ network: { region, nodeSecurityGroupId: nodes } }: Cluster, ports: number[]): string {
    const add = `aws ec2 authorize-security-group-ingress --region ${region} --group-id ${nodes} --ip-permissions`;
    const sources = [nodes, this.observerSecurityGroup.securityGroupId];
    return ports
      .flatMap((port) => sources.map((source) => ({ port, source })))
      .map(
        ({ port, source }) =>
          `${add} 'IpProtocol=tcp,FromPort=${port},ToPort=${port},UserIdGroupPairs=[{GroupId=${source}}]'`,
      )
      .join('; ');
  }

  private importSubnet(subnetId: string, availabilityZone: string): ec2.ISubnet {
    const subnet = ec2.Subnet.fromSubnetAttributes(this, subnetId, { subnetId, availabilityZone });
    Validations.of(subnet).acknowledge({
      id: 'Annotation::@aws-cdk/aws-ec2:noSubnetRouteTableId',
      reason: 'Nothing here routes.',
    });
    return subnet;
  }
}

/** Every port that PostgreSQL listens on somewhere in the cluster, each once. */
function postgresPorts(cluster: Cluster): number[] {
  return [...new Set(cluster.nodes.map((node) => node.port ?? cluster.postgres.port))].sort((a, b) => a - b);
}
