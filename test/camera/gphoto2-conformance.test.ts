/** The conformance suite on the backend `gphoto2`, with the stand-in program: a Sony whose shutter is held, a Nikon asked for each frame. */
import { gphoto2Backend } from '../../lib/camera/gphoto2.ts';
import { realClock } from '../../lib/clock/clock.ts';
import { describeCamera, type Subject, type Traits } from './conformance.ts';
import { makeGphoto2StandIn } from './stand-in/gphoto2-bin.ts';
import { bodies } from './stand-in/gphoto2-bodies.ts';

const site = { name: 'Dunes', latitude: 52.4, longitude: 4.6, elevation: 12 };

const make = (body: 'sony' | 'nikon') => async (): Promise<Subject> => {
  const { program, remove } = await makeGphoto2StandIn({ body });
  const camera = gphoto2Backend.create({ program, waitingFrames: 40 }, { clock: realClock, site });
  const { model } = bodies[body];
  return { camera, listed: { backend: gphoto2Backend, options: { program }, id: model }, end: remove };
};

const common: Omit<Traits, 'make' | 'setting' | 'largestGapSeconds'> = {
  exposureSeconds: 0.25,
  exposureTolerance: 0.0015,
  frames: 4,
  readOnly: 'serialnumber',
  refusedExposures: [0, -1, 0.3, Number.NaN],
  whileExposing: 'busy',
  site,
};

describeCamera('gphoto2', {
  ...common,
  variant: 'whose shutter is held',
  make: make('sony'),
  // The times of arrival, on a machine with other work; the test of the burst counts frames instead.
  largestGapSeconds: 5,
  setting: { name: 'iso', values: ['400', '1600'], refused: ['401', 401, true, ''] },
});

describeCamera('gphoto2', {
  ...common,
  variant: 'asked for each frame',
  make: make('nikon'),
  largestGapSeconds: 20,
  setting: { name: 'capturetarget', values: ['Internal RAM', 'Memory card'], refused: ['1', 'card', true] },
});
