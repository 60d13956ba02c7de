/** The whole process: reads a picture, measures its stars, prints the medians, or the table with --stars. Runs the shipped code. */
const [, , library, path, table] = process.argv;
const load = (module) => import(`${library}/${module}`);
const [{ readFrame }, { measureStars }, { closeSharedPool }] = await Promise.all([
  load('frame/read.js'),
  load('stars/measure.js'),
  load('kernels/pool.js'),
]);
const { stars, count, hfr, fwhm, background, noise } = await measureStars(await readFrame(path), { threads: 1 });
const lists = table ? { x: [...stars.x], y: [...stars.y], hfr: [...stars.hfr] } : {};
console.log(JSON.stringify({ count, hfr, fwhm, background, noise, ...lists }));
await closeSharedPool();
