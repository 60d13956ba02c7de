/** What `astro-stream` says: its status line, and the messages of both outputs. */
import type { StreamedFrame } from '../../lib/camera/camera-stream.ts';
import { isoTime } from '../../lib/clock/clock.ts';
import { protocolLine, type RecordingProtocol } from '../../lib/night/stream-protocol.ts';
import type { RecordingEnd, RecordingPhase } from '../../lib/night/stream-request.ts';
import { type ClockQuality, milliseconds } from '../../lib/process/clock-quality.ts';
import type { NightflowError } from '../../lib/process/errors.ts';
import { type StatusState, showStatus } from '../status.ts';
import type { AstroMessage, Node, NodeAPI } from '../types.ts';

export type StreamEvent =
  | 'armed'
  | 'waiting'
  | 'clock'
  | 'recording'
  | 'progress'
  | 'preview'
  | 'warning'
  | 'missed'
  | 'end';

export class StreamReport {
  private readonly RED: NodeAPI;
  private readonly node: Node;
  /** What every message on output 2 carries. */
  private head: Partial<AstroMessage> = {};
  private base: Record<string, unknown> = {};
  private quality: ClockQuality | null = null;
  private previewAt = -Infinity;

  constructor(RED: NodeAPI, node: Node) {
    this.RED = RED;
    this.node = node;
  }

  /** For the messages that follow. */
  about(msg: AstroMessage, target: string | null, start: number | null): void {
    this.head = msg.topic === undefined ? {} : { topic: msg.topic };
    if (msg.target !== undefined) this.head.target = msg.target;
    this.base = { target, start: start === null ? null : isoTime(start) };
    this.quality = null;
  }

  status(state: StatusState, key: string, values: Record<string, unknown> = {}): void {
    showStatus(this.node, state, this.RED._(`astro-stream.status.${key}`, values as never));
  }

  /** A clock that nobody vouches for is red whatever else goes well. */
  running(key: 'waiting' | 'opening' | 'recording', values: Record<string, unknown>): void {
    const good = key === 'recording' ? 'working' : 'waiting';
    this.status(this.quality?.warning ? 'failed' : good, key, { ...values, clock: this.clockText() });
  }

  tell(event: StreamEvent, payload: object = {}, more: Partial<AstroMessage> = {}): void {
    const msg = { ...this.head, ...more, event, payload: { ...this.base, ...payload } };
    this.node.send([null, msg] as never);
  }

  phase(phase: RecordingPhase, secondsLeft: number | null): void {
    if (phase === 'waiting') this.tell('armed', { secondsLeft });
    else if (phase === 'recording') this.tell('recording', { clock: clockFigures(this.quality) });
    else if (phase === 'finishing') this.status('working', 'finishing');
  }

  /** The same warning is told once a recording. */
  clock(quality: ClockQuality): void {
    const before = this.quality?.warning?.message;
    this.quality = quality;
    this.tell('clock', quality);
    const { warning } = quality;
    if (warning && warning.message !== before) this.warning(warning.message, warning.remedy);
  }

  warning(message: string, remedy?: string): void {
    this.node.warn(remedy ? `${message} ${remedy}` : message);
    this.tell('warning', { message, remedy: remedy ?? null });
  }

  /** @param everySeconds Of real time: it is for eyes. 0: none */
  preview({ frame }: StreamedFrame, everySeconds: number, framesPerSecond: number | null): void {
    const now = performance.now();
    if (everySeconds <= 0 || now - this.previewAt < everySeconds * 1000) return;
    this.previewAt = now;
    this.tell('preview', { fps: framesPerSecond }, { frame });
  }

  /** Output 1, and the log. */
  recorded(msg: AstroMessage, protocol: RecordingProtocol, protocolPath: string): void {
    this.node.log(protocolLine(protocol));
    const { film, figures, lost, stamps, instrument, asked, clock } = protocol;
    msg.payload = {
      path: film.path,
      sidecar: protocolPath,
      onServer: film.onServer,
      frames: figures.frames,
      lost: lost.dropped + lost.damaged + lost.missing,
      cadenceSeconds: figures.cadenceSeconds,
      jitterSeconds: figures.jitterSeconds,
      first: figures.first,
      last: figures.last,
      durationSeconds: asked.durationSeconds,
      bits: instrument.bits,
      stampedBy: stamps.by,
      clock: clockFigures(clock.after ?? clock.before),
    };
    msg.recording = protocol;
    delete msg.file;
    if (!film.onServer) msg.file = { path: film.path, bytes: film.bytes, format: 'ser' };
    this.node.send([msg, null] as never);
  }

  ended({ reason, error, protocol, lateSeconds }: RecordingEnd): void {
    if (reason === 'missed') {
      const message = `${this.base.target ?? 'The recording'} was missed: it was to begin at ${this.base.start}, ${lateSeconds?.toFixed(1)} s ago.`;
      this.tell('missed', { message, lateSeconds });
      return;
    }
    const frames = protocol?.figures.frames ?? 0;
    this.tell('end', { reason, frames, path: protocol?.film.path ?? null, message: error?.message ?? null });
    const warning = this.quality?.warning;
    const lost = protocol ? protocol.lost.dropped + protocol.lost.damaged + protocol.lost.missing : 0;
    if (!protocol) this.status('idle', 'stopped');
    else if (warning) this.status('failed', 'unclocked', { frames, message: `${warning.message} ${warning.remedy}` });
    else
      this.status(lost > 0 ? 'waiting' : 'done', lost > 0 ? 'done-lost' : 'done', {
        frames,
        lost,
        clock: this.clockText(),
      });
  }

  failed(error: NightflowError, reason: 'error' | 'aborted'): void {
    this.tell('end', { reason, frames: 0, path: null, message: error.message });
  }

  private clockText(): string {
    const { quality } = this;
    if (!quality) return '';
    const key =
      quality.source === 'rehearsal' ? 'rehearsal' : quality.uncertaintySeconds === null ? 'unknown' : 'known';
    const value = milliseconds(quality.uncertaintySeconds ?? 0);
    return this.RED._(`astro-stream.clock.${key}`, { value, source: quality.source } as never);
  }
}

const clockFigures = (quality: ClockQuality | null) =>
  quality && {
    source: quality.source,
    synchronised: quality.synchronised,
    offsetSeconds: quality.offsetSeconds,
    uncertaintySeconds: quality.uncertaintySeconds,
  };

/** 1:05:07, 3:20, 12 s. */
export function spanText(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const shown = parts[0] === 0 ? parts.slice(1) : parts;
  return shown.map((part, at) => (at === 0 ? `${part}` : String(part).padStart(2, '0'))).join(':');
}
