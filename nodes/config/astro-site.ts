/** `astro-site`: where the observatory stands, which clock it lives by, and the folder that holds all it makes. */
import { resolve } from 'node:path';
import type { NodeAPI } from 'node-red';
import { type Clock, realClock } from '../../lib/clock/clock.ts';
import { RehearsalClock } from '../../lib/clock/rehearsal.ts';
import { asNightflowError, NightflowError } from '../../lib/process/errors.ts';
import { parseSite, type Site, type SiteInput } from '../../lib/sky/site.ts';
import { type InputTable, type NodeConfig, readConfiguration } from '../inputs.ts';
import type { SiteNode } from '../types.ts';

export const siteInputs = {
  archiveFolder: { type: 'text', label: 'archive folder', default: 'archive' },
  clock: { type: 'choice', label: 'clock', choices: ['real', 'rehearsal'], default: 'real' },
  clockStart: { type: 'text', label: "rehearsal's start", default: '' },
  clockRate: { type: 'text', label: "rehearsal's rate", default: '20' },
} as const satisfies InputTable;

const fastestRate = 1000;

export default function (RED: NodeAPI): void {
  RED.nodes.registerType('astro-site', function (this: SiteNode, config: NodeConfig) {
    RED.nodes.createNode(this, config);
    this.problem = null;
    this.clock = realClock;
    this.archiveFolder = resolve(userFolder(RED), 'archive');
    let site: Site | null = null;
    try {
      const settings = readConfiguration(config, siteInputs);
      this.archiveFolder = resolve(userFolder(RED), settings.archiveFolder);
      this.clock = settings.clock === 'real' ? realClock : rehearsalClock(settings.clockStart, settings.clockRate);
      site = parseSite(config as unknown as SiteInput);
    } catch (thrown) {
      this.problem = asNightflowError(thrown);
      this.error(this.problem.message);
    }
    Object.defineProperty(this, 'site', {
      get: () => {
        if (site === null) throw this.problem;
        return site;
      },
    });
  });
}

/** @param rate Clock seconds in a real second, or `max`: time jumps to the next thing that happens. @throws bad-input */
export function rehearsalClock(start: string, rate: string): Clock {
  const milliseconds = /^\d{4}-\d{2}-\d{2}/.test(start.trim()) ? Date.parse(inUtc(start.trim())) : Number.NaN;
  if (Number.isNaN(milliseconds))
    throw new NightflowError('bad-input', `The rehearsal's start "${start}" is not a date.`, {
      remedy: 'Write it as 2026-03-14T17:45:00Z (UTC).',
    });
  const number = rate.trim().toLowerCase() === 'max' ? Infinity : Number(rate);
  if (!(number === Infinity || (number >= 1 && number <= fastestRate)))
    throw new NightflowError(
      'bad-input',
      `The rehearsal's rate "${rate}" is not between 1 and ${fastestRate}, or max.`,
    );
  return new RehearsalClock(milliseconds, number);
}

/** A date with time but without a zone is UTC, not the time of whatever computer reads it. */
const inUtc = (text: string): string => (/T[\d:.]+$/.test(text) ? `${text}Z` : text);

const userFolder = (RED: NodeAPI): string => RED.settings.userDir ?? process.cwd();
