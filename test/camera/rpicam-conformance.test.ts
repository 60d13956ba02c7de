/** The conformance suite on the backend `rpicam`, with the stand-in programs. */
import { rpicamBackend } from '../../lib/camera/rpicam.ts';
import { realClock } from '../../lib/clock/clock.ts';
import { describeCamera, type Subject } from './conformance.ts';
import { makeRpicamStandIn } from './stand-in/rpicam-bin.ts';
import { imx477 } from './stand-in/rpicam-texts.ts';

const site = { name: 'Dunes', latitude: 52.4, longitude: 4.6, elevation: 12 };

async function rpicam(): Promise<Subject> {
  const { programFolder, remove } = await makeRpicamStandIn();
  // So many waiting frames that a busy machine loses none by itself.
  const options = { programFolder, mode: '1640x1232 10-bit', packing: 'packed', waitingFrames: 40 } as const;
  const create = () => rpicamBackend.create(options, { clock: realClock, site });
  const listed = { backend: rpicamBackend, options, id: imx477.id };
  return { camera: create(), another: create, listed, end: remove };
}

describeCamera('rpicam', {
  make: rpicam,
  exposureSeconds: 0.25,
  exposureTolerance: 0.0015,
  frames: 4,
  // The stand-in's sensor is blind for 50 µs.
  largestGapSeconds: 0.002,
  setting: { name: 'gain', values: [2, 16], refused: [0.5, 100, Number.NaN, 'much', true] },
  readOnly: 'temperatureCelsius',
  refusedExposures: [0, -1, 1e9, Number.NaN],
  whileExposing: 'busy',
  anotherProgram: 'busy',
  site,
});
