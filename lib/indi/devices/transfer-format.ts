/** As what a driver sends its pictures (`CCD_TRANSFER_FORMAT` of INDI's CCD interface). */
export const transferFormat = { property: 'CCD_TRANSFER_FORMAT', fits: 'FORMAT_FITS', own: 'FORMAT_NATIVE' } as const;
