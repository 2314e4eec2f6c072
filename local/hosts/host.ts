/** What the runtime asks of a host, whatever it is made of. */
import type { Pace } from '../pace/pace.ts';
import type { AgentLink } from './agent-link.ts';

/** Facts about a host, from the cluster's configuration. */
export interface HostFacts {
  readonly cluster: string;
  /** Name of the node. */
  readonly name: string;
  readonly instanceId: string;
  readonly address: string;
  readonly port: number;
  readonly dataDirectory: string;
  readonly binDirectory: string;
  /** Directory of the Unix socket; undefined where PostgreSQL's own default is used. */
  readonly socketDirectory: string | undefined;
  readonly osUser: string;
  readonly region: string;
  readonly availabilityZone: string;
  readonly vpcId: string;
  readonly subnetId: string;
  readonly securityGroupId: string;
}

export type HostState = 'pending' | 'running' | 'stopping' | 'stopped';

/** A script for a host: an executable file and where its output goes. */
export interface HostScript {
  readonly path: string;
  readonly stdoutPath: string;
  readonly stderrPath: string;
  /** Beyond the host's own environment. */
  readonly environment: Readonly<Record<string, string>>;
}

/** How a script ended: its exit code, or the signal that killed it. */
export interface ScriptEnd {
  readonly code: number | null;
  readonly signal: string | null;
}

/** A script while it runs. */
export interface RunningScript {
  /** Resolves when the script has ended and nobody holds its stdout or stderr any more; after a kill at once. */
  readonly ended: Promise<ScriptEnd>;
  /** Kills the script's process group at once; what it started in other groups goes on. */
  kill(): void;
}

/** EC2 gives an operating system some minutes to shut down before it cuts the power. */
export const mostShutdownMilliseconds = 120_000;

/** A machine that can be switched on and off and runs scripts. */
export interface Host {
  readonly facts: HostFacts;
  /** As EC2 sees it: a host that has died stays `running` until somebody stops it. */
  readonly state: HostState;
  /** Runs, or is about to. */
  readonly hasPower: boolean;
  /** How long EC2 takes to start and stop it. */
  pace: Pace;
  /** When the host came up. */
  readonly launched: Date;
  /** What AWS and the SSM agent reach each other by. */
  readonly agentLink: AgentLink;
  /** The SSM agent answers. */
  readonly agentOnline: boolean;
  /** When the agent was last seen. */
  readonly lastSeen: Date;
  /** Switches the host on: the agent answers, and an enabled PostgreSQL starts by itself. */
  boot(): Promise<void>;
  /**
   * Cuts the power, as EC2 does when it is to skip the operating system's shutdown: everything on the host is gone at
   * once, and EC2 says so. It ends a shutdown that is under way.
   */
  powerOff(): Promise<void>;
  /** Loses the power unnoticed, as by a fault of its hardware: EC2 goes on to say that it runs. */
  die(): Promise<void>;
  /**
   * Shuts the host down, PostgreSQL first and cleanly; cuts the power when the limit is over, which is what a host
   * that has died makes EC2 wait for.
   */
  shutDown(limitMilliseconds: number): Promise<void>;
  /** Runs a script as the SSM agent does. */
  run(script: HostScript): RunningScript;
  /** Calls back after each boot and each power cut. */
  onStateChange(listener: (state: HostState) => void): void;
}
