/** The kernels that find and measure stars. */
export * from './stars-plane';
export * from './stars-mesh';
export * from './stars-nodes';
export * from './stars-detect';
export * from './stars-label';
export { starsOfObject } from './stars-objects';
export { starsMeasure, starsMeasureRecords } from './stars-shape';
export * from './stars-scale';
