import { Validations } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { Construct } from 'constructs';
import type { Cluster } from '../lambdas/contract/cluster-config.ts';

/**
 * The user's network, imported by id, with the only ways in to PostgreSQL that this stack opens:
 * from node to node, and from the observer to the nodes.
 *
 * Egress of the nodes' security group stays the user's: EC2 allows it by default.
 */
export class Network extends Construct {
  readonly vpc: ec2.IVpc;
  readonly observerSubnets: ec2.ISubnet[];
  readonly observerSecurityGroup: ec2.SecurityGroup;

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
    for (const port of postgresPorts(cluster)) {
      nodes.connections.allowInternally(ec2.Port.tcp(port), 'Replication between the nodes');
      this.observerSecurityGroup.connections.allowTo(nodes, ec2.Port.tcp(port), 'Observer to PostgreSQL');
    }
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
