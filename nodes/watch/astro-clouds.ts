/** astro-clouds: tells cloudy frames from clear ones by their stars, and marks those that a trail is to do without. */
import type { Node, NodeAPI } from 'node-red';
import { ranBackwards, startOf } from '../../lib/night/backwards.ts';
import { frameNight } from '../../lib/night/file-name.ts';
import { workFolder } from '../../lib/night/night-folder.ts';
import { CloudGate } from '../../lib/watch/cloud-gate.ts';
import type { CloudVerdict } from '../../lib/watch/clouds-verdict.ts';
import { handleInput } from '../handle.ts';
import { carriedOn, readIncoming } from '../image/incoming.ts';
import type { InputTable, NodeConfig } from '../inputs.ts';
import { type StatusState, showStatus } from '../status.ts';
import { type AstroMessage, clockOf, siteOf } from '../types.ts';

const inputs = {
  cloudSensitivity: { type: 'choice', label: 'sensitivity', choices: ['low', 'normal', 'high'], default: 'normal' },
  cloudyFrames: { type: 'choice', label: 'cloudy frames', choices: ['mark', 'divert', 'pass'], default: 'mark' },
  minimumStars: { type: 'number', label: 'minimum of stars', default: 0, minimum: 0, maximum: 100_000, integer: true },
  holdSeconds: { type: 'number', label: 'time a verdict holds', default: 0, minimum: 0, maximum: 3600, unit: 's' },
} as const satisfies InputTable;

const statusState = { clear: 'done', cloudy: 'waiting', unknown: 'working' } as const satisfies Record<
  CloudVerdict['state'],
  StatusState
>;

export default function register(RED: NodeAPI): void {
  RED.nodes.registerType('astro-clouds', function (this: Node, config: NodeConfig) {
    RED.nodes.createNode(this, config);
    const site = siteOf(RED, config.site);
    const clock = clockOf(RED, config.site);
    const gate = new CloudGate(site && workFolder(site.archiveFolder, this.id), clock, ({ message }) =>
      this.warn(message),
    );
    let night = '';
    let last: number | null = null;
    let frames = 0;
    let keptOut = 0;

    /** Counts begin anew with each night, and when a rehearsal begins its night again. */
    const enterNight = (msg: AstroMessage) => {
      const frame = msg.frame!;
      const nightOfFrame = frameNight({ frame, site: site?.site ?? null, nowMilliseconds: clock.now() });
      const start = startOf(frame);
      if (nightOfFrame !== night || ranBackwards(clock, last, start)) [frames, keptOut] = [0, 0];
      night = nightOfFrame;
      last = start ?? last;
      frames++;
    };

    showStatus(this, 'idle', RED._('astro-clouds.status.idle'));
    handleInput(RED, this, {
      config,
      inputs,
      clock,
      drain: true,
      run: async ({ msg, settings, send, status }) => {
        const { frame, note, ends, command } = readIncoming(msg, ['finish', 'reset']);
        if (command === 'reset') {
          await gate.reset();
          status('idle', RED._('astro-clouds.status.idle'));
          return;
        }
        if (frame?.kind !== 'light') {
          if (frame || (ends && !note)) send(msg);
          if (ends) await gate.keep();
          return;
        }
        enterNight(msg);
        const { cloudSensitivity, cloudyFrames, minimumStars, holdSeconds } = settings;
        // Not abortable: a frame that came before a close still gets where it belongs.
        const judged = await gate
          .judge(frame, { sensitivity: cloudSensitivity, minimumStars, holdSeconds }, site?.site ?? null)
          .catch((thrown) => {
            // What can't be judged must not be lost to the trail.
            send(msg);
            throw thrown;
          });
        const { verdict, stars } = judged;
        const cloudy = verdict.state === 'cloudy';
        const out = cloudy && cloudyFrames !== 'pass';
        if (out) keptOut++;
        msg.payload = verdict.cloudFraction;
        msg.clouds = { ...verdict, night, frames, keptOut };
        if (stars) msg.stars = stars;
        if (out) msg.reject ??= verdict.reason;
        const rejected = out ? ({ ...msg, event: 'rejected' } as AstroMessage) : null;
        const diverted = out && cloudyFrames === 'divert';
        send(diverted ? (ends ? ({ ...carriedOn(msg), event: 'end' } as AstroMessage) : null) : msg, rejected);
        const percent = Math.round((verdict.cloudFraction ?? 0) * 100);
        const light = Math.round((verdict.transparency ?? 0) * 100);
        const text = RED._(`astro-clouds.status.${verdict.state}`, { percent, light, reason: verdict.reason });
        const count = keptOut > 0 ? ` · ${RED._('astro-clouds.status.keptOut', { keptOut })}` : '';
        status(statusState[verdict.state], text + count);
      },
      close: () => gate.keep(),
    });
  });
}
