import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createContext, runInContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { captureInputs } from '../../nodes/camera/capture-settings.ts';
import { siteInputs } from '../../nodes/config/astro-site.ts';
import { translate } from './harness.ts';

/** What a node's page registers with the editor. */
interface Definition {
  type: string;
  category: string;
  color?: string;
  icon?: string;
  defaults: Record<string, { value: unknown; required?: boolean; validate?: Validator; type?: string }>;
}
type Validator = ((this: unknown, value: unknown, options: object) => unknown) & { length: number };

const nodes = join(import.meta.dirname, '..', '..', 'nodes');
const pages = readdirSync(nodes, { recursive: true, withFileTypes: true })
  .filter(({ name, parentPath }) => name.endsWith('.html') && !parentPath.includes('locales'))
  .map(({ name, parentPath }) => ({
    type: name.replace('.html', ''),
    family: parentPath,
    html: readFileSync(join(parentPath, name), 'utf8'),
  }));

/** Runs a page's scripts as a browser without an open dialog would: first what it names, then its own. */
function definitionOf(type: string): Definition {
  const { html } = pages.find((page) => page.type === type)!;
  const [, named] = /<script src="resources\/@nightflow\/node-red\/([\w.]+)"><\/script>/.exec(html)!;
  const script = /<script type="text\/javascript">([\s\S]*?)<\/script>/.exec(html)![1]!;
  let definition: Definition | undefined;
  const registerType = (_: string, given: Omit<Definition, 'type'>) => {
    definition = { ...given, type };
  };
  const RED = { nodes: { registerType }, validators: {}, _: translate };
  const browser = createContext({ RED, $: () => ({ val: () => undefined }), Intl, Date, Number });
  runInContext(readFileSync(join(nodes, '..', 'resources', named!), 'utf8'), browser);
  runInContext(script, browser);
  return definition!;
}

const asStored = (definition: Definition, changes: Record<string, unknown> = {}) => ({
  ...Object.fromEntries(Object.entries(definition.defaults).map(([name, { value }]) => [name, value])),
  _: translate,
  _def: definition,
  type: definition.type,
  ...changes,
});

/** How Node-RED writes an environment variable. */
const variable = `$${'{ANY}'}`;

/** true, or why not. */
function verdict(type: string, name: string, value: unknown, others: Record<string, unknown> = {}): unknown {
  const definition = definitionOf(type);
  return definition.defaults[name]!.validate!.call(asStored(definition, { [name]: value, ...others }), value, {});
}

describe.each(pages.map(({ type }) => type))('the page of %s', (type) => {
  const page = pages.find((each) => each.type === type)!;
  const definition = definitionOf(type);

  it('has validators that take two arguments, or the reason they give counts as a yes', () => {
    for (const [name, { validate }] of Object.entries(definition.defaults))
      if (validate) expect([name, validate.length]).toEqual([name, 2]);
  });

  it('has defaults that are right, but for what a person must fill in', () => {
    for (const [name, { value, required, validate }] of Object.entries(definition.defaults))
      if (validate && !required && value !== '')
        expect([name, validate.call(asStored(definition), value, {})]).toEqual([name, true]);
  });

  it('has a text for every key it names, and a help that begins with a sentence', () => {
    const keys = [...page.html.matchAll(/data-i18n="(?:\[\w+\])?([\w.-]+)"/g)].map(([, key]) => key!);
    for (const key of keys) expect([key, translate(key)]).not.toEqual([key, key]);
    const help = readFileSync(join(page.family, 'locales', 'en-US', `${type}.html`), 'utf8');
    expect(help).toMatch(new RegExp(`data-help-name="${type}">\\s*<p>[A-Z]`));
  });

  it('takes its colours from the theme, and its icon from icons/', () => {
    const style = page.html.replace(/color: '#[0-9a-f]{6}'/, '').replaceAll(/(color|fill): #fff;/g, '');
    expect(style).not.toMatch(/#[0-9a-f]{3,8}\b[;"' ]|rgba?\(/i);
    if (definition.category === 'config') return;
    expect(definition.category).toBe('Nightflow');
    expect(existsSync(join(nodes, '..', 'icons', definition.icon!))).toBe(true);
  });
});

describe('the editor and the run time agree', () => {
  it.each([
    ['astro-capture', captureInputs, ['offset']],
    ['astro-site', siteInputs, []],
  ] as const)('about the defaults of %s', (type, inputs, onlyByMessage) => {
    const { defaults } = definitionOf(type);
    for (const [name, input] of Object.entries(inputs)) {
      if ((onlyByMessage as readonly string[]).includes(name)) continue;
      const usual = input.default === null ? '' : input.default;
      expect([name, String(defaults[name]?.value)]).toEqual([name, String(usual)]);
    }
  });
});

describe('what is wrong is said', () => {
  it.each([
    ['astro-capture', 'exposureSeconds', 'long', {}, 'Exposure: 0 to 86400 s'],
    ['astro-capture', 'exposureSeconds', '', {}, 'Exposure: 0 to 86400 s'],
    ['astro-capture', 'count', '1.5', { mode: 'count' }, 'Number: a whole number of frames, 1 or more'],
    [
      'astro-capture',
      'startTime',
      '25:00',
      { startAt: 'time' },
      'Start time: 22:15 or a date such as 2026-03-20T22:15:00Z',
    ],
    [
      'astro-capture',
      'folder',
      '../out',
      {},
      'Folder: below the archive folder, without .. and without a slash in front',
    ],
    ['astro-site', 'latitude', '95', {}, 'Latitude: -90 to 90 degrees, decimal (69.65) or 69:39:00 N'],
    ['astro-site', 'timeZone', 'Mars/Olympus', {}, 'Time zone: an IANA name such as Europe/Oslo, or empty'],
    ['astro-site', 'clockStart', 'soon', { clock: 'rehearsal' }, 'Start: a date such as 2026-03-14T17:45:00Z'],
    ['astro-camera', 'cloudCover', '2', {}, 'Clouds: 0 to 1'],
    ['astro-camera', 'path', '', { backend: 'folder' }, 'Folder: a folder or a pattern such as /home/pi/night/*.ARW'],
    ['astro-stack', 'stackSeconds', '0', {}, 'Duration: a number from 0.1 to 86400 s'],
    ['astro-stack', 'stackFrames', '2.5', {}, 'Frames: a whole number from 1 to 1000000'],
    ['astro-load', 'path', '', {}, 'Path: must not be empty'],
  ])('%s %s "%s"', (type, name, value, others, reason) => {
    expect(verdict(type, name, value, others)).toBe(reason);
  });

  it.each([
    ['astro-capture', 'exposureSeconds', 'payload', { exposureSecondsType: 'msg' }],
    ['astro-capture', 'exposureSeconds', variable, {}],
    ['astro-capture', 'count', 'nonsense', { mode: 'until' }],
    ['astro-capture', 'startTime', '22:15', { startAt: 'time' }],
    ['astro-capture', 'folder', '', {}],
    ['astro-site', 'latitude', '69° 38\' 57" N', {}],
    ['astro-site', 'longitude', '-70.4', {}],
    ['astro-site', 'latitude', variable, {}],
    ['astro-site', 'clockRate', 'max', { clock: 'rehearsal' }],
    ['astro-camera', 'cloudCover', '2', { backend: 'folder' }],
    ['astro-stack', 'stackFrames', 'payload', { stackFramesType: 'msg' }],
    ['astro-stack', 'stackSeconds', variable, {}],
    ['astro-timelapse', 'megabits', '', {}],
  ])('%s %s "%s" is right', (type, name, value, others) => {
    expect(verdict(type, name, value, others)).toBe(true);
  });
});
