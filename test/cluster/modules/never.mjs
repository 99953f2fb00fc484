/** Its setup never ends. */
export const setup = () => new Promise(() => {})
