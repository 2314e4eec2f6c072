/** Symbols that carry the meaning beside a colour: each has a shape of its own. Drawn, for a font may lack them. */
import type { Tone } from '../domain/topology-view.ts';

const shapes: Readonly<Record<Tone, { readonly outline: string; readonly mark: string }>> = {
  // A disc with a tick.
  good: { outline: 'M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20Z', mark: 'm7.5 12.4 3 3 6-6.6' },
  // A triangle with an exclamation mark.
  warning: { outline: 'M12 2.6 1.5 21.4h21Z', mark: 'M12 9.5v5.2M12 17.9v.4' },
  // An octagon with a cross.
  critical: { outline: 'M7.9 2h8.2L22 7.9v8.2L16.1 22H7.9L2 16.1V7.9Z', mark: 'm8.5 8.5 7 7m0-7-7 7' },
  // A diamond with a question mark.
  unknown: {
    outline: 'M12 1.5 22.5 12 12 22.5 1.5 12Z',
    mark: 'M9.6 9.9a2.4 2.4 0 1 1 3.5 2.1c-.8.4-1.1.9-1.1 1.9M12 16.6v.3',
  },
};

/** A symbol; the words beside it say the same, so it is silent for a screen reader. */
export function Icon({ tone, size }: { tone: Tone; size: number }) {
  const { outline, mark } = shapes[tone];
  return (
    <svg class={`icon ${tone}`} width={size} height={size} viewBox="0 0 24 24" aria-hidden="true">
      <path class="outline" d={outline} />
      <path class="mark" d={mark} />
    </svg>
  );
}
