/** Both sides have to agree on this. */
export const NETWORK = 'bench'
export const NAME = 'echo'
export const BODY_BYTES = 64
