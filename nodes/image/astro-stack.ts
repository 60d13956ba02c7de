/** astro-stack: folds frames into brightest-, darkest-pixel, mean, clipped or sum stacks, aligned by stars or not; goes on after a crash. */
import type { Node, NodeAPI } from 'node-red';
import { realClock } from '../../lib/clock/clock.ts';
import { frameNight } from '../../lib/night/file-name.ts';
import { workFolder } from '../../lib/night/night-folder.ts';
import { NightStack, type StackResult } from '../../lib/night/night-stack.ts';
import type { Carried } from '../../lib/night/stack-folder.ts';
import { asNightflowError, type NightflowError } from '../../lib/process/errors.ts';
import type { LeftOut } from '../../lib/stars/live-quality.ts';
import { handleInput } from '../handle.ts';
import type { InputTable, NodeConfig } from '../inputs.ts';
import { showStatus } from '../status.ts';
import { type AstroMessage, clockOf, siteOf } from '../types.ts';
import { carriedOn, readIncoming } from './incoming.ts';
import { integrateBatch, isBatch } from './stack-batch.ts';

const inputs = {
  stackMode: {
    type: 'choice',
    label: 'stack mode',
    choices: ['max', 'min', 'mean', 'sum', 'sigma-clip', 'winsorised'],
    default: 'max',
  },
  align: { type: 'choice', label: 'alignment', choices: ['none', 'stars'], default: 'none' },
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

/** Real time until a finished stack that was sent is taken to be where it belongs. */
const handledMilliseconds = 60_000;

export default function register(RED: NodeAPI): void {
  RED.nodes.registerType('astro-stack', function (this: Node, config: NodeConfig) {
    RED.nodes.createNode(this, config);
    const site = siteOf(RED, config.site);
    const clock = clockOf(RED, config.site);
    const folder = site ? workFolder(site.archiveFolder, this.id) : null;
    const closing = new AbortController();
    let opening: Promise<NightStack> | null = null;
    let opened: NightStack | null = null;
    let expecting = false;
    let last: AstroMessage | null = null;
    let runningAt = Number.NEGATIVE_INFINITY;
    let framesSinceRunning = 0;
    let savedAt = clock.now();

    const warn = ({ message }: NightflowError) =>
      this.warn(RED._('astro-stack.warning.checkpoint', { reason: message }));

    const open = async (): Promise<NightStack> => {
      const stack = await NightStack.open(folder, clock, warn);
      // A crash may have come before astro-save had the result: twice is better than never.
      for await (const { carried, ...result } of stack.unhandled(warn)) this.send(resultMessage(result, carried));
      opened = stack;
      if (closing.signal.aborted) stack.outputsClose('lost');
      else expectHandled(stack);
      return stack;
    };
    const openOnce = (): Promise<NightStack> => {
      opening ??= open().catch((thrown) => {
        opening = null;
        throw thrown;
      });
      return opening;
    };

    /** Whoever writes the result has done so a minute later; the wait is for a real disk, however fast the night runs. */
    const expectHandled = (stack: NightStack) => {
      const pending = stack.pending.slice();
      if (expecting || pending.length === 0) return;
      expecting = true;
      realClock.sleep(handledMilliseconds, closing.signal).then(
        async () => {
          expecting = false;
          await stack.handled(pending).catch((thrown) => this.warn(asNightflowError(thrown).message));
          expectHandled(stack);
        },
        () => {}, // at close
      );
    };

    const resultMessage = ({ frame, summary }: StackResult, carried: object, event?: string): AstroMessage =>
      ({
        ...carried,
        payload: summary.frames,
        frame,
        stack: summary,
        ...(event ? { event } : {}),
      }) as Partial<AstroMessage> as AstroMessage;

    const leftOutText = ({ code }: LeftOut, { frames, rejected }: NightStack): string =>
      RED._('astro-stack.status.left-out', { reason: RED._(`astro-stack.leftOut.${code}`), frames, rejected });

    showStatus(this, 'idle', RED._('astro-stack.status.idle'));
    handleInput(RED, this, {
      config,
      inputs,
      clock,
      drain: true,
      run: async ({ msg, settings, send, status, signal }) => {
        if (isBatch(msg)) return integrateBatch({ RED, node: this, site, msg, signal, send, status });
        const { frame, ends, command, note } = readIncoming(msg, ['finish', 'reset']);
        if (note) return;
        const stack = await openOnce();
        const plan = {
          method: settings.stackMode,
          align: settings.align,
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
          send(resultMessage(result, last ? carriedOn(last) : stack.carried, event));
          expectHandled(stack);
          status('done', RED._('astro-stack.status.done', { frames: finished, mode: plan.method }));
        };

        /** Without a frame: nothing that shows or saves pictures has a use for it. */
        const tellLeftOut = (leftOut: { code: LeftOut['code'] | 'rejected'; text: string }) =>
          send(null, {
            ...carriedOn(msg),
            payload: stack.frames,
            stack: stack.soFar,
            leftOut,
            event: 'left-out',
          } as Partial<AstroMessage> as AstroMessage);

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
          stack.carried = plainOf(carriedOn(msg));
          if (msg.reject && settings.rejectedFrames === 'leave-out') {
            stack.reject();
            tellLeftOut({ code: 'rejected', text: msg.reject });
          } else {
            finish(await stack.add(frame, plan));
            if (stack.lastLeftOut) tellLeftOut(stack.lastLeftOut);
            else framesSinceRunning++;
          }
        }
        if (ends) {
          const result = await stack.finish();
          if (result) finish(result, 'end');
          else send({ ...carriedOn(msg), payload: 0, event: 'end' } as AstroMessage);
        } else if (stack.frames === 0 && stack.lastLeftOut) {
          status('waiting', leftOutText(stack.lastLeftOut, stack));
        } else if (stack.frames > 0 && finished === 0) {
          const { frames, rejected, lastLeftOut } = stack;
          const text = rejected > 0 ? 'astro-stack.status.running-rejected' : 'astro-stack.status.running';
          if (frame && lastLeftOut) status('waiting', leftOutText(lastLeftOut, stack));
          else status('working', RED._(text, { frames, rejected, mode: plan.method }));
          const dueByTime = settings.runningSeconds > 0 && clock.now() - runningAt >= settings.runningSeconds * 1000;
          const dueByCount = settings.runningFrames > 0 && framesSinceRunning >= settings.runningFrames;
          if ((dueByTime || dueByCount) && framesSinceRunning > 0) {
            runningAt = clock.now();
            framesSinceRunning = 0;
            const running = await stack.running();
            if (running) send(null, resultMessage(running, carriedOn(last), 'running'));
          }
        }
        if (finished > 0) savedAt = clock.now();
        if (ends || clock.now() - savedAt >= settings.checkpointSeconds * 1000) {
          await stack.checkpoint();
          savedAt = clock.now();
        }
      },
      closing: () => {
        closing.abort();
        RED.events.removeListener('flows:started', started);
        opened?.outputsClose('delivered');
      },
      close: async () => {
        await opening?.catch(() => null);
        await opened?.checkpoint();
        opened?.close();
      },
    });

    // Not before every node of the flow is there to take what a crash kept back.
    const started = () => {
      openOnce().catch((thrown) => this.error(asNightflowError(thrown)));
    };
    RED.events.once('flows:started', started);
  });
}

/** What a small file can keep of a message. */
function plainOf(message: Partial<AstroMessage>): Carried {
  const plain: Carried = {};
  for (const [name, value] of Object.entries(message))
    if (!name.startsWith('_') && (['number', 'boolean'].includes(typeof value) || isShortText(value)))
      plain[name] = value as Carried[string];
  return plain;
}

const isShortText = (value: unknown): boolean => typeof value === 'string' && value.length <= 1000;
