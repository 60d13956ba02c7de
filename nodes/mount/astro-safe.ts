/** astro-safe: a gate that lets messages pass by output 1 only while weather, dome and whatever else are safe, and tells of changes. */
import type { NodeAPI } from 'node-red';
import { realClock } from '../../lib/clock/clock.ts';
import { checkRule, type SafetyRule, safetyTests } from '../../lib/indi/safety.ts';
import { SafetyWatch, type Verdict } from '../../lib/indi/safety-watch.ts';
import { asNightflowError, NightflowError } from '../../lib/process/errors.ts';
import { handleInput } from '../handle.ts';
import { type InputTable, type NodeConfig, nodeLabel, readConfiguration } from '../inputs.ts';
import { type StatusState, showStatus } from '../status.ts';
import { type AstroMessage, type IndiNode, indiOf, type Node } from '../types.ts';

export const safeInputs = {
  mode: { type: 'choice', label: 'mode', choices: ['gate', 'watch', 'both'], default: 'gate' },
  goodMinutes: { type: 'number', label: 'time of good conditions', default: 5, minimum: 0, maximum: 1440, unit: 'min' },
  staleSeconds: { type: 'number', label: 'longest age', default: null, minimum: 1, maximum: 86_400, unit: 's' },
  busyIsSafe: { type: 'boolean', label: 'warnings are safe', default: false },
  connect: { type: 'boolean', label: 'connect the devices', default: true },
} as const satisfies InputTable;

const ruleInputs = {
  device: { type: 'text', label: 'device', default: '' },
  property: { type: 'text', label: 'property', default: '' },
  element: { type: 'text', label: 'element', default: '' },
  test: { type: 'choice', label: 'test', choices: safetyTests, default: 'ok' },
  low: { type: 'number', label: 'lowest value', default: null },
  high: { type: 'number', label: 'highest value', default: null },
} as const satisfies InputTable;

export default function register(RED: NodeAPI): void {
  RED.nodes.registerType('astro-safe', function (this: Node, config: NodeConfig) {
    RED.nodes.createNode(this, config);
    const indi = indiOf(RED, config.indi);
    const closing = new AbortController();
    let mode: string = 'gate';
    let watch: SafetyWatch | null = null;
    /** Why nothing is watched: then nothing is safe. */
    let problem = '';
    try {
      const settings = readConfiguration(config, safeInputs);
      mode = settings.mode;
      watch = watchOf(requireIndi(indi), settings, rulesOf(config.rules));
    } catch (thrown) {
      problem = asNightflowError(thrown).message;
      this.error(`${nodeLabel(this)}: ${problem}`);
    }
    const current = (): Verdict =>
      watch?.verdict() ?? { safe: false, reasons: [problem], troubles: [], since: new Date(0).toISOString() };
    const show = (verdict: Verdict) => showStatus(this, ...lineOf(RED, verdict, problem !== ''));

    watch?.on('changed', (verdict) => {
      show(verdict);
      if (mode !== 'gate') pass((messages) => this.send(messages as never), { payload: verdict.safe }, verdict);
    });
    watch?.start();
    show(current());
    const { observatory } = indi ?? {};
    if (watch && observatory && readConfiguration(config, safeInputs).connect)
      for (const device of new Set(rulesOf(config.rules).map((rule) => rule.device)))
        observatory.keepDevice(device, closing.signal).catch(() => {});

    handleInput(RED, this, {
      config,
      inputs: {},
      parallel: true,
      run: async ({ msg, send }) => {
        const verdict = current();
        show(verdict);
        // A watch answers every message; a gate lets it through.
        if (mode === 'watch') msg.payload = verdict.safe;
        pass((messages) => send(...(messages as [AstroMessage | null, AstroMessage | null])), msg, verdict);
      },
      closing: () => {
        closing.abort();
        watch?.stop();
      },
    });
  });
}

function watchOf(
  { observatory, problem, siteNode }: IndiNode,
  { goodMinutes, staleSeconds, busyIsSafe }: { goodMinutes: number; staleSeconds: number | null; busyIsSafe: boolean },
  rules: readonly SafetyRule[],
): SafetyWatch {
  if (!observatory) throw problem;
  const options = { rules, goodSeconds: goodMinutes * 60, staleSeconds, busyIsSafe };
  return new SafetyWatch(observatory, siteNode?.clock ?? realClock, options);
}

/** @throws bad-input naming the rule and what is wrong */
function rulesOf(stored: unknown): SafetyRule[] {
  const rows = Array.isArray(stored) ? (stored as Record<string, unknown>[]) : [];
  if (rows.length === 0)
    throw new NightflowError('bad-input', 'There is no rule that says what is safe.', {
      remedy: 'Add one in the node.',
    });
  return rows.map((row) => {
    const read = readConfiguration(row, ruleInputs);
    const rule = { ...read, device: read.device.trim(), property: read.property.trim(), element: read.element.trim() };
    checkRule(rule);
    return rule;
  });
}

function requireIndi(indi: IndiNode | null): IndiNode {
  if (indi) return indi;
  throw new NightflowError('bad-input', 'No INDI server is chosen.', { remedy: 'Choose one in the node.' });
}

function pass(send: (messages: unknown) => void, msg: Partial<AstroMessage>, verdict: Verdict): void {
  msg.safe = verdict;
  if (verdict.safe) send([msg, null]);
  else send([null, Object.assign(msg, { event: 'unsafe' })]);
}

function lineOf(RED: NodeAPI, { safe, reasons, troubles }: Verdict, wrong: boolean): [StatusState, string] {
  if (safe) return ['done', RED._('astro-safe.status.safe')];
  const reason = reasons.join(' ');
  // Good, but not yet for long enough, is no alarm.
  return [troubles.length === 0 && !wrong ? 'waiting' : 'failed', RED._('astro-safe.status.unsafe', { reason })];
}
