/** The whole process: reads a FITS file, measures its stars, prints the medians, or the table with --stars. Runs the shipped code. */
const [, , library, path, table] = process.argv;
const load = (module) => import(`${library}/${module}`);
const [{ readFits }, { measureStars }, { closeSharedPool }] = await Promise.all([
  load('frame/fits/read.js'),
  load('stars/measure.js'),
  load('kernels/pool.js'),
]);
const { stars, count, hfr, fwhm, background, noise } = await measureStars(await readFits(path), { threads: 1 });
const lists = table ? { x: [...stars.x], y: [...stars.y], hfr: [...stars.hfr] } : {};
console.log(JSON.stringify({ count, hfr, fwhm, background, noise, ...lists }));
await closeSharedPool();
