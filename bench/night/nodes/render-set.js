/** A small set of 12 Mpx night frames: sky background with photon noise, stars that move from picture to picture, hot pixels. */
const width = 4056;
const height = 3040;

/** @returns {{width: number, height: number, pictures: Uint16Array[]}} Seeded: the same at each run. */
export function renderNightSet(count) {
  const random = mulberry32(20261121);
  const noise = Float32Array.from({ length: 1 << 16 }, () => gaussian(random));
  const stars = Array.from({ length: 3000 }, () => ({
    x: random() * width,
    y: random() * height,
    flux: 300 * (1 - random()) ** -1.2,
  }));
  const hot = Array.from({ length: 800 }, () => Math.floor(random() * width * height));
  const pictures = Array.from({ length: count }, (_, n) => {
    const picture = new Uint16Array(new SharedArrayBuffer(width * height * 2));
    let at = Math.floor(random() * 65536);
    for (let i = 0; i < picture.length; i++) {
      at = (at + 40503) & 65535;
      picture[i] = 420 + noise[(at ^ (i >> 9)) & 65535] * 12;
    }
    for (const star of stars) addStar(picture, (star.x + n * 2.5) % width, star.y, Math.min(star.flux, 60_000));
    for (const pixel of hot) picture[pixel] = 4095;
    return picture;
  });
  return { width, height, pictures };
}

function addStar(picture, x, y, flux) {
  for (let dy = -3; dy <= 3; dy++)
    for (let dx = -3; dx <= 3; dx++) {
      const [px, py] = [Math.round(x) + dx, Math.round(y) + dy];
      if (px < 0 || py < 0 || px >= width || py >= height) continue;
      const light = (flux / (2 * Math.PI)) * Math.exp(-((px - x) ** 2 + (py - y) ** 2) / 2);
      picture[py * width + px] = Math.min(4095, picture[py * width + px] + light);
    }
}

function mulberry32(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const gaussian = (random) => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
