/** The one place where a message meets a node's work: settings, queue, clock, status, done, errors and a clean close. */
import type { Node, NodeAPI, NodeMessageInFlow } from 'node-red';
import { type Clock, realClock } from '../lib/clock/clock.ts';
import { Frame, type FrameInit } from '../lib/frame/frame.ts';
import { asNightflowError, NightflowError } from '../lib/process/errors.ts';
import { enterBacklog } from './backlog.ts';
import { type InputTable, nodeLabel, readSettings, type Settings } from './inputs.ts';
import { type StatusState, showStatus } from './status.ts';
import type { AstroMessage } from './types.ts';

export { type StatusState, showStatus };

type Message = AstroMessage | null | undefined;

export interface Work<T extends InputTable> {
  msg: AstroMessage;
  settings: Settings<T>;
  signal: AbortSignal;
  clock: Clock;
  /** Sends to output 1 and, when given, output 2; pass an array for several messages in a row. */
  send(first: Message | AstroMessage[], second?: Message | AstroMessage[]): void;
  status(state: StatusState, text: string): void;
}

export interface HandleOptions<T extends InputTable> {
  config: Readonly<Record<string, unknown>>;
  inputs: T;
  clock?: Clock;
  /** Messages at the same time (commands reach a running sequence) instead of one after the other in their order. */
  parallel?: boolean;
  /** What waits in the queue at close is still worked off, within the limit of a close: for nodes that put frames on the disk. */
  drain?: boolean;
  run(work: Work<T>): Promise<void>;
  /** After a failure was shown: work of other messages that goes on may show itself again. */
  afterFailure?(): void;
  /** Called at close, before what runs is waited for. */
  closing?(): void;
  /** Called once at close after the running work was aborted; within a few seconds. */
  close?(removed: boolean): Promise<void> | void;
}

/** Longest wait for aborted work at close, real milliseconds; Node-RED itself gives up after 15 s. */
const closeMilliseconds = 8_000;

/** Wires a node's input and close. Nothing that `run` throws gets past it: it goes to `done`, so that Catch sees it. */
export function handleInput<T extends InputTable>(RED: NodeAPI, node: Node, options: HandleOptions<T>): void {
  const { config, inputs, clock = realClock, parallel = false } = options;
  const closing = new AbortController();
  const running = new Set<Promise<void>>();
  let tail: Promise<void> = Promise.resolve();

  const work = async (message: NodeMessageInFlow, send: (messages: unknown) => void, done: (error?: Error) => void) => {
    if (closing.signal.aborted && !options.drain) return done();
    try {
      const msg = message as AstroMessage;
      if (msg.frame !== undefined && !(msg.frame instanceof Frame)) msg.frame = revived(msg.frame);
      await options.run({
        msg,
        settings: await readSettings(RED, node, config, inputs, message),
        signal: closing.signal,
        clock,
        send: (first, second) => send(second === undefined ? [first] : [first, second]),
        status: (state, text) => showStatus(node, state, text),
      });
      done();
    } catch (thrown) {
      reportFailure(node, thrown, done);
      options.afterFailure?.();
    }
  };

  node.on('input', (message, send, done) => {
    const frame = (message as AstroMessage).frame;
    const leave = parallel ? () => {} : enterBacklog(frame?.data, frame?.original?.data);
    // A parallel node may itself sleep on the clock for hours: only queued work makes time stand still.
    const release = parallel ? () => {} : clock.hold();
    const task = (parallel ? Promise.resolve() : tail)
      .then(() => work(message, send as (messages: unknown) => void, done))
      // Only another node's handler of status or done can throw here; the messages that wait must not suffer for it.
      .catch((thrown) => RED.log.error(`${nodeLabel(node)}: ${asNightflowError(thrown).message}`))
      .finally(() => {
        leave();
        release();
        running.delete(task);
      });
    running.add(task);
    if (!parallel) tail = task;
  });

  node.on('close', (removed: boolean, done: () => void) => {
    closing.abort();
    options.closing?.();
    const settled = workedOff(running).then(() => options.close?.(removed));
    const over = new AbortController();
    const late = realClock.sleep(closeMilliseconds, over.signal).then(() => {
      throw new NightflowError('timeout', `It was still at work ${closeMilliseconds / 1000} s after it was to close.`);
    });
    Promise.race([settled, late])
      .catch((error) => node.warn(asNightflowError(error).message))
      .finally(() => {
        over.abort();
        done();
      });
  });
}

/** What was on a wire when the close came arrives a turn of the event loop later, and still counts. */
async function workedOff(running: ReadonlySet<Promise<void>>): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  while (running.size > 0) await Promise.allSettled([...running]);
}

/** A frame that lost its class on the way (a context store, another realm) gets it back. @throws bad-input */
function revived(value: unknown): Frame {
  if (value !== null && typeof value === 'object' && 'data' in value) return new Frame(value as FrameInit);
  throw new NightflowError('bad-input', `msg.frame is ${value === null ? 'null' : `a ${typeof value}`}, not a frame.`, {
    remedy: 'Wire a capture or load node in front, and keep frames out of file contexts.',
  });
}

/** An error at the node: red status with the remedy and `done(error)`; what was stopped on request is no error. */
export function reportFailure(node: Node, thrown: unknown, done: (error?: Error) => void): void {
  const error = asNightflowError(thrown);
  if (error.code === 'aborted') {
    done();
    return;
  }
  const text = error.remedy ? `${error.message} ${error.remedy}` : error.message;
  showStatus(node, 'failed', text);
  // What the sidebar and a Catch node show is the error's toString: without the class's name, with the remedy.
  done(Object.defineProperty(error, 'toString', { value: () => text, configurable: true }));
}
