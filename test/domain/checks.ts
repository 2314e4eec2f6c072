/** A checker for tests: observations in, events out, with a clock that goes from check to check. */
import type { AlertEvent } from '../../lambdas/contract/alerts.ts';
import type { Cluster } from '../../lambdas/contract/cluster-config.ts';
import type { CheckerState, Health } from '../../lambdas/contract/health.ts';
import type { Observation } from '../../lambdas/contract/observation.ts';
import { assess } from '../../lambdas/domain/health.ts';
import { advance, initialState } from '../../lambdas/domain/transitions.ts';
import { observe, world } from './observed.ts';

export class Checks {
  readonly cluster: Cluster;
  state: CheckerState = initialState();
  now = new Date('2020-01-06T07:09:23.186Z');

  constructor(cluster: Cluster) {
    this.cluster = cluster;
  }

  /** A checker that has seen the cluster healthy. */
  static ofHealthy(cluster: Cluster): Checks {
    const checks = new Checks(cluster);
    const { health } = checks.check(observe(cluster, world(cluster)));
    if (health.status !== 'healthy') throw new Error(JSON.stringify(health.findings));
    return checks;
  }

  /** One check, an interval after the last one. */
  check(
    observation: Observation,
    seconds = this.cluster.monitoring.checkIntervalSeconds,
  ): { health: Health; events: AlertEvent[] } {
    this.now = new Date(this.now.getTime() + seconds * 1000);
    const health = assess(this.cluster, observation, this.state.memory, this.now);
    const { state, events } = advance(this.cluster, this.state, health, this.now);
    this.state = state;
    return { health, events };
  }
}
