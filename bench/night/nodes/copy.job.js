/** Fills a new frame's memory from a picture of the set: off the main thread, as a camera backend does. */
export function copyPicture({ source, target }) {
  new Uint16Array(target).set(new Uint16Array(source));
}
