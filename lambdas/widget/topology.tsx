/** The picture of the cluster: cards for its nodes, and arrows for the WAL that flows between them. */
import type { LinkView, NodeView, TopologyView } from '../domain/topology-view.ts';
import { Icon } from './icons.tsx';

const roleWords = { primary: 'Primary', standby: 'Standby', unknown: 'Role unknown' } as const;

export function Topology({ topology: { primary, others } }: { topology: TopologyView }) {
  return (
    <div class={primary === null ? 'topology headless' : 'topology'}>
      <div class="centre">
        {primary === null ? <NoPrimary /> : <Node node={primary} />}
        {primary !== null && others.length > 0 && <Stub />}
      </div>
      <ul class="others">
        {others.map(({ node, link }, index) => (
          <li>
            {primary !== null && <Arrow link={link} isFirst={index === 0} isLast={index === others.length - 1} />}
            <Node node={node} />
          </li>
        ))}
      </ul>
    </div>
  );
}

function NoPrimary() {
  return (
    <div class="node absent">
      <p class="role">No primary</p>
      <p class="state">No node that answers accepts writes.</p>
    </div>
  );
}

function Node({ node }: { node: NodeView }) {
  return (
    <div class={`node ${node.tone}`} data-node={node.name}>
      <p class="role">
        <span>{roleWords[node.role]}</span>
        {node.syncState !== null && <span class="sync">{node.syncState}</span>}
      </p>
      <p class="name">{node.name}</p>
      <p class="address">{node.address}</p>
      <p class="state">
        <Icon tone={node.tone} size={16} />
        <span>
          {node.state}
          {node.lag !== null && `, ${node.lag}`}
        </span>
      </p>
      {node.details.map((detail) => (
        <p class="detail">{detail}</p>
      ))}
    </div>
  );
}

/** From the primary's card to where the arrows part. */
function Stub() {
  return (
    <svg class="stub" aria-hidden="true">
      <line x1="0" y1="50%" x2="100%" y2="50%" />
    </svg>
  );
}

const linkWords: Readonly<Record<LinkView['kind'], string>> = {
  synchronous: 'commits wait for it',
  asynchronous: 'commits do not wait for it',
  'catching-up': 'not yet streaming',
  none: 'nothing flows',
  unknown: 'seen from the standby only',
};

/**
 * One arrow with its share of the trunk that all arrows leave from. Positions are percentages, so that it is as high as
 * the card beside it without being distorted. Kinds differ by their line, not by its colour alone: solid and thick,
 * dashed, dotted, or broken by a cross.
 */
function Arrow({ link: { kind, label }, isFirst, isLast }: { link: LinkView; isFirst: boolean; isLast: boolean }) {
  return (
    <div class={`arrow ${kind}`}>
      <svg role="img" aria-label={`${label}: ${linkWords[kind]}`}>
        <line class={isFirst ? 'trunk first' : 'trunk'} x1="1" y1={isFirst ? -6 : 0} x2="1" y2="50%" />
        {!isLast && <line class="trunk" x1="1" y1="50%" x2="1" y2="100%" />}
        <line class="flow" x1="1" y1="50%" x2="100%" y2="50%" />
        <svg x="100%" y="50%" aria-hidden="true">
          <path class="head" d="M0 0-11-6v12Z" />
        </svg>
        <svg x="50%" y="50%" aria-hidden="true">
          {kind === 'none' && <path class="cross" d="m-6-6 12 12m0-12-12 12" />}
          <text class="label" y={kind === 'none' ? -14 : -9} text-anchor="middle">
            {label}
          </text>
        </svg>
      </svg>
    </div>
  );
}
