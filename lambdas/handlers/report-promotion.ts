import { deployedCluster } from '../adapters/cluster.ts';
import { parseInput } from '../adapters/parse.ts';
import { type PromotionReport, reportPromotionInputSchema } from '../contract/promotions.ts';
import { promotionReport } from '../domain/promotion-report.ts';

const cluster = deployedCluster();

/** Says what a switchover or failover has done: the output of its execution. */
export async function handler(event: unknown): Promise<PromotionReport> {
  return promotionReport(cluster, parseInput(reportPromotionInputSchema, event, 'report-promotion'));
}
