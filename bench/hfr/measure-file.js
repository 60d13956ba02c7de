/**
 * The whole process: reads a FITS file, measures its stars, prints the medians, or the table with --stars. Runs the shipped
 * code, the jobs in this thread: for a single file a worker would cost more than it brings. Node keeps what it compiled of
 * the modules for the next run.
 */
import { enableCompileCache } from 'node:module';

enableCompileCache();
const [, , library, path, table] = process.argv;
const load = (module) => import(`${library}/${module}`);
const [{ read }, { Frame }, { measureStars }] = await Promise.all([
  load('frame/fits/read.job.js'),
  load('frame/frame.js'),
  load('stars/measure.js'),
]);
const pool = { size: 1, run: async ({ module, name }, input) => (await import(module))[name](input) };
const { stars, count, hfr, fwhm, background, noise } = await measureStars(new Frame(read({ path })), { pool });
const lists = table ? { x: [...stars.x], y: [...stars.y], hfr: [...stars.hfr] } : {};
console.log(JSON.stringify({ count, hfr, fwhm, background, noise, ...lists }));
