/** astro-stats: figures of a frame: median, noise, saturation and a histogram, over all of it and for each colour. */
import type { Node, NodeAPI } from 'node-red';
import { measureFrame } from '../../lib/frame/statistics.ts';
import { handleInput } from '../handle.ts';
import type { InputTable, NodeConfig } from '../inputs.ts';
import { showStatus } from '../status.ts';
import { readIncoming } from './incoming.ts';

const inputs = {
  measure: {
    type: 'choice',
    label: 'payload',
    choices: ['median', 'mean', 'minimum', 'maximum', 'standardDeviation', 'mad', 'saturatedFraction'],
    default: 'median',
  },
} as const satisfies InputTable;

export default function register(RED: NodeAPI): void {
  RED.nodes.registerType('astro-stats', function (this: Node, config: NodeConfig) {
    RED.nodes.createNode(this, config);
    showStatus(this, 'idle', RED._('astro-stats.status.idle'));
    handleInput(RED, this, {
      config,
      inputs,
      run: async ({ msg, settings, signal, send, status }) => {
        const { frame, note, ends } = readIncoming(msg);
        if (!frame) {
          if (ends && !note) send(msg);
          return;
        }
        const stats = await measureFrame(frame, { signal });
        const value = stats[settings.measure];
        msg.payload = value;
        msg.stats = stats;
        send(msg);
        const shown = settings.measure === 'saturatedFraction' ? value.toPrecision(3) : Number(value.toFixed(1));
        const measure = RED._(`astro-stats.measure.${settings.measure}`);
        const saturated = Number((stats.saturatedFraction * 100).toPrecision(2));
        status('done', RED._('astro-stats.status.done', { measure, value: shown, saturated }));
      },
    });
  });
}
