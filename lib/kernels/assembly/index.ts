/** All kernels of dist/wasm/kernels.wasm. Each takes raw byte pointers into the one imported memory; nothing allocates. */
export * from './fold';
export * from './finish';
export * from './hot';
export * from './statistics';
export * from './fits';
export * from './fits-tiles';
export * from './debayer';
export * from './preview';
export * from './bridge';
export * from './warp';
export * from './integrate';
export * from './calibrate';
export * from './stars';
export * from './live';
