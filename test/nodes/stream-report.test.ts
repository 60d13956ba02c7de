/** What `astro-stream` shows of the clock: red with the remedy when nobody keeps it, whatever else goes well. */
import type { NodeStatus } from 'node-red';
import { expect, it } from 'vitest';
import type { ClockQuality } from '../../lib/process/clock-quality.ts';
import { StreamReport, spanText } from '../../nodes/camera/stream-report.ts';
import type { AstroMessage, Node, NodeAPI } from '../../nodes/types.ts';
import { translate } from './harness.ts';

const message = 'Nobody keeps the clock of this computer.';
const remedy = 'Install chrony: sudo apt install chrony.';
const none: ClockQuality = {
  source: 'none',
  computer: null,
  synchronised: false,
  reference: null,
  stratum: null,
  offsetSeconds: null,
  uncertaintySeconds: null,
  at: '2026-11-21T21:14:05.000Z',
  warning: { message, remedy },
};
const chrony: ClockQuality = {
  ...none,
  ...{ source: 'chrony', synchronised: true, offsetSeconds: 0.0004, uncertaintySeconds: 0.0021, warning: null },
};

function reporting() {
  const statuses: NodeStatus[] = [];
  const [warnings, sent]: [string[], AstroMessage[]] = [[], []];
  const node = {
    on: () => {},
    status: (status: NodeStatus) => statuses.push(status),
    warn: (text: string) => warnings.push(text),
    send: ([, event]: AstroMessage[]) => sent.push(event!),
  } as unknown as Node;
  const report = new StreamReport({ _: translate } as unknown as NodeAPI, node);
  report.about({ topic: 'night' } as unknown as AstroMessage, 'TYC 1234', Date.UTC(2026, 10, 21, 21, 20));
  return { report, statuses, warnings, sent };
}

it('a clock that nobody keeps is red from the wait on, and its remedy is told once', () => {
  const { report, statuses, warnings, sent } = reporting();
  report.clock(none);
  report.running('waiting', { time: '21:20:00', left: '5:00' });
  report.clock(none);
  report.running('recording', { target: 'TYC 1234', elapsed: '3 s', total: '60 s', frames: 30 });
  expect(statuses.map(({ fill }) => fill)).toEqual(['red', 'red']);
  expect(statuses[0]!.text).toBe('21:20:00 UTC · in 5:00 · clock not synchronised');
  expect(warnings).toEqual([`${message} ${remedy}`]);
  expect(sent.map(({ event }) => event)).toEqual(['clock', 'warning', 'clock']);
  expect(sent[1]).toMatchObject({ topic: 'night', payload: { message, remedy, target: 'TYC 1234' } });
});

it('a good one stands in the status with its bound', () => {
  const { report, statuses, warnings } = reporting();
  report.clock(chrony);
  report.running('waiting', { time: '21:20:00', left: '5:00' });
  report.running('recording', { target: 'TYC 1234', elapsed: '3 s', total: '60 s', frames: 30 });
  expect(statuses).toEqual([
    { fill: 'yellow', shape: 'ring', text: '21:20:00 UTC · in 5:00 · clock ± 2.1 ms (chrony)' },
    { fill: 'blue', shape: 'dot', text: 'TYC 1234 · 3 s of 60 s · 30 frames · clock ± 2.1 ms (chrony)' },
  ]);
  expect(warnings).toEqual([]);
});

it('spans are said as a person says them', () => {
  expect([0, 12.4, 60, 200, 3907].map(spanText)).toEqual(['0 s', '12 s', '1:00', '3:20', '1:05:07']);
});
