/** The kernels that find and measure stars. */
export * from './stars-plane';
export * from './stars-mesh';
export * from './stars-detect';
export * from './stars-label';
export { starsOfObject } from './stars-objects';
export { starsMeasure } from './stars-shape';
