/** What slew and centre tells a person. */

export const spoken = (arcsec: number): string =>
  arcsec < 100
    ? `${arcsec.toFixed(1)}"`
    : arcsec < 6000
      ? `${(arcsec / 60).toFixed(1)}'`
      : `${(arcsec / 3600).toFixed(2)}°`;

export function centred(errorArcsec: number, fault: number | null): string {
  const at = `Centred to ${spoken(errorArcsec)}.`;
  if (fault === null) return at;
  return `${at} After the sync the mount said that it was there and was ${spoken(fault)} off; the rest was corrected in the commanded place.${faultNote(fault)}`;
}

/** Measured on the simulators of indi-bin 1.9.9: 4 to 13", by where in the sky and when. */
const faultNote = (arcsec: number): string =>
  arcsec < 20 ? ' Drivers built on INDI before 2.2.2 err by up to 14" in their nutation.' : '';

export const stuck = (before: number, now: number): string =>
  `The mount does not come closer: ${spoken(before)} off, and ${spoken(now)} after the correction. Backlash, slipping clutches, or wind?`;

export function unrecognised(reason: string, recognisedBefore: number): string {
  const note = recognisedBefore > 0 ? ' An earlier picture was recognised, and the mount corrected by it.' : '';
  return `The stars were not recognised: ${reason}${note}`;
}
