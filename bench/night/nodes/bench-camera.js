/** A camera for `bench night`: cycles through a few pre-rendered 12 Mpx Bayer frames, each handed out in memory of its own. */
import { allocatePixels, Frame } from '../../../dist/lib/frame/frame.js';
import { job, sharedPool } from '../../../dist/lib/kernels/pool.js';
import { renderNightSet } from './render-set.js';

const copyPicture = job(new URL('./copy.job.js', import.meta.url), 'copyPicture');
const exposureLimitSeconds = 670;

class CyclingCamera {
  constructor(clock, site, pictureSet) {
    this.clock = clock;
    this.site = site;
    this.pictureSet = pictureSet;
    this.info = {
      id: 'bench',
      name: 'bench',
      backend: 'bench',
      sensor: {
        width: pictureSet.width,
        height: pictureSet.height,
        pixelSizeMicrometres: 1.55,
        bayer: 'RGGB',
        bitsPerSample: 12,
        minimumExposureSeconds: 1e-4,
        maximumExposureSeconds: exposureLimitSeconds,
      },
    };
  }
  async open() {}
  async close() {}
  async recover() {}
  async settings() {
    return [];
  }
  async get(name) {
    throw new Error(`no setting ${name}`);
  }
  async set(name) {
    throw new Error(`no setting ${name}`);
  }

  async take(n, startMs, request) {
    const picture = this.pictureSet.pictures[n % this.pictureSet.pictures.length];
    const data = allocatePixels(this.pictureSet.width, this.pictureSet.height, 1, 'u16');
    const release = this.clock.hold();
    await sharedPool().run(copyPicture, { source: picture.buffer, target: data }).finally(release);
    const iso = (ms) => new Date(ms).toISOString();
    return new Frame({
      data,
      width: this.pictureSet.width,
      height: this.pictureSet.height,
      pixelType: 'u16',
      bayer: 'RGGB',
      blackLevel: 256,
      whiteLevel: 4095,
      start: iso(startMs),
      middle: iso(startMs + request.exposureSeconds * 500),
      end: iso(startMs + request.exposureSeconds * 1000),
      exposureSeconds: request.exposureSeconds,
      gain: request.gain ?? 1,
      timeSource: 'simulator',
      camera: 'bench',
      site: this.site,
    });
  }

  async expose(request, signal) {
    const start = this.clock.now();
    await this.clock.sleep(request.exposureSeconds * 1000, signal);
    return this.take(0, start, request);
  }

  async *exposures(request, signal) {
    for (let n = 0; !signal?.aborted; n++) {
      const start = this.clock.now();
      await this.clock.sleep(request.exposureSeconds * 1000, signal);
      yield { frame: await this.take(n, start, request), gapSeconds: n === 0 ? null : 0, lostBefore: 0 };
    }
  }
}

export default function (RED) {
  RED.nodes.registerType('bench-camera', function (config) {
    RED.nodes.createNode(this, config);
    this.siteNode = RED.nodes.getNode(config.site);
    this.camera = new CyclingCamera(this.siteNode.clock, this.siteNode.site, renderNightSet(Number(config.pictures)));
    this.ready = async () => this.camera;
    this.reserve = () => () => {};
  });
}
