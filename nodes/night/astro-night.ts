/** astro-night: sends at dusk and at dawn of its site's clock, and lets messages through by night or by day. */
import type { Node, NodeAPI } from 'node-red';
import { isoTime } from '../../lib/clock/clock.ts';
import { asNightflowError } from '../../lib/process/errors.ts';
import { moonOf } from '../../lib/sky/moon.ts';
import type { Site } from '../../lib/sky/site.ts';
import { nextSunCrossing, sunAltitudeDegrees } from '../../lib/sky/sun.ts';
import { nightOfSite } from '../../lib/sky/twilight.ts';
import { watchTwilight } from '../../lib/sky/twilight-watch.ts';
import { handleInput, reportFailure } from '../handle.ts';
import { type InputTable, type NodeConfig, readConfiguration } from '../inputs.ts';
import { showStatus } from '../status.ts';
import { type AstroMessage, clockOf, siteOf } from '../types.ts';
import { requirePlace } from './require-place.ts';
import { timeOfMessage } from './target-message.ts';

export const nightInputs = {
  sunAltitudeDegrees: { type: 'number', label: "Sun's altitude", default: -12, minimum: -30, maximum: 30, unit: '°' },
} as const satisfies InputTable;

const ownInputs = {
  ...nightInputs,
  sendAtStart: { type: 'boolean', label: 'send at start', default: false },
} as const satisfies InputTable;

export default function register(RED: NodeAPI): void {
  RED.nodes.registerType('astro-night', function (this: Node, config: NodeConfig) {
    RED.nodes.createNode(this, config);
    const siteNode = siteOf(RED, config.site);
    const clock = clockOf(RED, config.site);
    const closing = new AbortController();

    const show = (site: Site, sunAltitude: number) => {
      const { isNight, nextEvent } = nightAt(site, clock.now(), sunAltitude);
      const time = nextEvent ? nextEvent.time.slice(11, 16) : '';
      const key = `${isNight ? 'night' : 'day'}${nextEvent ? '' : 'Polar'}`;
      showStatus(this, isNight ? 'done' : 'idle', RED._(`astro-night.status.${key}`, { time }));
    };
    const sendEvent = (site: Site, at: number, sunAltitude: number, event: 'dusk' | 'dawn' | 'night' | 'day') => {
      const night = nightAt(site, at, sunAltitude);
      const isNight = event === 'dusk' || event === 'night';
      const msg = { payload: isNight, event, night: { ...night, isNight } } as unknown as AstroMessage;
      this.send(isNight ? [msg, null] : [null, msg]);
    };
    const watch = async () => {
      const settings = readConfiguration(config, ownInputs);
      const { sunAltitudeDegrees: sunAltitude, sendAtStart } = settings;
      const site = requirePlace(siteNode);
      // Flows are wired once all nodes are there: a turn later.
      await new Promise((resolve) => setImmediate(resolve));
      if (closing.signal.aborted) return;
      show(site, sunAltitude);
      const now = clock.now();
      if (sendAtStart) sendEvent(site, now, sunAltitude, sunAltitudeDegrees(site, now) < sunAltitude ? 'night' : 'day');
      for await (const { event, at } of watchTwilight(site, clock, sunAltitude, closing.signal)) {
        sendEvent(site, at, sunAltitude, event);
        show(site, sunAltitude);
      }
    };

    handleInput(RED, this, {
      config,
      inputs: nightInputs,
      clock,
      run: async ({ msg, settings, send }) => {
        const site = requirePlace(siteNode);
        const night = nightAt(site, timeOfMessage(msg, clock.now()), settings.sunAltitudeDegrees);
        const out = Object.assign(msg, { payload: night.isNight, event: night.isNight ? 'night' : 'day', night });
        if (night.isNight) send(out);
        else send(null, out);
        show(site, settings.sunAltitudeDegrees);
      },
      closing: () => closing.abort(),
    });
    watch().catch((thrown) => {
      if (!closing.signal.aborted)
        reportFailure(this, thrown, (error) => error && this.error(asNightflowError(error).message));
    });
  });
}

/** `msg.night` at a moment (UTC ms): times are ISO 8601 UTC. */
function nightAt(site: Site, at: number, sunAltitude: number) {
  const sun = sunAltitudeDegrees(site, at);
  const isNight = sun < sunAltitude;
  const next = nextSunCrossing(site, at, sunAltitude, isNight ? 'rising' : 'setting');
  const moon = moonOf(site, at);
  const iso = (time: number | null) => (time === null ? null : isoTime(time));
  const { twilights } = nightOfSite(site, at);
  return {
    time: isoTime(at),
    isNight,
    sunAltitudeDegrees: sun,
    nextEvent: next === null ? null : { event: isNight ? 'dawn' : 'dusk', time: isoTime(next) },
    twilights: Object.fromEntries(
      Object.entries(twilights).map(([name, { dusk, dawn, dark }]) => [
        name,
        { dusk: iso(dusk), dawn: iso(dawn), dark },
      ]),
    ),
    moon: {
      altitudeDegrees: moon.altitudeDegrees,
      illumination: moon.illumination,
      phase: moon.phase,
      waxing: moon.waxing,
    },
  };
}
