/** The user directory: flow file, credentials, password, captured nights. `.nightflow/` unless NIGHTFLOW_HOME says otherwise. */
import { resolve } from 'node:path';
import { root } from './toolchain.js';

export const home = () => resolve(root, process.env.NIGHTFLOW_HOME || '.nightflow');

export const host = () => process.env.NIGHTFLOW_HOST || '127.0.0.1';

/** A refusal with its remedy when the network would get in without a password. */
export const openWithoutPassword = (address) =>
  `NIGHTFLOW_HOST=${address} opens Nightflow to the network, and there is no password yet. Set one first: npm run password`;
