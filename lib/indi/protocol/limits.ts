/** What the parser believes of a peer it does not know. Real drivers stay below a hundredth of most of these. */

export interface ProtocolLimits {
  /** Bytes of one tag with its attributes. */
  tagBytes: number;
  attributes: number;
  /** Characters of a device's, property's or element's name (libindi: 64). */
  nameCharacters: number;
  /** Bytes of one element's text. */
  textBytes: number;
  /** Elements of one vector. */
  elements: number;
  /** Bytes of one message, BLOB content not counted. */
  messageBytes: number;
  /** Bytes of one BLOB, decoded and inflated. */
  blobBytes: number;
}

export const defaultLimits: ProtocolLimits = {
  tagBytes: 65_536,
  attributes: 32,
  nameCharacters: 256,
  textBytes: 1_048_576,
  elements: 4096,
  messageBytes: 4_194_304,
  blobBytes: 536_870_912,
};
