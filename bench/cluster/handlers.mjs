/** What the workers do with a request: send it back, at once or after so many steps of work. */
import { raw } from '../../dist/index.js'
import { NAME } from '../crowd/names.mjs'
import { work } from './work.mjs'

export function setup(node, { data: { steps } }) {
  node.handle({ name: NAME, request: raw, reply: raw }, ({ body }) => {
    if (steps > 0) work(steps)
    return body
  })
}
