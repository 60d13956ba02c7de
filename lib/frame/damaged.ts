/** What a user can do about a picture file that is not what it says. */
export const damagedRemedy = 'Copy the file again from where it came: it was cut off, or is damaged.';
