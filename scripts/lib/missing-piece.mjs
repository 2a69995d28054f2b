/** Something this machine lacks and the script can't bring: one line of what it is and how to get it. */
export class MissingPiece extends Error {}
