/** Both sides name the version of the interface first, so that an old command and a new appliance say so instead of failing somewhere. */

/** Raised when a client of the version before would misunderstand an answer. */
export const apiVersion = 1;
export const apiVersionHeader = 'Nightflow-Api';
/** The package that answers, for the remedy. */
export const packageVersionHeader = 'Nightflow-Version';
