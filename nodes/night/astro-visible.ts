/** astro-visible: can a target be seen now, or tonight, from this site? Yes leaves by output 1, no by output 2 with the reason. */
import type { Node, NodeAPI } from 'node-red';
import { parseHorizon } from '../../lib/sky/horizon.ts';
import { compass, type VisibilityLimits } from '../../lib/sky/visibility.ts';
import { VisibilityReport } from '../../lib/sky/visibility-report.ts';
import { handleInput } from '../handle.ts';
import type { InputTable, NodeConfig } from '../inputs.ts';
import { showStatus } from '../status.ts';
import { type AstroMessage, clockOf, siteOf } from '../types.ts';
import { requirePlace } from './require-place.ts';
import { targetOfMessage, timeOfMessage } from './target-message.ts';

export const visibleInputs = {
  visibleWhen: { type: 'choice', label: 'question', choices: ['now', 'tonight'], default: 'now' },
  minimumMinutes: { type: 'number', label: 'least time', default: 30, minimum: 0, maximum: 1440, unit: 'min' },
  minimumAltitudeDegrees: { type: 'number', label: 'least altitude', default: 20, minimum: -5, maximum: 90, unit: '°' },
  horizon: { type: 'text', label: 'horizon', default: '' },
  maximumAirmass: { type: 'number', label: 'highest airmass', default: null, minimum: 1, maximum: 38 },
  minimumMoonDegrees: { type: 'number', label: 'Moon distance', default: null, minimum: 0, maximum: 180, unit: '°' },
  maximumSunDegrees: { type: 'number', label: "Sun's altitude", default: null, minimum: -30, maximum: 90, unit: '°' },
} as const satisfies InputTable;

export default function register(RED: NodeAPI): void {
  RED.nodes.registerType('astro-visible', function (this: Node, config: NodeConfig) {
    RED.nodes.createNode(this, config);
    const siteNode = siteOf(RED, config.site);
    const clock = clockOf(RED, config.site);
    const report = new VisibilityReport();
    showStatus(this, 'idle', RED._('astro-visible.status.idle'));
    handleInput(RED, this, {
      config,
      inputs: visibleInputs,
      clock,
      run: async ({ msg, settings, send, status }) => {
        const site = requirePlace(siteNode);
        const target = targetOfMessage(msg);
        const at = timeOfMessage(msg, clock.now());
        const limits: VisibilityLimits = {
          minimumAltitudeDegrees: settings.minimumAltitudeDegrees,
          horizon: parseHorizon(settings.horizon),
          maximumAirmass: settings.maximumAirmass,
          minimumMoonDistanceDegrees: settings.minimumMoonDegrees,
          maximumSunAltitudeDegrees: settings.maximumSunDegrees,
        };
        const asked = settings.visibleWhen === 'now' ? null : settings.minimumMinutes * 60;
        const found = report.of(site, at, target, limits, asked);
        const altitude = found.apparentAltitudeDegrees;
        const out: AstroMessage = Object.assign(msg, { target, payload: altitude, visibility: found });
        if (found.visible) send(out);
        else send(null, Object.assign(out, { event: 'not-visible', reason: found.reason }));
        const values = {
          name: target.name,
          altitude: Math.round(altitude),
          direction: compass(found.azimuthDegrees),
          minutes: Math.round(found.visibleSeconds / 60),
          reason: found.reason ?? '',
        };
        const key = found.visible ? settings.visibleWhen : 'not';
        status(found.visible ? 'done' : 'waiting', RED._(`astro-visible.status.${key}`, values));
      },
    });
  });
}
