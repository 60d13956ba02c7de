/** astro-stack: folds frames into brightest-, darkest-pixel, mean or sum stacks; a night's trail goes on after a crash. */
import type { Node, NodeAPI } from 'node-red';
import { frameNight } from '../../lib/night/file-name.ts';
import { workFolder } from '../../lib/night/night-folder.ts';
import { NightStack, type StackResult } from '../../lib/night/night-stack.ts';
import { asNightflowError } from '../../lib/process/errors.ts';
import { handleInput } from '../handle.ts';
import type { InputTable, NodeConfig } from '../inputs.ts';
import { showStatus } from '../status.ts';
import { type AstroMessage, clockOf, siteOf } from '../types.ts';
import { carriedOn, readIncoming } from './incoming.ts';

const inputs = {
  stackMode: { type: 'choice', label: 'stack mode', choices: ['max', 'min', 'mean', 'sum'], default: 'max' },
  stackBy: {
    type: 'choice',
    label: 'stack by',
    choices: ['duration', 'count', 'night', 'command'],
    default: 'duration',
  },
  stackSeconds: { type: 'number', label: 'stack duration', default: 60, minimum: 0.1, maximum: 86400, unit: 's' },
  stackFrames: { type: 'number', label: 'number of frames', default: 20, minimum: 1, maximum: 1e6, integer: true },
  runningSeconds: {
    type: 'number',
    label: 'time between running results',
    default: 30,
    minimum: 0,
    maximum: 86400,
    unit: 's',
  },
  runningFrames: {
    type: 'number',
    label: 'number of frames between running results',
    default: 0,
    minimum: 0,
    maximum: 1e6,
    integer: true,
  },
  hotPixels: { type: 'choice', label: 'hot pixels', choices: ['off', 'robust'], default: 'robust' },
  fillGaps: { type: 'boolean', label: 'gap filling', default: false },
  cometTail: { type: 'number', label: 'comet tail', default: 0, minimum: 0, maximum: 100000, unit: 'frames' },
  rejectedFrames: { type: 'choice', label: 'rejected frames', choices: ['leave-out', 'use'], default: 'leave-out' },
  checkpointSeconds: {
    type: 'number',
    label: 'checkpoint interval',
    default: 60,
    minimum: 5,
    maximum: 3600,
    unit: 's',
  },
} as const satisfies InputTable;

export default function register(RED: NodeAPI): void {
  RED.nodes.registerType('astro-stack', function (this: Node, config: NodeConfig) {
    RED.nodes.createNode(this, config);
    const site = siteOf(RED, config.site);
    const clock = clockOf(RED, config.site);
    const folder = site ? workFolder(site.archiveFolder, this.id) : null;
    let opened: NightStack | null = null;
    let last: AstroMessage | null = null;
    let runningAt = Number.NEGATIVE_INFINITY;
    let framesSinceRunning = 0;
    let savedAt = clock.now();

    const open = async (): Promise<NightStack> => {
      try {
        return await NightStack.open(folder, clock);
      } catch (thrown) {
        this.warn(RED._('astro-stack.warning.checkpoint', { reason: asNightflowError(thrown).message }));
        return new NightStack(folder, clock);
      }
    };
    const resultMessage = ({ frame, summary }: StackResult, event?: string): AstroMessage =>
      ({
        ...carriedOn(last),
        payload: summary.frames,
        frame,
        stack: summary,
        ...(event ? { event } : {}),
      }) as AstroMessage;

    showStatus(this, 'idle', RED._('astro-stack.status.idle'));
    handleInput(RED, this, {
      config,
      inputs,
      clock,
      drain: true,
      run: async ({ msg, settings, send, status }) => {
        const { frame, ends, command, note } = readIncoming(msg, ['finish', 'reset']);
        if (note) return;
        opened ??= await open();
        const stack = opened;
        const plan = {
          method: settings.stackMode,
          by: settings.stackBy,
          seconds: settings.stackSeconds,
          frames: settings.stackFrames,
          hotPixels: settings.hotPixels,
          fillGaps: settings.fillGaps,
          cometTail: settings.cometTail,
        };
        let finished = 0;
        const finish = (result: StackResult | null, event?: string) => {
          if (!result) return;
          finished = result.summary.frames;
          framesSinceRunning = 0;
          send(resultMessage(result, event));
          status('done', RED._('astro-stack.status.done', { frames: finished, mode: plan.method }));
        };

        if (command === 'reset') {
          stack.drop();
          await stack.checkpoint();
          status('idle', RED._('astro-stack.status.idle'));
          return;
        }
        if (frame) {
          const night = frameNight({ frame, site: site?.site ?? null, nowMilliseconds: clock.now() });
          finish(await stack.advance(frame, night, plan));
          last = msg;
          if (msg.reject && settings.rejectedFrames === 'leave-out') stack.reject();
          else {
            finish(await stack.add(frame, plan));
            framesSinceRunning++;
          }
        }
        if (ends) {
          const result = await stack.finish();
          if (result) finish(result, 'end');
          else send({ ...carriedOn(msg), payload: 0, event: 'end' } as AstroMessage);
        } else if (stack.frames > 0 && finished === 0) {
          const { frames, rejected } = stack;
          const text = rejected > 0 ? 'astro-stack.status.running-rejected' : 'astro-stack.status.running';
          status('working', RED._(text, { frames, rejected, mode: plan.method }));
          const dueByTime = settings.runningSeconds > 0 && clock.now() - runningAt >= settings.runningSeconds * 1000;
          const dueByCount = settings.runningFrames > 0 && framesSinceRunning >= settings.runningFrames;
          if ((dueByTime || dueByCount) && framesSinceRunning > 0) {
            runningAt = clock.now();
            framesSinceRunning = 0;
            const running = await stack.running();
            if (running) send(null, resultMessage(running, 'running'));
          }
        }
        if (finished > 0 || ends || clock.now() - savedAt >= settings.checkpointSeconds * 1000) {
          await stack.checkpoint();
          savedAt = clock.now();
        }
      },
      close: async () => {
        await opened?.checkpoint();
        opened?.close();
      },
    });
  });
}
