/** The kernels that find and measure stars. */
export * from './stars-plane';
export * from './stars-mesh';
export * from './stars-nodes';
export * from './stars-detect';
export * from './stars-label';
export { starsMeasure } from './stars-shape';
